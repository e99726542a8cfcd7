package expr

import (
	"cmp"
	"fmt"
	"strings"
)

// comparisons by symbol.
var comparisons = map[string]func(a, b any) (bool, error){
	"==": func(a, b any) (bool, error) { return equal(a, b), nil },
	"!=": func(a, b any) (bool, error) { return !equal(a, b), nil },
	"<":  ordered(func(c int) bool { return c < 0 }),
	"<=": ordered(func(c int) bool { return c <= 0 }),
	">":  ordered(func(c int) bool { return c > 0 }),
	">=": ordered(func(c int) bool { return c >= 0 }),
}

// ordered compares numbers with numbers and text with text.
func ordered(holds func(int) bool) func(a, b any) (bool, error) {
	return func(a, b any) (bool, error) {
		if x, ok := number(a); ok {
			if y, ok := number(b); ok {
				return holds(cmp.Compare(x, y)), nil
			}
		}
		x, isText := a.(string)
		if y, ok := b.(string); ok && isText {
			return holds(strings.Compare(x, y)), nil
		}
		return false, fmt.Errorf("%s and %s have no order", describe(a), describe(b))
	}
}

// add is Python's +: sums of numbers, texts in a row, lists in a row.
func add(a, b any) (any, error) {
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			return x + y, nil
		}
	}
	if x, ok := number(a); ok {
		if y, ok := number(b); ok {
			return x + y, nil
		}
	}
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			return x + y, nil
		}
	}
	if x, ok := list(a); ok {
		if y, ok := list(b); ok {
			return append(append([]any(nil), x...), y...), nil
		}
	}
	return nil, fmt.Errorf("%s + %s has no meaning; ~ joins anything as text", describe(a), describe(b))
}

// concat is Jinja's ~: both as text.
func concat(a, b any) (any, error) {
	x, err := text(a)
	if err != nil {
		return nil, err
	}
	y, err := text(b)
	return x + y, err
}
