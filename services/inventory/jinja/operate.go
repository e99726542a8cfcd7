package jinja

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"
)

// maxProduct bounds what repeating makes, in bytes or items.
const maxProduct = 1 << 20

func containsText(s, part string) bool { return strings.Contains(s, part) }

// comparisons by symbol.
var comparisons = map[string]func(a, b any) (bool, error){
	"==": func(a, b any) (bool, error) { return equal(a, b), nil },
	"!=": func(a, b any) (bool, error) { return !equal(a, b), nil },
	"<":  ordered(func(c int) bool { return c < 0 }),
	"<=": ordered(func(c int) bool { return c <= 0 }),
	">":  ordered(func(c int) bool { return c > 0 }),
	">=": ordered(func(c int) bool { return c >= 0 }),
}

func ordered(holds func(int) bool) func(a, b any) (bool, error) {
	return func(a, b any) (bool, error) {
		c, err := compare(a, b)
		return err == nil && holds(c), err
	}
}

// compare orders numbers with numbers, text with text and lists item by item.
func compare(a, b any) (int, error) {
	if x, ok := number(a); ok {
		if y, ok := number(b); ok {
			return cmp.Compare(x, y), nil
		}
	}
	x, isText := a.(string)
	if y, ok := b.(string); ok && isText {
		return strings.Compare(x, y), nil
	}
	if x, ok := list(a); ok {
		if y, ok := list(b); ok {
			for i := range min(len(x), len(y)) {
				if c, err := compare(x[i], y[i]); err != nil || c != 0 {
					return c, err
				}
			}
			return cmp.Compare(len(x), len(y)), nil
		}
	}
	return 0, fmt.Errorf("%s and %s have no order", describe(a), describe(b))
}

var errTooLarge = errors.New("a number or text becomes too large")

// add is Python's +: sums of numbers, texts in a row, lists in a row.
func add(a, b any) (any, error) {
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			if len(x)+len(y) > maxProduct {
				return nil, errTooLarge
			}
			return x + y, nil
		}
	}
	if x, ok := list(a); ok {
		if y, ok := list(b); ok {
			if len(x)+len(y) > maxProduct {
				return nil, errTooLarge
			}
			return append(append([]any(nil), x...), y...), nil
		}
	}
	v, err := arithmetic("+", func(x, y int64) (int64, bool) { return x + y, (x+y > x) == (y > 0) }, func(x, y float64) float64 { return x + y })(a, b)
	if errors.Is(err, errMeaningless) {
		return nil, fmt.Errorf("%s + %s has no meaning; ~ joins anything as text", describe(a), describe(b))
	}
	return v, err
}

var errMeaningless = errors.New("no meaning")

// arithmetic makes an operator of numbers. whole reports an overflow by false.
func arithmetic(symbol string, whole func(x, y int64) (int64, bool), real func(x, y float64) float64) func(a, b any) (any, error) {
	return func(a, b any) (any, error) {
		x, xWhole := integer(a)
		y, yWhole := integer(b)
		if xWhole && yWhole && whole != nil {
			n, ok := whole(x, y)
			if !ok {
				return nil, errTooLarge
			}
			return n, nil
		}
		f, ok := number(a)
		g, also := number(b)
		if !ok || !also {
			return nil, fmt.Errorf("%s %s %s has %w", describe(a), symbol, describe(b), errMeaningless)
		}
		out := real(f, g)
		if math.IsInf(out, 0) || math.IsNaN(out) {
			return nil, errors.New("division by zero, or a number that becomes too large")
		}
		return out, nil
	}
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// operators are the binary ones besides + and ~, by symbol.
var operators = map[string]func(a, b any) (any, error){
	"-":  arithmetic("-", func(x, y int64) (int64, bool) { return x - y, (x-y < x) == (y > 0) }, func(x, y float64) float64 { return x - y }),
	"*":  times,
	"/":  arithmetic("/", nil, func(x, y float64) float64 { return x / y }),
	"//": floorDivide,
	"%":  modulo,
	"**": arithmetic("**", wholePower, math.Pow),
}

func times(a, b any) (any, error) {
	for _, pair := range [][2]any{{a, b}, {b, a}} {
		n, isCount := integer(pair[1])
		if !isCount {
			continue
		}
		if s, ok := pair[0].(string); ok {
			if n > 0 && int64(len(s)) > maxProduct/n {
				return nil, errTooLarge
			}
			return strings.Repeat(s, int(max(n, 0))), nil
		}
		if items, ok := list(pair[0]); ok {
			if n > 0 && int64(len(items)) > maxProduct/n {
				return nil, errTooLarge
			}
			var out []any
			for range n {
				out = append(out, items...)
			}
			return out, nil
		}
	}
	return arithmetic("*", func(x, y int64) (int64, bool) {
		n := x * y
		return n, x == 0 || n/x == y && (x != -1 || y != math.MinInt64)
	}, func(x, y float64) float64 { return x * y })(a, b)
}

func floorDivide(a, b any) (any, error) {
	if y, ok := integer(b); ok && y == 0 {
		return nil, errors.New("division by zero")
	}
	return arithmetic("//", func(x, y int64) (int64, bool) {
		q := x / y
		if x%y != 0 && (x < 0) != (y < 0) {
			q--
		}
		return q, true
	}, func(x, y float64) float64 { return math.Floor(x / y) })(a, b)
}

func modulo(a, b any) (any, error) {
	if s, ok := a.(string); ok {
		args, isList := list(b)
		if !isList {
			args = []any{b}
		}
		return percent(s, args)
	}
	if y, ok := integer(b); ok && y == 0 {
		return nil, errors.New("division by zero")
	}
	return arithmetic("%", func(x, y int64) (int64, bool) {
		r := x % y
		if r != 0 && (r < 0) != (y < 0) {
			r += y
		}
		return r, true
	}, func(x, y float64) float64 { return x - y*math.Floor(x/y) })(a, b)
}

func wholePower(x, y int64) (int64, bool) {
	if y < 0 {
		return 0, false
	}
	result := math.Pow(float64(x), float64(y))
	if math.Abs(result) > 1<<53 {
		return 0, false
	}
	return int64(result), true
}

// concat is Jinja's ~: both as text.
func concat(a, b any) (any, error) {
	x, err := text(a)
	if err != nil {
		return nil, err
	}
	y, err := text(b)
	if len(x)+len(y) > maxProduct {
		return nil, errTooLarge
	}
	return x + y, err
}

// percent formats text as Python's % does, with the verbs that inventories use.
func percent(format string, args []any) (any, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		end := i + 1
		for end < len(format) && strings.IndexByte("0123456789.-+ #", format[end]) >= 0 {
			end++
		}
		if end == len(format) || end-i > 8 {
			return nil, fmt.Errorf("format %q ends within a verb", format)
		}
		verb := format[end]
		if verb == '%' {
			b.WriteByte('%')
			i = end
			continue
		}
		if len(args) == 0 {
			return nil, fmt.Errorf("format %q has more verbs than there are values", format)
		}
		if err := formatVerb(&b, format[i:end], verb, args[0]); err != nil {
			return nil, err
		}
		args, i = args[1:], end
	}
	if len(args) > 0 {
		return nil, fmt.Errorf("format %q has fewer verbs than there are values", format)
	}
	return b.String(), nil
}

func formatVerb(b *strings.Builder, flags string, verb byte, v any) error {
	switch verb {
	case 's', 'r':
		s, err := text(v)
		fmt.Fprintf(b, flags+"s", s)
		return err
	case 'd', 'i', 'x', 'X', 'o':
		f, ok := number(v)
		if !ok {
			return fmt.Errorf("%%%c needs a number, not %s", verb, describe(v))
		}
		if verb == 'i' {
			verb = 'd'
		}
		fmt.Fprintf(b, flags+string(verb), int64(f))
		return nil
	case 'f', 'e', 'g':
		f, ok := number(v)
		if !ok {
			return fmt.Errorf("%%%c needs a number, not %s", verb, describe(v))
		}
		fmt.Fprintf(b, flags+string(verb), f)
		return nil
	}
	return fmt.Errorf("the verb %%%c isn't supported; there are s, d, x, o, f, e and g", verb)
}
