package jinja

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// tests by name: what stands behind is. They get values that are defined.
var tests = map[string]func(v any, a arguments) (bool, error){
	"none":     is(func(v any) bool { return v == nil }),
	"boolean":  is(func(v any) bool { _, ok := v.(bool); return ok }),
	"true":     is(func(v any) bool { return v == true }),
	"false":    is(func(v any) bool { return v == false }),
	"string":   is(func(v any) bool { _, ok := v.(string); return ok }),
	"integer":  is(func(v any) bool { _, ok := v.(int64); return ok }),
	"float":    is(func(v any) bool { _, ok := v.(float64); return ok }),
	"number":   is(func(v any) bool { _, ok := number(v); return ok }),
	"mapping":  is(func(v any) bool { _, ok := entries(v); return ok }),
	"sequence": is(isIterable),
	"iterable": is(isIterable),
	"truthy":   is(truth),
	"falsy":    is(func(v any) bool { return !truth(v) }),
	"upper":    ofText(func(s string) bool { return s == strings.ToUpper(s) && s != strings.ToLower(s) }),
	"lower":    ofText(func(s string) bool { return s == strings.ToLower(s) && s != strings.ToUpper(s) }),
	"even":     remainder(2, 0),
	"odd":      remainder(2, 1),
	"divisibleby": func(v any, a arguments) (bool, error) {
		by, err := a.whole(0, "num", 0)
		if err != nil {
			return false, err
		}
		return remainder(by, 0)(v, a)
	},
	"eq": comparing("=="), "equalto": comparing("=="), "==": comparing("=="), "sameas": comparing("=="),
	"ne": comparing("!="), "lt": comparing("<"), "lessthan": comparing("<"), "le": comparing("<="),
	"gt": comparing(">"), "greaterthan": comparing(">"), "ge": comparing(">="),
	"in": func(v any, a arguments) (bool, error) {
		if err := a.need(1); err != nil {
			return false, err
		}
		return contains(a.list[0], v)
	},
	"contains": func(v any, a arguments) (bool, error) {
		if err := a.need(1); err != nil {
			return false, err
		}
		return contains(v, a.list[0])
	},
	"match": matching(true), "search": matching(false), "regex": matching(false),
	"subset":   func(v any, a arguments) (bool, error) { return within(v, a.get(0, "b", nil)) },
	"superset": func(v any, a arguments) (bool, error) { return within(a.get(0, "b", nil), v) },
	"any":      quantified(slices.ContainsFunc[[]any]),
	"all": quantified(func(items []any, holds func(any) bool) bool {
		return !slices.ContainsFunc(items, func(v any) bool { return !holds(v) })
	}),
	"version": versionTest, "version_compare": versionTest,
}

func is(holds func(any) bool) func(any, arguments) (bool, error) {
	return func(v any, _ arguments) (bool, error) { return holds(v), nil }
}

func ofText(holds func(string) bool) func(any, arguments) (bool, error) {
	return func(v any, _ arguments) (bool, error) {
		s, err := text(v)
		return holds(s), err
	}
}

func isIterable(v any) bool {
	_, isText := v.(string)
	return isText || length(v) >= 0
}

func remainder(by, want int64) func(any, arguments) (bool, error) {
	return func(v any, _ arguments) (bool, error) {
		n, ok := integer(v)
		if !ok || by == 0 {
			return false, fmt.Errorf("%s has no remainder by %d", describe(v), by)
		}
		return int64(math.Abs(float64(n%by))) == want, nil
	}
}

func comparing(symbol string) func(any, arguments) (bool, error) {
	return func(v any, a arguments) (bool, error) {
		if err := a.need(1); err != nil {
			return false, err
		}
		return comparisons[symbol](v, a.list[0])
	}
}

func within(part, whole any) (bool, error) {
	items, err := iterate(part)
	if err != nil {
		return false, err
	}
	all, err := iterate(whole)
	return !slices.ContainsFunc(items, func(v any) bool { return !has(all, v) }), err
}

func quantified(decide func([]any, func(any) bool) bool) func(any, arguments) (bool, error) {
	return func(v any, _ arguments) (bool, error) {
		items, err := iterate(v)
		return decide(items, truth), err
	}
}

// versionTest compares versions loosely, part by part.
func versionTest(v any, a arguments) (bool, error) {
	have, err := text(v)
	if err != nil {
		return false, err
	}
	want, err := a.text(0, "version", "")
	if err != nil {
		return false, err
	}
	operator, err := a.text(1, "operator", "eq")
	if err != nil {
		return false, err
	}
	names := map[string]string{"eq": "==", "=": "==", "ne": "!=", "<>": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
	if symbol, ok := names[operator]; ok {
		operator = symbol
	}
	holds, ok := comparisons[operator]
	if !ok {
		return false, fmt.Errorf("version has no operator %q", operator)
	}
	return holds(int64(compareVersions(have, want)), int64(0))
}

func compareVersions(a, b string) int {
	x, y := versionParts(a), versionParts(b)
	for i := range min(len(x), len(y)) {
		if c, err := compare(x[i], y[i]); err == nil && c != 0 {
			return c
		} else if err != nil { // a number and a word: the word is older
			if _, isText := x[i].(string); isText {
				return -1
			}
			return 1
		}
	}
	return len(x) - len(y)
}

func versionParts(s string) []any {
	var parts []any
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && isDigit(s[j]) == isDigit(s[i]) && s[j] != '.' {
			j++
		}
		switch {
		case j == i:
			j++ // a point
		case isDigit(s[i]):
			n := int64(0)
			for _, c := range s[i:min(j, i+18)] {
				n = n*10 + int64(c-'0')
			}
			parts = append(parts, n)
		default:
			parts = append(parts, s[i:j])
		}
		i = j
	}
	return parts
}

// test reads what stands behind is: [not] name [argument or (arguments)].
func (p *parser) test(left node) (node, error) {
	negated := p.accept(name, "not")
	t := p.next()
	if t.kind == name && t.text == "ansible" { // ansible.builtin.match
		t = p.qualified(t)
	}
	_, known := tests[t.text]
	if t.kind != name || !known && t.text != "defined" && t.text != "undefined" {
		return nil, p.unsupported(t, "test", "defined, undefined, "+namesOf(tests))
	}
	args, err := p.testArguments()
	if err != nil {
		return nil, err
	}
	if t.text == "undefined" {
		negated = !negated
	}
	return func(s Scope) (any, error) {
		v, err := left(s)
		if err != nil {
			return nil, err
		}
		if !known {
			_, missing := v.(undefined)
			return missing == negated, nil
		}
		if v, err = defined(v, nil); err != nil {
			return nil, err
		}
		values, err := args.eval(s)
		if err != nil {
			return nil, err
		}
		holds, err := applyTest(t.text, v, values)
		return holds != negated, err
	}, nil
}

// testArguments are in parentheses, or one value without.
func (p *parser) testArguments() (argumentNodes, error) {
	next := p.peek()
	switch {
	case p.accept(symbol, "("):
		return p.arguments()
	case next.kind == quoted, next.kind == number_, next.kind == symbol && (next.text == "[" || next.text == "{"),
		next.kind == name && !slices.Contains(reserved, next.text):
		n, err := p.postfix()
		return argumentNodes{positional: []node{n}}, err
	}
	return argumentNodes{}, nil
}

// qualified drops ansible.builtin. in front of a name.
func (p *parser) qualified(t token) token {
	for p.accept(symbol, ".") {
		t = p.next()
	}
	return t
}

// applyTest runs a test by its name; of what is undefined only defined and
// undefined hold or don't.
func applyTest(test string, v any, a arguments) (bool, error) {
	_, missing := v.(undefined)
	switch test {
	case "defined":
		return !missing, nil
	case "undefined":
		return missing, nil
	}
	f, known := tests[test]
	if !known {
		return false, fmt.Errorf("the test %q isn't supported", test)
	}
	if u, ok := v.(undefined); ok {
		return false, u.err()
	}
	holds, err := f(v, a)
	if err != nil {
		return false, fmt.Errorf("is %s: %w", test, err)
	}
	return holds, nil
}
