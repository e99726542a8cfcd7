package expr

import (
	"errors"
	"fmt"
)

// An Expr is a parsed expression. It is safe for concurrent use.
type Expr struct {
	source string
	eval   node
}

// node computes a value; its result may be undefined.
type node func(Scope) (any, error)

// String is the expression as it was written.
func (e *Expr) String() string { return e.source }

// Eval computes the expression. Errors name it; what is undefined is
// [ErrUndefined].
func (e *Expr) Eval(s Scope) (any, error) {
	v, err := e.eval(s)
	if u, ok := v.(undefined); ok && err == nil {
		err = u.err()
	}
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", e.source, err)
	}
	return v, nil
}

// Truth computes the expression as a condition.
func (e *Expr) Truth(s Scope) (bool, error) {
	v, err := e.Eval(s)
	return truth(v), err
}

// Parse reads an expression. Errors are of type *SyntaxError.
func Parse(input string) (*Expr, error) {
	tokens, err := lex(input)
	if err != nil {
		return nil, err
	}
	p := &parser{input: input, tokens: tokens}
	n, err := p.conditional()
	if err == nil && p.peek().kind != end {
		err = p.unexpected("after the expression")
	}
	if err != nil {
		return nil, err
	}
	return &Expr{source: input, eval: n}, nil
}

type parser struct {
	input  string
	tokens []token
	pos    int
	depth  int
}

// maxDepth bounds how deep expressions are nested.
const maxDepth = 50

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != end {
		p.pos++
	}
	return t
}

// accept takes the next token if it is that symbol or word.
func (p *parser) accept(k kind, text string) bool {
	if t := p.peek(); t.kind != k || t.text != text {
		return false
	}
	p.next()
	return true
}

func (p *parser) fail(t token, format string, args ...any) error {
	return &SyntaxError{p.input, t.at, fmt.Sprintf(format, args...)}
}

func (p *parser) unexpected(where string) error {
	t := p.peek()
	if t.kind == end {
		return p.fail(t, "the expression ends %s", where)
	}
	return p.fail(t, "%q isn't supported %s", t.text, where)
}

func (p *parser) expect(sym string) error {
	if p.accept(symbol, sym) {
		return nil
	}
	return p.unexpected("where " + sym + " is needed")
}

// conditional is "value if condition else other".
func (p *parser) conditional() (node, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, p.fail(p.peek(), "nested deeper than %d levels", maxDepth)
	}
	value, err := p.or()
	if err != nil || !p.accept(name, "if") {
		return value, err
	}
	condition, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.accept(name, "else") {
		return nil, p.unexpected("where else is needed")
	}
	other, err := p.conditional()
	if err != nil {
		return nil, err
	}
	return func(s Scope) (any, error) {
		c, err := defined(condition(s))
		if err != nil {
			return nil, err
		}
		if truth(c) {
			return value(s)
		}
		return other(s)
	}, nil
}

func (p *parser) or() (node, error) {
	return p.chain("or", p.and, func(v any) bool { return truth(v) })
}

func (p *parser) and() (node, error) {
	return p.chain("and", p.not, func(v any) bool { return !truth(v) })
}

// chain is operands joined by a word; the first for which stop holds is the
// value, or else the last, as in Python.
func (p *parser) chain(word string, operand func() (node, error), stop func(any) bool) (node, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for p.accept(name, word) {
		right, err := operand()
		if err != nil {
			return nil, err
		}
		first := left
		left = func(s Scope) (any, error) {
			v, err := defined(first(s))
			if err != nil || stop(v) {
				return v, err
			}
			return right(s)
		}
	}
	return left, nil
}

func (p *parser) not() (node, error) {
	negations := 0
	for p.accept(name, "not") {
		negations++
	}
	n, err := p.comparison()
	if err != nil || negations == 0 {
		return n, err
	}
	return func(s Scope) (any, error) {
		v, err := defined(n(s))
		return truth(v) != (negations%2 == 1), err
	}, nil
}

// defined turns an undefined value into its error.
func defined(v any, err error) (any, error) {
	if u, ok := v.(undefined); ok && err == nil {
		return nil, u.err()
	}
	return v, err
}

// comparison is one operator between two sums. Python chains them (a < b < c);
// here that is refused rather than misread.
func (p *parser) comparison() (node, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	n, err := p.compared(left)
	if err != nil || n == nil {
		return left, err
	}
	if again, err := p.compared(n); err != nil || again != nil {
		return nil, errors.Join(err, p.fail(p.tokens[max(p.pos-1, 0)], "comparisons in a row aren't supported: join them with and"))
	}
	return n, nil
}

// compared reads an operator and its right side, nil if there is none.
func (p *parser) compared(left node) (node, error) {
	at := p.peek()
	for sym, holds := range comparisons {
		if p.accept(symbol, sym) {
			return p.binary(left, p.sum, func(a, b any) (any, error) { return holds(a, b) })
		}
	}
	negated := false
	switch {
	case p.accept(name, "is"):
		return p.test(left)
	case p.accept(name, "not"):
		if !p.accept(name, "in") {
			return nil, p.fail(at, "not behind a value is only for: not in")
		}
		negated = true
	case !p.accept(name, "in"):
		return nil, nil
	}
	return p.binary(left, p.sum, func(a, b any) (any, error) {
		found, err := contains(b, a)
		return found != negated, err
	})
}

// test is "is [not] defined".
func (p *parser) test(left node) (node, error) {
	negated := p.accept(name, "not")
	t := p.next()
	switch {
	case t.kind != name || t.text != "defined" && t.text != "undefined":
		return nil, p.fail(t, "the test %q isn't supported; there are defined and undefined", t.text)
	case t.text == "undefined":
		negated = !negated
	}
	return func(s Scope) (any, error) {
		v, err := left(s)
		_, missing := v.(undefined)
		return missing == negated, err
	}, nil
}

func (p *parser) binary(left node, operand func() (node, error), apply func(a, b any) (any, error)) (node, error) {
	right, err := operand()
	if err != nil {
		return nil, err
	}
	return func(s Scope) (any, error) {
		a, err := defined(left(s))
		if err != nil {
			return nil, err
		}
		b, err := defined(right(s))
		if err != nil {
			return nil, err
		}
		return apply(a, b)
	}, nil
}

// sum is values joined by + and ~.
func (p *parser) sum() (node, error) {
	left, err := p.filtered()
	for err == nil {
		switch {
		case p.accept(symbol, "+"):
			left, err = p.binary(left, p.filtered, add)
		case p.accept(symbol, "~"):
			left, err = p.binary(left, p.filtered, concat)
		default:
			return left, nil
		}
	}
	return nil, err
}
