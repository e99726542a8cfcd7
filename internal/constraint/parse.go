package constraint

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Op is an operator.
type Op string

// The operators. A single "=" is read as Equal.
const (
	Equal          Op = "=="
	NotEqual       Op = "!="
	LessOrEqual    Op = "<="
	GreaterOrEqual Op = ">="
	Less           Op = "<"
	Greater        Op = ">"
)

// maxLength bounds one condition, in bytes. Regular expressions are RE2, so
// length bounds the time they take as well.
const maxLength = 500

const (
	constraintPrefix = "constraint:"
	affinityPrefix   = "affinity:"
	softMark         = "~"
)

// A Constraint is one parsed condition. The zero value holds for no host.
type Constraint struct {
	// Key is the fact's name, or "container" for an affinity.
	Key string
	// Op relates the fact to the value.
	Op Op
	// Value as written, without the soft mark; /…/ for a regular expression.
	Value string
	// Soft conditions rank hosts and never rule one out.
	Soft bool
	// Affinity conditions look at the host's containers instead of its facts.
	Affinity bool

	match  func(fact string) bool // for Equal and NotEqual
	number float64                // for the numeric operators
	single bool                   // written with a single "="
}

// A SyntaxError says what is wrong with a condition, and where.
type SyntaxError struct {
	// Input is the whole condition.
	Input string
	// Offset is the byte at fault, from 0; len(Input) is its end.
	Offset int
	// Problem in a few words, with the remedy.
	Problem string
}

// Error names the condition, the column (from 1) and the problem.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("constraint %q, column %d: %s", e.Input, utf8.RuneCountInString(e.Input[:e.Offset])+1, e.Problem)
}

// Parse reads one condition. Errors are of type *SyntaxError.
func Parse(input string) (Constraint, error) {
	p := parser{input: input}
	return p.parse()
}

// A Set is conditions that are to hold together.
type Set []Constraint

// ParseAll reads a list of conditions, stopping at the first bad one.
func ParseAll(inputs []string) (Set, error) {
	set := make(Set, 0, len(inputs))
	for _, input := range inputs {
		c, err := Parse(input)
		if err != nil {
			return nil, err
		}
		set = append(set, c)
	}
	return set, nil
}

// String writes the condition in its canonical form, which parses to the same.
func (c Constraint) String() string {
	var b strings.Builder
	if c.Affinity {
		b.WriteString(affinityPrefix)
	}
	b.WriteString(c.Key)
	b.WriteString(string(c.Op))
	if c.Soft {
		b.WriteString(softMark)
	}
	b.WriteString(c.Value)
	return b.String()
}

type parser struct {
	input string
	pos   int
}

func (p *parser) fail(offset int, format string, args ...any) error {
	return &SyntaxError{Input: p.input, Offset: min(offset, len(p.input)), Problem: fmt.Sprintf(format, args...)}
}

func (p *parser) parse() (Constraint, error) {
	if len(p.input) > maxLength {
		return Constraint{}, p.fail(maxLength, "longer than %d bytes", maxLength)
	}
	if !utf8.ValidString(p.input) {
		return Constraint{}, p.fail(0, "not UTF-8")
	}
	var c Constraint
	p.space()
	switch {
	case p.accept(constraintPrefix):
	case p.accept(affinityPrefix):
		c.Affinity = true
	}
	p.space()
	for _, step := range []func(*Constraint) error{p.key, p.operator, p.value} {
		if err := step(&c); err != nil {
			return Constraint{}, err
		}
	}
	return c, nil
}

func (p *parser) accept(prefix string) bool {
	if !strings.HasPrefix(p.input[p.pos:], prefix) {
		return false
	}
	p.pos += len(prefix)
	return true
}

func (p *parser) space() {
	for p.pos < len(p.input) && p.input[p.pos] == ' ' {
		p.pos++
	}
}

func (p *parser) key(c *Constraint) error {
	start := p.pos
	for p.pos < len(p.input) && isKeyByte(p.input[p.pos]) {
		p.pos++
	}
	c.Key = p.input[start:p.pos]
	if c.Key == "" {
		return p.fail(start, "expected the name of a fact, such as architecture")
	}
	if c.Affinity && c.Key != "container" {
		return p.fail(start, "affinity to %q isn't known; there is affinity:container", c.Key)
	}
	p.space()
	return nil
}

func isKeyByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-' || b == '.'
}

func (p *parser) operator(c *Constraint) error {
	start := p.pos
	switch {
	case p.accept("=="):
		c.Op = Equal
	case p.accept("="):
		c.Op, c.single = Equal, true
	case p.accept("!="):
		c.Op = NotEqual
	case p.accept("<="):
		c.Op = LessOrEqual
	case p.accept(">="):
		c.Op = GreaterOrEqual
	case p.accept("<"):
		c.Op = Less
	case p.accept(">"):
		c.Op = Greater
	default:
		return p.fail(start, "expected an operator behind %q: one of == != <= >= < >", c.Key)
	}
	if c.Affinity && c.Op.numeric() {
		return p.fail(start, "%s doesn't apply to the name of a container", c.Op)
	}
	c.Soft = p.accept(softMark)
	p.space()
	return nil
}

func (o Op) numeric() bool { return o != Equal && o != NotEqual }

func (p *parser) value(c *Constraint) error {
	start := p.pos
	c.Value = strings.TrimRight(p.input[start:], " ")
	if c.Value == "" {
		return p.fail(start, "expected a value behind %s", c.Op)
	}
	if strings.ContainsAny(c.Value[:1], "=<>!~") {
		return p.fail(start, "unexpected %q behind the operator %s", c.Value[:1], c.Op)
	}
	if i := strings.IndexFunc(c.Value, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return p.fail(start+i, "control character in the value")
	}
	if c.Op.numeric() {
		n, ok := parseNumber(c.Value)
		if !ok {
			return p.fail(start, "%s compares numbers, and %q is none; a size is written 8GiB", c.Op, c.Value)
		}
		c.number = n
		return nil
	}
	return p.matcher(c, start)
}

// matcher compiles the value: text, glob or regular expression.
func (p *parser) matcher(c *Constraint, start int) error {
	switch {
	case strings.HasPrefix(c.Value, "/"):
		if len(c.Value) < 3 || !strings.HasSuffix(c.Value, "/") {
			return p.fail(start, "a regular expression is written /expression/")
		}
		body := c.Value[1 : len(c.Value)-1]
		// The body is tried alone first: what is wrong must be wrong with it
		// and not with the anchors, and "a)(b" must not become right by them.
		if _, err := regexp.Compile(body); err != nil {
			return p.fail(start+1, "regular expression: %s", reason(err))
		}
		re, err := regexp.Compile(`\A(?:` + body + `)\z`)
		if err != nil {
			return p.fail(start+1, "regular expression: %s", reason(err))
		}
		c.match = re.MatchString
	case strings.ContainsAny(c.Value, "*?"):
		glob := c.Value
		c.match = func(fact string) bool { return matchGlob(glob, fact) }
	default:
		text := c.Value
		c.match = func(fact string) bool { return fact == text }
	}
	return nil
}

// reason strips what regexp's errors repeat.
func reason(err error) string {
	return strings.TrimPrefix(err.Error(), "error parsing regexp: ")
}

// matchGlob matches the whole text; * is any text, ? any one character. It
// goes back to the last star only, so its time is at most len(glob)·len(text).
func matchGlob(glob, text string) bool {
	star, retry := -1, 0
	g, t := 0, 0
	for t < len(text) {
		_, size := utf8.DecodeRuneInString(text[t:])
		switch {
		case g < len(glob) && glob[g] == '*':
			star, retry = g, t
			g++
		case g < len(glob) && glob[g] == '?':
			g, t = g+1, t+size
		case g < len(glob) && glob[g] == text[t]:
			g, t = g+1, t+1
		case star >= 0:
			_, skip := utf8.DecodeRuneInString(text[retry:])
			retry += skip
			g, t = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(glob[g:], "*") == ""
}
