package gcp

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// Filter is a parsed filter: comparisons of fields joined by AND, OR, NOT and
// brackets; AND may be left out.
type Filter struct {
	source string
	holds  func(machine gjson.Result) bool
}

// String is the filter as it was written.
func (f Filter) String() string { return f.source }

// Match says whether the filter holds for a machine, which is given as its
// JSON.
func (f Filter) Match(machine string) bool { return f.holds(gjson.Parse(machine)) }

type condition = func(gjson.Result) bool

// token is a word, an operator or a bracket. Quoted words are never operators.
type token struct {
	text   string
	quoted bool
}

var tokens = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"|'([^']*)'|\(|\)|<=|>=|!=|[=<>:]|[^\s()=<>:!"']+`)

// Parse reads a filter. The error says what was not understood, and where.
func Parse(source string) (Filter, error) {
	var list []token
	at := 0
	for _, m := range tokens.FindAllStringSubmatchIndex(source, -1) {
		if between := strings.TrimSpace(source[at:m[0]]); between != "" {
			return Filter{}, fmt.Errorf("filter %q: %q is not understood", source, between)
		}
		t := token{text: source[m[0]:m[1]]}
		switch {
		case m[2] >= 0:
			t = token{strings.ReplaceAll(source[m[2]:m[3]], `\"`, `"`), true}
		case m[4] >= 0:
			t = token{source[m[4]:m[5]], true}
		}
		list, at = append(list, t), m[1]
	}
	if rest := strings.TrimSpace(source[at:]); rest != "" {
		return Filter{}, fmt.Errorf("filter %q: %q is not understood", source, rest)
	}
	p := &parser{list: list}
	holds, err := p.any()
	if err == nil && len(p.list) > 0 {
		err = fmt.Errorf("%q is too many", p.list[0].text)
	}
	if err != nil {
		return Filter{}, fmt.Errorf("filter %q: %w", source, err)
	}
	return Filter{source, holds}, nil
}

type parser struct{ list []token }

func (p *parser) next() (token, bool) {
	if len(p.list) == 0 {
		return token{}, false
	}
	t := p.list[0]
	p.list = p.list[1:]
	return t, true
}

// is says whether the next token is one of the words, and takes it if so.
func (p *parser) is(words ...string) bool {
	if len(p.list) == 0 || p.list[0].quoted {
		return false
	}
	for _, w := range words {
		if strings.EqualFold(p.list[0].text, w) {
			p.list = p.list[1:]
			return true
		}
	}
	return false
}

func (p *parser) any() (condition, error) {
	left, err := p.all()
	for err == nil && p.is("OR") {
		var right condition
		one := left
		if right, err = p.all(); err == nil {
			left = func(m gjson.Result) bool { return one(m) || right(m) }
		}
	}
	return left, err
}

func (p *parser) all() (condition, error) {
	left, err := p.one()
	for err == nil {
		explicit := p.is("AND")
		if !explicit && (len(p.list) == 0 || p.list[0].text == ")" || strings.EqualFold(p.list[0].text, "OR")) {
			break
		}
		var right condition
		one := left
		if right, err = p.one(); err == nil {
			left = func(m gjson.Result) bool { return one(m) && right(m) }
		}
	}
	return left, err
}

func (p *parser) one() (condition, error) {
	switch {
	case p.is("NOT"):
		return p.not()
	case p.is("("):
		inner, err := p.any()
		if err == nil && !p.is(")") {
			err = fmt.Errorf("a bracket is not closed")
		}
		return inner, err
	}
	field, ok := p.next()
	if !ok {
		return nil, fmt.Errorf("it ends where a comparison is expected")
	}
	if strings.HasPrefix(field.text, "-") && !field.quoted {
		p.list = append([]token{{text: field.text[1:]}}, p.list...)
		return p.not()
	}
	operator, ok := p.next()
	if !ok || operator.quoted {
		return nil, fmt.Errorf("%q is compared with nothing", field.text)
	}
	value, ok := p.next()
	if !ok || !value.quoted && (value.text == "(" || value.text == ")") {
		return nil, fmt.Errorf("%q is compared with nothing", field.text)
	}
	compare, err := comparison(operator.text, value.text)
	if err != nil {
		return nil, err
	}
	path := strings.Split(field.text, ".")
	return func(m gjson.Result) bool { return compare(values(m, path)) }, nil
}

func (p *parser) not() (condition, error) {
	inner, err := p.one()
	if err != nil {
		return nil, err
	}
	return func(m gjson.Result) bool { return !inner(m) }, nil
}

// values are those of a field: of lists each item's, of URLs their last part
// too, by which people name zones and types.
func values(v gjson.Result, path []string) []string {
	if v.IsArray() {
		var all []string
		for _, item := range v.Array() {
			all = append(all, values(item, path)...)
		}
		return all
	}
	if len(path) > 0 {
		found := v.Get(gjson.Escape(path[0]))
		if !found.Exists() {
			return nil
		}
		return values(found, path[1:])
	}
	if !v.Exists() || v.Type == gjson.Null {
		return nil
	}
	text := v.String()
	if i := strings.LastIndexByte(text, '/'); strings.HasPrefix(text, "https://") && i >= 0 {
		return []string{text, text[i+1:]}
	}
	return []string{text}
}

// comparison makes the test of an operator and the value at its right.
func comparison(operator, value string) (func([]string) bool, error) {
	some := func(test func(string) bool) func([]string) bool {
		return func(have []string) bool {
			for _, h := range have {
				if test(h) {
					return true
				}
			}
			return false
		}
	}
	none := func(test func([]string) bool) func([]string) bool {
		return func(have []string) bool { return !test(have) }
	}
	switch strings.ToLower(operator) {
	case "=":
		return some(equal(value)), nil
	case "!=":
		return none(some(equal(value))), nil
	case ":":
		if value == "*" {
			return func(have []string) bool { return len(have) > 0 }, nil
		}
		return some(func(h string) bool {
			return strings.Contains(strings.ToLower(h), strings.ToLower(strings.Trim(value, "*")))
		}), nil
	case "eq", "ne":
		pattern, err := regexp.Compile("^(?:" + value + ")$")
		if err != nil {
			return nil, fmt.Errorf("%q is no regular expression", value)
		}
		if strings.EqualFold(operator, "eq") {
			return some(pattern.MatchString), nil
		}
		return none(some(pattern.MatchString)), nil
	case "<", ">", "<=", ">=":
		return some(func(h string) bool { return ordered(operator, h, value) }), nil
	}
	return nil, fmt.Errorf("%q is no comparison", operator)
}

// equal compares as text, with * for any text.
func equal(value string) func(string) bool {
	if !strings.Contains(value, "*") {
		return func(h string) bool { return strings.EqualFold(h, value) }
	}
	parts := strings.Split(value, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	pattern := regexp.MustCompile("(?i)^" + strings.Join(parts, ".*") + "$")
	return pattern.MatchString
}

// ordered compares as numbers where both are, else as text: moments in the form
// that Google writes them are in order as text.
func ordered(operator, have, value string) bool {
	order := strings.Compare(have, value)
	a, errA := strconv.ParseFloat(have, 64)
	b, errB := strconv.ParseFloat(value, 64)
	if errA == nil && errB == nil {
		switch {
		case a < b:
			order = -1
		case a > b:
			order = 1
		default:
			order = 0
		}
	}
	switch operator {
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	}
	return order >= 0
}
