package expr

import "slices"

// filtered is a value with its filters.
func (p *parser) filtered() (node, error) {
	n, err := p.postfix()
	for err == nil && p.accept(symbol, "|") {
		n, err = p.filter(n)
	}
	return n, err
}

// filter reads the name of a filter and its arguments. A regular expression
// that is written out is compiled here, so that a bad one is found at once.
func (p *parser) filter(input node) (node, error) {
	t := p.next()
	f, known := filters[t.text]
	if t.kind != name || !known {
		return nil, p.fail(t, "the filter %q isn't supported; there are %s", t.text, filterNames())
	}
	var args []node
	var constant []any
	if p.accept(symbol, "(") {
		for !p.accept(symbol, ")") {
			if len(args) > 0 {
				if err := p.expect(","); err != nil {
					return nil, err
				}
			}
			at := p.peek()
			arg, err := p.conditional()
			if err != nil {
				return nil, err
			}
			if p.peek().kind == symbol && p.peek().text == "=" {
				return nil, p.fail(at, "named arguments aren't supported")
			}
			args = append(args, arg)
			v, err := arg(noVariables{})
			if _, missing := v.(undefined); err != nil || missing {
				v = nil
			}
			constant = append(constant, v)
		}
	}
	if len(args) < f.least || len(args) > f.most {
		return nil, p.fail(t, "the filter %s takes %d to %d arguments, not %d", t.text, f.least, f.most, len(args))
	}
	apply, err := f.bind(constant)
	if err != nil {
		return nil, p.fail(t, "%v", err)
	}
	return filtering(f, input, args, apply), nil
}

func filtering(f filter, input node, args []node, apply func(any, []any) (any, error)) node {
	return func(s Scope) (any, error) {
		v, err := input(s)
		if err != nil {
			return nil, err
		}
		if u, missing := v.(undefined); missing && !f.takesUndefined {
			return nil, u.err()
		}
		values := make([]any, len(args))
		for i, arg := range args {
			if values[i], err = defined(arg(s)); err != nil {
				return nil, err
			}
		}
		return apply(v, values)
	}
}

// noVariables is the scope in which only constants have a value.
type noVariables struct{}

func (noVariables) Lookup(string) (any, bool) { return nil, false }

// postfix is a primary with attributes and items.
func (p *parser) postfix() (node, error) {
	n, err := p.primary()
	for err == nil {
		switch {
		case p.accept(symbol, "."):
			t := p.next()
			key := any(t.text)
			switch t.kind {
			case name:
			case number_:
				if key, err = parseNumber(t.text); err != nil {
					return nil, p.fail(t, "%q is no index", t.text)
				}
			default:
				return nil, p.fail(t, "expected the name of an attribute")
			}
			if p.peek().kind == symbol && p.peek().text == "(" {
				return nil, p.fail(t, "calling the method %s isn't supported; use a filter", t.text)
			}
			n = item(n, constant(key))
		case p.accept(symbol, "["):
			key, err := p.conditional()
			if err != nil {
				return nil, err
			}
			if err := p.expect("]"); err != nil {
				return nil, err
			}
			n = item(n, key)
		default:
			return n, nil
		}
	}
	return nil, err
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
		return constant(t.text), nil
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
			n, err := p.conditional()
			if err != nil {
				return nil, err
			}
			return n, p.expect(")")
		case "[":
			return p.listLiteral()
		case "-":
			return p.negative(t)
		}
	}
	if t.kind != end {
		p.pos-- // it is what is unexpected
	}
	return nil, p.unexpected("where a value is needed")
}

func (p *parser) negative(minus token) (node, error) {
	t := p.next()
	if t.kind != number_ {
		return nil, p.fail(minus, "- is only for negative numbers")
	}
	v, err := parseNumber(t.text)
	switch v := v.(type) {
	case int64:
		return constant(-v), nil
	case float64:
		return constant(-v), nil
	}
	return nil, p.fail(t, "%q is no number: %v", t.text, err)
}

func (p *parser) variable(t token) (node, error) {
	if v, ok := words[t.text]; ok {
		return constant(v), nil
	}
	if slices.Contains(reserved, t.text) {
		return nil, p.fail(t, "expected a value, not %s", t.text)
	}
	if next := p.peek(); next.kind == symbol && next.text == "(" {
		return nil, p.fail(t, "calling %s isn't supported", t.text)
	}
	return func(s Scope) (any, error) {
		if v, ok := s.Lookup(t.text); ok {
			return native(v), nil
		}
		return undefined{t.text}, nil
	}, nil
}

func (p *parser) listLiteral() (node, error) {
	var items []node
	for !p.accept(symbol, "]") {
		if len(items) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		n, err := p.conditional()
		if err != nil {
			return nil, err
		}
		items = append(items, n)
	}
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
	}, nil
}
