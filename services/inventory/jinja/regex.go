package jinja

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// pattern is a regular expression: Go's, which takes linear time, or for what
// that lacks (look-around, back-references) one that backtracks, for a limited
// time.
type pattern struct {
	linear *regexp.Regexp
	back   *regexp2.Regexp
}

// patience bounds a match of a pattern that backtracks.
const patience = 200 * time.Millisecond

// compile reads a pattern in Python's syntax.
func compile(source string, ignoreCase, multiline bool) (*pattern, error) {
	flags := "s"
	if ignoreCase {
		flags += "i"
	}
	if multiline {
		flags += "m"
	}
	if flags = strings.TrimPrefix(flags, "s"); flags != "" {
		flags = "(?" + flags + ")"
	}
	source = flags + strings.ReplaceAll(source, `\Z`, `\z`)
	linear, err := regexp.Compile(unicodeClasses(source))
	if err == nil {
		return &pattern{linear: linear}, nil
	}
	back, failed := regexp2.Compile(source, regexp2.RE2)
	if failed != nil {
		return nil, fmt.Errorf("regular expression %q isn't supported: %w", source, err)
	}
	back.MatchTimeout = patience
	return &pattern{back: back}, nil
}

// unicodeClasses writes Python's \w, \d and their opposites as classes of
// letters and digits of any script, which Go's aren't.
func unicodeClasses(source string) string {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(source); i++ {
		c := source[i]
		if c != '\\' || i+1 == len(source) {
			if c == '[' {
				inClass = true
			} else if c == ']' {
				inClass = false
			}
			b.WriteByte(c)
			continue
		}
		i++
		switch {
		case source[i] == 'w' && inClass:
			b.WriteString(`\p{L}\p{N}_`)
		case source[i] == 'w':
			b.WriteString(`[\p{L}\p{N}_]`)
		case source[i] == 'W' && !inClass:
			b.WriteString(`[^\p{L}\p{N}_]`)
		case source[i] == 'd':
			b.WriteString(`\p{Nd}`)
		case source[i] == 'D':
			b.WriteString(`\P{Nd}`)
		default:
			b.WriteByte('\\')
			b.WriteByte(source[i])
		}
	}
	return b.String()
}

// match is one match: byte offsets and the groups, the first of which is the
// whole.
type match struct {
	from, to int
	groups   []string
	names    map[string]string
}

// each calls a function for every match, until it returns false.
func (p *pattern) each(s string, visit func(match) bool) error {
	if p.linear != nil {
		names := p.linear.SubexpNames()
		for _, at := range p.linear.FindAllStringSubmatchIndex(s, -1) {
			m := match{from: at[0], to: at[1], names: map[string]string{}}
			for i := 0; i < len(at); i += 2 {
				group := ""
				if at[i] >= 0 {
					group = s[at[i]:at[i+1]]
				}
				m.groups = append(m.groups, group)
				m.names[names[i/2]] = group
			}
			if !visit(m) {
				return nil
			}
		}
		return nil
	}
	runes := []rune(s)
	found, err := p.back.FindStringMatch(s)
	for ; err == nil && found != nil; found, err = p.back.FindNextMatch(found) {
		m := match{from: len(string(runes[:found.Index])), names: map[string]string{}}
		m.to = m.from + len(found.String())
		for _, g := range found.Groups() {
			m.groups = append(m.groups, g.String())
			m.names[g.Name] = g.String()
		}
		if !visit(m) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("match regular expression: %w", err)
	}
	return nil
}

var backReference = regexp.MustCompile(`\\(\d)|\\g<(\w+)>`)

// expand fills Python's \1 and \g<name> in.
func (m match) expand(replacement string) string {
	return backReference.ReplaceAllStringFunc(replacement, func(reference string) string {
		key := strings.Trim(reference, `\g<>`)
		if n := int(key[0] - '0'); len(key) == 1 && n >= 0 && n <= 9 {
			if n < len(m.groups) {
				return m.groups[n]
			}
			return ""
		}
		return m.names[key]
	})
}

func (p *pattern) replace(s, replacement string, count int) (string, error) {
	var b strings.Builder
	at := 0
	err := p.each(s, func(m match) bool {
		b.WriteString(s[at:m.from])
		b.WriteString(m.expand(replacement))
		at = m.to
		count--
		return count != 0 && b.Len() <= maxProduct
	})
	if b.Len() > maxProduct {
		return "", errTooLarge
	}
	b.WriteString(s[at:])
	return b.String(), err
}

// flagged compiles a pattern with the flags that Ansible's filters take.
func flagged(source string, a arguments, at int) (*pattern, error) {
	return compile(source, truth(a.get(at, "ignorecase", false)), truth(a.get(at+1, "multiline", false)))
}

func regexReplace(s string, a arguments) (any, error) {
	source, err := a.text(0, "pattern", "")
	if err != nil {
		return nil, err
	}
	replacement, err := a.text(1, "replacement", "")
	if err != nil {
		return nil, err
	}
	count, err := a.whole(4, "count", 0)
	if err != nil {
		return nil, err
	}
	p, err := flagged(source, a, 2)
	if err != nil {
		return nil, err
	}
	return p.replace(s, replacement, int(min(count, maxProduct)))
}

// regexSearch is the first match, or the groups that are asked for, or none.
func regexSearch(s string, a arguments) (any, error) {
	source, err := a.text(0, "regex", "")
	if err != nil {
		return nil, err
	}
	p, err := flagged(source, arguments{named: a.named}, 0)
	if err != nil {
		return nil, err
	}
	var found any
	err = p.each(s, func(m match) bool {
		found = m.groups[0]
		if len(a.list) > 1 {
			groups := []any{}
			for _, reference := range a.list[1:] {
				if t, err := text(reference); err == nil {
					groups = append(groups, m.expand(t))
				}
			}
			found = groups
		}
		return false
	})
	return found, err
}

func regexFindall(s string, a arguments) (any, error) {
	source, err := a.text(0, "regex", "")
	if err != nil {
		return nil, err
	}
	p, err := flagged(source, a, 1)
	if err != nil {
		return nil, err
	}
	found := []any{}
	err = p.each(s, func(m match) bool {
		switch len(m.groups) {
		case 1:
			found = append(found, m.groups[0])
		case 2:
			found = append(found, m.groups[1])
		default:
			found = append(found, asList(m.groups[1:]))
		}
		return true
	})
	return found, err
}

// matching makes a test of a pattern; anchored at the start as Python's match.
func matching(anchored bool) func(v any, a arguments) (bool, error) {
	return func(v any, a arguments) (bool, error) {
		s, err := text(v)
		if err != nil {
			return false, err
		}
		source, err := a.text(0, "pattern", "")
		if err != nil {
			return false, err
		}
		if anchored {
			source = `\A(?:` + source + `)`
		}
		p, err := flagged(source, a, 1)
		if err != nil {
			return false, err
		}
		found := false
		err = p.each(s, func(match) bool { found = true; return false })
		return found, err
	}
}
