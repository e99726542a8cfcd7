package jinja

import "fmt"

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
	if u, ok := v.(undefined); ok && u.empty && err == nil {
		return "", nil
	}
	if err == nil {
		err = allDefined(v)
	}
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", e.source, err)
	}
	return v, nil
}

// allDefined looks for what is undefined in a value, and in the lists of it.
func allDefined(v any) error {
	switch v := v.(type) {
	case undefined:
		return v.err()
	case []any:
		for _, item := range v {
			if err := allDefined(item); err != nil {
				return err
			}
		}
	case *Dict:
		for _, e := range v.entries {
			if err := allDefined(e.value); err != nil {
				return err
			}
		}
	}
	return nil
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

// maxDepth bounds how deeply expressions are nested.
const maxDepth = 50

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != end {
		p.pos++
	}
	return t
}

// accept takes the next token if it is the one asked for.
func (p *parser) accept(k kind, text string) bool {
	if t := p.peek(); t.kind == k && t.text == text {
		p.pos++
		return true
	}
	return false
}

func (p *parser) expect(text string) error {
	if p.accept(symbol, text) {
		return nil
	}
	return p.unexpected("where " + text + " is needed")
}

func (p *parser) fail(t token, format string, args ...any) error {
	return &SyntaxError{Input: p.input, Offset: t.at, Problem: fmt.Sprintf(format, args...)}
}

// unsupported refuses a name that may mean something elsewhere.
func (p *parser) unsupported(t token, kind, known string) error {
	problem := fmt.Sprintf("the %s %q isn't supported; there are %s", kind, t.text, known)
	return &SyntaxError{Input: p.input, Offset: t.at, Problem: problem, Unsupported: true}
}

func (p *parser) unexpected(where string) error {
	t := p.peek()
	if t.kind == end {
		return p.fail(t, "the expression ends %s", where)
	}
	return p.fail(t, "%q isn't supported %s", t.text, where)
}

// conditional is: value if condition else value. Without else it is undefined
// when the condition doesn't hold.
func (p *parser) conditional() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(p.peek(), "nested deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	then, err := p.or()
	for err == nil && p.accept(name, "if") {
		var condition node
		if condition, err = p.or(); err != nil {
			return nil, err
		}
		otherwise := node(func(Scope) (any, error) { return undefined{what: "the value without else", empty: true}, nil })
		if p.accept(name, "else") {
			if otherwise, err = p.conditional(); err != nil {
				return nil, err
			}
		}
		then = choose(condition, then, otherwise)
	}
	return then, err
}

func choose(condition, then, otherwise node) node {
	return func(s Scope) (any, error) {
		c, err := defined(condition(s))
		switch {
		case err != nil:
			return nil, err
		case truth(c):
			return then(s)
		}
		return otherwise(s)
	}
}

func (p *parser) or() (node, error) { return p.chain("or", p.and, truth) }
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

// link is one comparison of a chain: its operator and right side.
type link struct {
	holds func(a, b any) (bool, error)
	right node
}

// comparison is any number of comparisons in a row, of which all must hold:
// a < b < c means a < b and b < c.
func (p *parser) comparison() (node, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	var links []link
	for {
		holds, err := p.comparator()
		if err != nil {
			return nil, err
		}
		if holds == nil {
			break
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		links = append(links, link{holds, right})
	}
	if len(links) == 0 {
		return left, nil
	}
	return func(s Scope) (any, error) {
		a, err := defined(left(s))
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			b, err := defined(l.right(s))
			if err != nil {
				return nil, err
			}
			if ok, err := l.holds(a, b); err != nil || !ok {
				return false, err
			}
			a = b
		}
		return true, nil
	}, nil
}

// comparator reads an operator of comparison, nil if there is none.
func (p *parser) comparator() (func(a, b any) (bool, error), error) {
	at := p.peek()
	if at.kind == symbol {
		if holds, ok := comparisons[at.text]; ok {
			p.pos++
			return holds, nil
		}
	}
	negated := false
	switch {
	case p.accept(name, "not"):
		if !p.accept(name, "in") {
			return nil, p.fail(at, "not behind a value is only for: not in")
		}
		negated = true
	case !p.accept(name, "in"):
		return nil, nil
	}
	return func(a, b any) (bool, error) {
		found, err := contains(b, a)
		return found != negated, err
	}, nil
}

// binary is an operator between two values.
func binary(left, right node, apply func(a, b any) (any, error)) node {
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
	}
}

// level is operands joined by operators of the same strength, from the left.
func (p *parser) level(operand func() (node, error), operator func(string) func(a, b any) (any, error)) (node, error) {
	left, err := operand()
	for err == nil {
		t := p.peek()
		apply := operator(t.text)
		if t.kind != symbol || apply == nil {
			return left, nil
		}
		p.pos++
		var right node
		if right, err = operand(); err == nil {
			left = binary(left, right, apply)
		}
	}
	return nil, err
}

func (p *parser) sum() (node, error) {
	return p.level(p.concatenation, func(symbol string) func(a, b any) (any, error) {
		switch symbol {
		case "+":
			return add
		case "-":
			return operators["-"]
		}
		return nil
	})
}

func (p *parser) concatenation() (node, error) {
	return p.level(p.product, func(symbol string) func(a, b any) (any, error) {
		if symbol == "~" {
			return concat
		}
		return nil
	})
}

func (p *parser) product() (node, error) {
	return p.level(p.power, func(symbol string) func(a, b any) (any, error) {
		if symbol == "*" || symbol == "/" || symbol == "//" || symbol == "%" {
			return operators[symbol]
		}
		return nil
	})
}

func (p *parser) power() (node, error) {
	return p.level(p.filtered, func(symbol string) func(a, b any) (any, error) {
		if symbol == "**" {
			return operators["**"]
		}
		return nil
	})
}
