package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// filtered is a signed value with its filters and tests.
func (p *parser) filtered() (node, error) {
	n, err := p.signed()
	for err == nil {
		switch {
		case p.accept(symbol, "|"):
			n, err = p.filter(n)
		case p.accept(name, "is"):
			n, err = p.test(n)
		default:
			return n, nil
		}
	}
	return nil, err
}

func (p *parser) signed() (node, error) {
	if p.accept(symbol, "+") {
		return p.signed()
	}
	if !p.accept(symbol, "-") {
		return p.postfix()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(p.peek(), "nested deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	n, err := p.signed()
	return binary(constant(int64(0)), n, operators["-"]), err
}

// postfix is a primary with attributes, items and calls.
func (p *parser) postfix() (node, error) {
	n, err := p.primary()
	for err == nil {
		switch {
		case p.accept(symbol, "."):
			n, err = p.attribute(n)
		case p.accept(symbol, "["):
			n, err = p.subscript(n)
		default:
			return n, nil
		}
	}
	return nil, err
}

// attribute is value.name, value.0, and value.method(arguments).
func (p *parser) attribute(n node) (node, error) {
	t := p.next()
	switch t.kind {
	case name:
	case number_:
		key, err := parseNumber(t.text)
		if err != nil {
			return nil, p.fail(t, "%q is no index", t.text)
		}
		return item(n, constant(key)), nil
	default:
		return nil, p.fail(t, "expected the name of an attribute")
	}
	if !p.accept(symbol, "(") {
		return item(n, constant(t.text)), nil
	}
	if !isMethod(t.text) {
		return nil, p.unsupported(t, "method", methodNames())
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return func(s Scope) (any, error) {
		v, err := defined(n(s))
		if err != nil {
			return nil, err
		}
		values, err := args.eval(s)
		if err != nil {
			return nil, err
		}
		return callMethod(t.text, v, values)
	}, nil
}

// subscript is value[key] and value[from:to:step].
func (p *parser) subscript(n node) (node, error) {
	var parts [3]node
	slice := false
	for i := range parts {
		if t := p.peek(); t.kind != symbol || t.text != ":" && t.text != "]" {
			part, err := p.conditional()
			if err != nil {
				return nil, err
			}
			parts[i] = part
		}
		if !p.accept(symbol, ":") {
			break
		}
		slice = true
	}
	at := p.peek()
	if err := p.expect("]"); err != nil {
		return nil, err
	}
	switch {
	case slice:
		return sliced(n, parts), nil
	case parts[0] == nil:
		return nil, p.fail(at, "expected a key")
	}
	return item(n, parts[0]), nil
}

func sliced(n node, parts [3]node) node {
	return func(s Scope) (any, error) {
		v, err := defined(n(s))
		if err != nil {
			return nil, err
		}
		var bounds [3]*int
		for i, part := range parts {
			if part == nil {
				continue
			}
			b, err := defined(part(s))
			if err != nil {
				return nil, err
			}
			whole, ok := integer(b)
			if !ok && b != nil {
				return nil, fmt.Errorf("a slice needs whole numbers, not %s", describe(b))
			}
			if ok {
				bound := int(min(max(whole, -maxProduct), maxProduct))
				bounds[i] = &bound
			}
		}
		return cut(v, bounds)
	}
}

// cut is Python's slice of text or of a list.
func cut(v any, bounds [3]*int) (any, error) {
	_, isText := v.(string)
	if _, isList := list(v); !isText && !isList {
		return nil, fmt.Errorf("%s has no slices", describe(v))
	}
	items, err := iterate(v)
	if err != nil {
		return nil, err
	}
	step := 1
	if bounds[2] != nil {
		step = *bounds[2]
	}
	if step == 0 {
		return nil, fmt.Errorf("a slice's step can't be 0")
	}
	n := len(items)
	from, to := 0, n
	if step < 0 {
		from, to = n-1, -1
	}
	clamp := func(b *int, otherwise int) int {
		if b == nil {
			return otherwise
		}
		i := *b
		if i < 0 {
			i += n
		}
		if step < 0 {
			return min(max(i, -1), n-1)
		}
		return min(max(i, 0), n)
	}
	var out []any
	for i, last := clamp(bounds[0], from), clamp(bounds[1], to); step > 0 && i < last || step < 0 && i > last; i += step {
		out = append(out, items[i])
	}
	if !isText {
		return append([]any{}, out...), nil
	}
	var b strings.Builder
	for _, c := range out {
		b.WriteString(c.(string))
	}
	return b.String(), nil
}

func item(n, key node) node {
	return func(s Scope) (any, error) {
		v, err := n(s)
		if err != nil {
			return nil, err
		}
		k, err := defined(key(s))
		if err != nil {
			return nil, err
		}
		return get(v, k), nil
	}
}

func constant(v any) node { return func(Scope) (any, error) { return v, nil } }

// words are the constants with names, in Python's and Jinja's spelling.
var words = map[string]any{"true": true, "True": true, "false": false, "False": false, "none": nil, "None": nil}

// reserved words can't be variables.
var reserved = []string{"and", "or", "not", "in", "is", "if", "else"}

func (p *parser) primary() (node, error) {
	t := p.next()
	switch t.kind {
	case quoted:
		content := t.text
		for p.peek().kind == quoted { // texts in a row are one, as in Python
			content += p.next().text
		}
		return constant(content), nil
	case number_:
		v, err := parseNumber(t.text)
		if err != nil {
			return nil, p.fail(t, "%q is no number", t.text)
		}
		return constant(v), nil
	case name:
		return p.variable(t)
	case symbol:
		switch t.text {
		case "(":
			return p.parenthesis()
		case "[":
			return p.sequence("]", nil)
		case "{":
			return p.dict()
		}
	}
	if t.kind != end {
		p.pos-- // it is what is unexpected
	}
	return nil, p.unexpected("where a value is needed")
}

func (p *parser) variable(t token) (node, error) {
	if v, ok := words[t.text]; ok {
		return constant(v), nil
	}
	if slices.Contains(reserved, t.text) {
		return nil, p.fail(t, "expected a value, not %s", t.text)
	}
	if next := p.peek(); next.kind == symbol && next.text == "(" {
		p.pos++
		return p.call(t)
	}
	return func(s Scope) (any, error) {
		if v, ok := s.Lookup(t.text); ok {
			return native(v), nil
		}
		return undefined{what: t.text}, nil
	}, nil
}

// parenthesis is a value in parentheses, or a tuple, which is a list here.
func (p *parser) parenthesis() (node, error) {
	if p.accept(symbol, ")") {
		return listOf(nil), nil
	}
	n, err := p.conditional()
	if err != nil || p.accept(symbol, ")") {
		return n, err
	}
	if err := p.expect(","); err != nil {
		return nil, p.unexpected("where ) is needed")
	}
	return p.sequence(")", []node{n})
}

// sequence reads the items of a list up to its closing bracket.
func (p *parser) sequence(closing string, items []node) (node, error) {
	for !p.accept(symbol, closing) {
		n, err := p.conditional()
		if err != nil {
			return nil, err
		}
		items = append(items, n)
		if !p.accept(symbol, ",") {
			if err := p.expect(closing); err != nil {
				return nil, err
			}
			break
		}
	}
	return listOf(items), nil
}

func listOf(items []node) node {
	return func(s Scope) (any, error) {
		values := make([]any, len(items))
		for i, n := range items {
			v, err := defined(n(s))
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
		return values, nil
	}
}

func (p *parser) dict() (node, error) {
	var keys, values []node
	for !p.accept(symbol, "}") {
		key, err := p.conditional()
		if err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		value, err := p.conditional()
		if err != nil {
			return nil, err
		}
		keys, values = append(keys, key), append(values, value)
		if !p.accept(symbol, ",") {
			if err := p.expect("}"); err != nil {
				return nil, err
			}
			break
		}
	}
	return func(s Scope) (any, error) {
		d := NewDict()
		for i := range keys {
			key, err := defined(keys[i](s))
			if err != nil {
				return nil, err
			}
			value, err := defined(values[i](s))
			if err != nil {
				return nil, err
			}
			if !isScalar(key) {
				return nil, fmt.Errorf("%s can't be the key of a dict", describe(key))
			}
			d.Set(key, value)
		}
		return d, nil
	}, nil
}
