package expr

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// filter is one filter: how many arguments it takes, and what it does. bind
// gets the arguments that are constants (nil for others).
type filter struct {
	least, most    int
	takesUndefined bool
	bind           func(constant []any) (func(v any, args []any) (any, error), error)
}

// plain is a filter that prepares nothing.
func plain(least, most int, apply func(v any, args []any) (any, error)) filter {
	return filter{least: least, most: most, bind: func([]any) (func(any, []any) (any, error), error) { return apply, nil }}
}

// onText is a filter of text without arguments.
func onText(apply func(string) (any, error)) filter {
	return plain(0, 0, func(v any, _ []any) (any, error) {
		s, err := text(v)
		if err != nil {
			return nil, err
		}
		return apply(s)
	})
}

// filters by name.
var filters = map[string]filter{
	"default":       defaultFilter,
	"d":             defaultFilter,
	"lower":         onText(func(s string) (any, error) { return strings.ToLower(s), nil }),
	"upper":         onText(func(s string) (any, error) { return strings.ToUpper(s), nil }),
	"trim":          onText(func(s string) (any, error) { return strings.TrimSpace(s), nil }),
	"string":        onText(func(s string) (any, error) { return s, nil }),
	"replace":       plain(2, 2, replace),
	"regex_replace": {least: 1, most: 2, bind: bindRegexReplace},
	"join":          plain(0, 1, join),
	"split":         plain(0, 1, split),
	"first":         plain(0, 0, func(v any, _ []any) (any, error) { return get(v, int64(0)), needList("first", v) }),
	"last":          plain(0, 0, func(v any, _ []any) (any, error) { return get(v, int64(-1)), needList("last", v) }),
	"length":        plain(0, 0, count),
	"count":         plain(0, 0, count),
	"int":           plain(0, 0, toInt),
	"bool":          plain(0, 0, toBool),
}

func filterNames() string {
	names := make([]string, 0, len(filters))
	for n := range filters {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// defaultFilter gives what is undefined a value; with a true second argument
// also what is false or empty.
var defaultFilter = filter{
	least: 0, most: 2, takesUndefined: true,
	bind: func([]any) (func(any, []any) (any, error), error) {
		return func(v any, args []any) (any, error) {
			_, missing := v.(undefined)
			if !missing && (len(args) < 2 || !truth(args[1]) || truth(v)) {
				return v, nil
			}
			if len(args) == 0 {
				return "", nil
			}
			return args[0], nil
		}, nil
	},
}

func texts(v any, args []any) ([]string, error) {
	out := make([]string, 0, 1+len(args))
	for _, a := range append([]any{v}, args...) {
		s, err := text(a)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func replace(v any, args []any) (any, error) {
	s, err := texts(v, args)
	if err != nil {
		return nil, err
	}
	return strings.ReplaceAll(s[0], s[1], s[2]), nil
}

// bindRegexReplace compiles the pattern. It is RE2 with Python's replacement
// syntax; what RE2 lacks (look-around, back-references) is an error.
func bindRegexReplace(constant []any) (func(any, []any) (any, error), error) {
	var compiled *regexp.Regexp
	if pattern, ok := constant[0].(string); ok {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("regular expression %q isn't supported: %w", pattern, err)
		}
		compiled = re
	}
	return func(v any, args []any) (any, error) {
		s, err := texts(v, args)
		if err != nil {
			return nil, err
		}
		re := compiled
		if re == nil {
			if re, err = regexp.Compile(s[1]); err != nil {
				return nil, fmt.Errorf("regular expression %q isn't supported: %w", s[1], err)
			}
		}
		replacement := ""
		if len(s) == 3 {
			replacement = s[2]
		}
		return re.ReplaceAllString(s[0], goReplacement(replacement)), nil
	}, nil
}

var backReference = regexp.MustCompile(`\\(\d)|\\g<(\w+)>`)

// goReplacement turns Python's \1 and \g<name> into Go's ${1} and ${name}.
func goReplacement(s string) string {
	return backReference.ReplaceAllString(strings.ReplaceAll(s, "$", "$$"), "$${$1$2}")
}

func needList(filter string, v any) error {
	if _, ok := list(v); ok {
		return nil
	}
	if _, ok := v.(string); ok {
		return nil
	}
	return fmt.Errorf("%s needs a list, not %s", filter, describe(v))
}

func join(v any, args []any) (any, error) {
	items, ok := list(v)
	if !ok {
		return nil, fmt.Errorf("join needs a list, not %s", describe(v))
	}
	separator := ""
	if len(args) == 1 {
		s, err := text(args[0])
		if err != nil {
			return nil, err
		}
		separator = s
	}
	parts := make([]string, len(items))
	for i, item := range items {
		s, err := text(item)
		if err != nil {
			return nil, err
		}
		parts[i] = s
	}
	return strings.Join(parts, separator), nil
}

func split(v any, args []any) (any, error) {
	s, err := texts(v, args)
	if err != nil {
		return nil, err
	}
	parts := strings.Fields(s[0])
	if len(s) == 2 {
		if s[1] == "" {
			return nil, fmt.Errorf("split needs a separator that isn't empty")
		}
		parts = strings.Split(s[0], s[1])
	}
	items := make([]any, len(parts))
	for i, p := range parts {
		items[i] = p
	}
	return items, nil
}

func count(v any, _ []any) (any, error) {
	n := length(v)
	if n < 0 {
		return nil, fmt.Errorf("length needs text, a list or a dict, not %s", describe(v))
	}
	return int64(n), nil
}

// toInt is 0 for what is no number, as in Jinja.
func toInt(v any, _ []any) (any, error) {
	if n, ok := number(v); ok {
		return int64(n), nil
	}
	s, _ := v.(string)
	if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return int64(0), nil
	}
	return int64(f), nil
}

// toBool follows Ansible: the words for yes, and 1.
func toBool(v any, _ []any) (any, error) {
	switch v := v.(type) {
	case nil, bool:
		return truth(v), nil
	case string:
		switch strings.ToLower(v) {
		case "yes", "on", "1", "true":
			return true, nil
		}
		return false, nil
	}
	n, ok := number(v)
	return ok && n == 1, nil
}
