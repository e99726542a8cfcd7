package jinja

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// argumentNodes are the arguments of a call before they have values.
type argumentNodes struct {
	positional []node
	named      map[string]node
}

// arguments are those of a call.
type arguments struct {
	list  []any
	named map[string]any
}

// arguments reads what stands between the parentheses of a call.
func (p *parser) arguments() (argumentNodes, error) {
	var out argumentNodes
	for !p.accept(symbol, ")") {
		key := ""
		if t := p.peek(); t.kind == name && p.tokens[p.pos+1].kind == symbol && p.tokens[p.pos+1].text == "=" {
			key = t.text
			p.pos += 2
		}
		n, err := p.conditional()
		if err != nil {
			return out, err
		}
		if key == "" {
			out.positional = append(out.positional, n)
		} else {
			if out.named == nil {
				out.named = map[string]node{}
			}
			out.named[key] = n
		}
		if !p.accept(symbol, ",") {
			if err := p.expect(")"); err != nil {
				return out, err
			}
			break
		}
	}
	return out, nil
}

// eval computes the arguments, all of which must be defined.
func (a argumentNodes) eval(s Scope) (arguments, error) { return a.evalBy(s, defined) }

// evalLoosely lets arguments be undefined: default's matters only when it is
// used.
func (a argumentNodes) evalLoosely(s Scope) (arguments, error) {
	return a.evalBy(s, func(v any, err error) (any, error) { return v, err })
}

func (a argumentNodes) evalBy(s Scope, check func(any, error) (any, error)) (arguments, error) {
	out := arguments{list: make([]any, len(a.positional))}
	for i, n := range a.positional {
		v, err := check(n(s))
		if err != nil {
			return out, err
		}
		out.list[i] = v
	}
	for key, n := range a.named {
		v, err := check(n(s))
		if err != nil {
			return out, err
		}
		if out.named == nil {
			out.named = map[string]any{}
		}
		out.named[key] = v
	}
	return out, nil
}

// get is an argument by position or name, or otherwise.
func (a arguments) get(position int, key string, otherwise any) any {
	if position >= 0 && position < len(a.list) {
		return a.list[position]
	}
	if v, ok := a.named[key]; ok {
		return v
	}
	return otherwise
}

func (a arguments) text(position int, key, otherwise string) (string, error) {
	return text(a.get(position, key, otherwise))
}

func (a arguments) whole(position int, key string, otherwise int64) (int64, error) {
	v := a.get(position, key, otherwise)
	n, ok := integer(v)
	if !ok {
		return 0, fmt.Errorf("%s must be a whole number, not %s", key, describe(v))
	}
	return n, nil
}

// need reports too few arguments.
func (a arguments) need(n int) error {
	if len(a.list) < n {
		return fmt.Errorf("takes at least %d arguments, not %d", n, len(a.list))
	}
	return nil
}

// An Environment is a scope in which lookup('env', NAME) has an answer.
type Environment interface{ Getenv(name string) string }

// errLookups: as in Ansible, where compose and keyed_groups have none either.
var errLookups = errors.New("lookups have no answer here, as in Ansible; they have one in profile, regions, endpoint_url and assume_role_arn")

// functions by name.
var functions = map[string]func(s Scope, a arguments) (any, error){
	"range":  func(_ Scope, a arguments) (any, error) { return rangeOf(a.list) },
	"dict":   func(_ Scope, a arguments) (any, error) { return dictCall(a) },
	"lookup": lookup,
	"query":  lookup,
	"q":      lookup,
}

func lookup(s Scope, a arguments) (any, error) {
	if err := a.need(2); err != nil {
		return nil, err
	}
	if kind := a.list[0]; kind != "env" && kind != "ansible.builtin.env" {
		return nil, fmt.Errorf("lookup of %v isn't supported; there is env", kind)
	}
	environment, ok := s.(Environment)
	if !ok {
		return nil, errLookups
	}
	key, err := text(a.list[1])
	if err != nil {
		return nil, err
	}
	value := environment.Getenv(key)
	if otherwise, ok := a.named["default"]; ok && value == "" {
		return otherwise, nil
	}
	return value, nil
}

func rangeOf(args []any) (any, error) {
	bounds := []int64{0, 0, 1}
	for i, v := range args {
		n, ok := integer(v)
		if !ok || i > 2 {
			return nil, errors.New("range takes one to three whole numbers")
		}
		bounds[i] = n
	}
	switch {
	case len(args) == 0 || bounds[2] == 0:
		return nil, errors.New("range takes one to three whole numbers, the third of which isn't 0")
	case len(args) == 1:
		bounds[0], bounds[1] = 0, bounds[0]
	}
	out := []any{}
	for i := bounds[0]; bounds[2] > 0 && i < bounds[1] || bounds[2] < 0 && i > bounds[1]; i += bounds[2] {
		if out = append(out, i); len(out) > maxProduct {
			return nil, errTooLarge
		}
	}
	return out, nil
}

// call is the call of a function.
func (p *parser) call(t token) (node, error) {
	f, known := functions[t.text]
	if !known {
		return nil, p.unsupported(t, "function", namesOf(functions))
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return func(s Scope) (any, error) {
		values, err := args.eval(s)
		if err != nil {
			return nil, err
		}
		v, err := f(s, values)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.text, err)
		}
		return v, nil
	}, nil
}

func namesOf[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

// dictMethods are those of dicts.
var dictMethods = map[string]func(d []entry, v any, a arguments) (any, error){
	"get": func(_ []entry, v any, a arguments) (any, error) {
		if err := a.need(1); err != nil {
			return nil, err
		}
		found := get(v, a.list[0])
		if _, missing := found.(undefined); missing {
			return a.get(1, "default", nil), nil
		}
		return found, nil
	},
	"keys": func(d []entry, _ any, _ arguments) (any, error) {
		return column(d, func(e entry) any { return e.key }), nil
	},
	"values": func(d []entry, _ any, _ arguments) (any, error) {
		return column(d, func(e entry) any { return native(e.value) }), nil
	},
	"items": func(d []entry, _ any, _ arguments) (any, error) {
		return column(d, func(e entry) any { return []any{e.key, native(e.value)} }), nil
	},
}

func column(d []entry, of func(entry) any) []any {
	out := make([]any, len(d))
	for i, e := range d {
		out[i] = of(e)
	}
	return out
}

// textMethods are those of text.
var textMethods = map[string]func(s string, a arguments) (any, error){
	"lower":      func(s string, _ arguments) (any, error) { return strings.ToLower(s), nil },
	"upper":      func(s string, _ arguments) (any, error) { return upper(s), nil },
	"title":      func(s string, _ arguments) (any, error) { return titled(s), nil },
	"capitalize": func(s string, _ arguments) (any, error) { return capitalized(s), nil },
	"strip":      stripping(strings.Trim, strings.TrimSpace),
	"lstrip":     stripping(strings.TrimLeft, func(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }),
	"rstrip":     stripping(strings.TrimRight, func(s string) string { return strings.TrimRightFunc(s, unicode.IsSpace) }),
	"split":      splitText,
	"rsplit":     rsplitText,
	"splitlines": func(s string, _ arguments) (any, error) {
		return asList(strings.Split(strings.TrimSuffix(s, "\n"), "\n")), nil
	},
	"replace":    replaceText,
	"startswith": affixed(strings.HasPrefix),
	"endswith":   affixed(strings.HasSuffix),
	"join":       func(s string, a arguments) (any, error) { return joinWith(s, a.get(0, "", []any{})) },
	"find": func(s string, a arguments) (any, error) {
		part, err := a.text(0, "", "")
		at := strings.Index(s, part)
		return int64(at), err
	},
	"count": func(s string, a arguments) (any, error) {
		part, err := a.text(0, "", "")
		return int64(strings.Count(s, part)), err
	},
	"isdigit": allRunes(unicode.IsDigit), "isalpha": allRunes(unicode.IsLetter), "isnumeric": allRunes(unicode.IsNumber),
	"isalnum": allRunes(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),
	"isupper": func(s string, _ arguments) (any, error) {
		return s != strings.ToLower(s) && s == strings.ToUpper(s), nil
	},
	"islower": func(s string, _ arguments) (any, error) {
		return s != strings.ToUpper(s) && s == strings.ToLower(s), nil
	},
	"zfill": func(s string, a arguments) (any, error) {
		width, err := a.whole(0, "width", 0)
		return strings.Repeat("0", int(min(max(width-int64(length(s)), 0), 1000))) + s, err
	},
	"removeprefix": removing(strings.TrimPrefix), "removesuffix": removing(strings.TrimSuffix),
	"format": formatText,
}

func isMethod(name string) bool {
	_, ofText := textMethods[name]
	_, ofDict := dictMethods[name]
	return ofText || ofDict
}

func methodNames() string {
	return strings.Join(slices.Sorted(maps.Keys(maps.Collect(func(yield func(string, bool) bool) {
		for n := range textMethods {
			yield(n, true)
		}
		for n := range dictMethods {
			yield(n, true)
		}
	}))), ", ")
}

func callMethod(method string, v any, a arguments) (any, error) {
	var out any
	err := fmt.Errorf("%s has no such method", describe(v))
	if pairs, ok := entries(v); ok {
		if f, ok := dictMethods[method]; ok {
			out, err = f(pairs, v, a)
		}
	} else if s, ok := v.(string); ok {
		if f, ok := textMethods[method]; ok {
			out, err = f(s, a)
		}
	} else if items, ok := list(v); ok && method == "count" {
		n := 0
		for _, item := range items {
			if equal(item, a.get(0, "", nil)) {
				n++
			}
		}
		out, err = int64(n), nil
	}
	if err != nil {
		return nil, fmt.Errorf(".%s(): %w", method, err)
	}
	return out, nil
}
