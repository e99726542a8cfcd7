package jinja

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// What the methods and filters of text have in common.

func stripping(trim func(s, cutset string) string, space func(string) string) func(string, arguments) (any, error) {
	return func(s string, a arguments) (any, error) {
		cutset := a.get(0, "chars", nil)
		if cutset == nil {
			return space(s), nil
		}
		characters, err := text(cutset)
		return trim(s, characters), err
	}
}

func removing(trim func(s, part string) string) func(string, arguments) (any, error) {
	return func(s string, a arguments) (any, error) {
		part, err := a.text(0, "", "")
		return trim(s, part), err
	}
}

func allRunes(is func(rune) bool) func(string, arguments) (any, error) {
	return func(s string, _ arguments) (any, error) {
		return s != "" && strings.IndexFunc(s, func(r rune) bool { return !is(r) }) < 0, nil
	}
}

// affixed is startswith and endswith: of text, or of any of a tuple's.
func affixed(has func(s, part string) bool) func(string, arguments) (any, error) {
	return func(s string, a arguments) (any, error) {
		if err := a.need(1); err != nil {
			return nil, err
		}
		parts, isList := list(a.list[0])
		if !isList {
			parts = a.list[:1]
		}
		for _, part := range parts {
			t, err := text(part)
			if err != nil {
				return nil, err
			}
			if has(s, t) {
				return true, nil
			}
		}
		return false, nil
	}
}

func asList(parts []string) []any {
	out := make([]any, len(parts))
	for i, part := range parts {
		out[i] = part
	}
	return out
}

// splitText is Python's split: at space of any length, unless a separator is
// given.
func splitText(s string, a arguments) (any, error) {
	most, err := a.whole(1, "maxsplit", -1)
	if err != nil {
		return nil, err
	}
	separator := a.get(0, "sep", nil)
	if separator == nil {
		if most < 0 {
			return asList(strings.Fields(s)), nil
		}
		return nil, errors.New("maxsplit needs a separator")
	}
	sep, err := text(separator)
	switch {
	case err != nil:
		return nil, err
	case sep == "":
		return nil, errors.New("the separator is empty")
	case most < 0:
		return asList(strings.Split(s, sep)), nil
	}
	return asList(strings.SplitN(s, sep, int(min(most, maxProduct))+1)), nil
}

func rsplitText(s string, a arguments) (any, error) {
	sep, err := a.text(0, "sep", " ")
	if err != nil {
		return nil, err
	}
	most, err := a.whole(1, "maxsplit", -1)
	if err != nil || sep == "" {
		return nil, errors.Join(err, errors.New("rsplit needs a separator"))
	}
	parts := strings.Split(s, sep)
	if most >= 0 && int64(len(parts)) > most+1 {
		cut := len(parts) - int(most)
		parts = append([]string{strings.Join(parts[:cut], sep)}, parts[cut:]...)
	}
	return asList(parts), nil
}

func replaceText(s string, a arguments) (any, error) {
	if err := a.need(2); err != nil {
		return nil, err
	}
	before, err := text(a.list[0])
	if err != nil {
		return nil, err
	}
	after, err := text(a.list[1])
	if err != nil {
		return nil, err
	}
	count, err := a.whole(2, "count", -1)
	out := strings.Replace(s, before, after, int(min(max(count, -1), maxProduct)))
	if len(out) > maxProduct {
		return nil, errTooLarge
	}
	return out, err
}

func joinWith(separator string, v any) (any, error) {
	items, err := iterate(v)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			b.WriteString(separator)
		}
		s, err := text(item)
		if err != nil {
			return nil, err
		}
		b.WriteString(s)
		if b.Len() > maxProduct {
			return nil, errTooLarge
		}
	}
	return b.String(), nil
}

// formatText is str.format with {}, {0} and {name}.
func formatText(s string, a arguments) (any, error) {
	var b strings.Builder
	next := 0
	for rest := s; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:i])
		if i+1 < len(rest) && rest[i+1] == rest[i] {
			b.WriteByte(rest[i])
			rest = rest[i+2:]
			continue
		}
		field, after, closed := strings.Cut(rest[i+1:], "}")
		if !closed || rest[i] == '}' {
			return nil, fmt.Errorf("format %q has a brace alone", s)
		}
		var v any = undefined{what: "{" + field + "}"}
		if field == "" {
			v, next = a.get(next, "", v), next+1
		} else if n, err := strconv.Atoi(field); err == nil {
			v = a.get(n, "", v)
		} else {
			v = a.get(-1, field, v)
		}
		t, err := text(v)
		if err != nil {
			return nil, err
		}
		b.WriteString(t)
		rest = after
	}
	return b.String(), nil
}

func capitalized(s string) string {
	for i, r := range s {
		if i > 0 {
			return strings.ToUpper(s[:i]) + strings.ToLower(s[i:])
		}
		_ = r
	}
	return strings.ToUpper(s)
}

// titled begins each word with a capital.
func titled(s string) string {
	var b strings.Builder
	start := true
	for _, r := range s {
		if start {
			b.WriteRune(unicode.ToUpper(r))
		} else {
			b.WriteRune(unicode.ToLower(r))
		}
		start = unicode.IsSpace(r) || strings.ContainsRune("-({[<", r)
	}
	return b.String()
}

// upper is Python's: a sharp s becomes two letters.
func upper(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "ß", "SS")) }

// truncated is Jinja's truncate.
func truncated(s string, a arguments) (any, error) {
	length, err := a.whole(0, "length", 255)
	if err != nil {
		return nil, err
	}
	end, err := a.text(2, "end", "...")
	if err != nil {
		return nil, err
	}
	leeway, err := a.whole(3, "leeway", 5)
	if err != nil {
		return nil, err
	}
	runes := []rune(s)
	if int64(len(runes)) <= length+leeway {
		return s, nil
	}
	keep := max(length-int64(len([]rune(end))), 0)
	cut := string(runes[:min(keep, int64(len(runes)))])
	if !truth(a.get(1, "killwords", false)) {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return cut + end, nil
}
