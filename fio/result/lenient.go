package result

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// node is one value of a JSON document as fio prints them: members keep their
// order and may repeat.
type node struct {
	kind    byte   // one of { [ " 0 (number), t, f, n
	text    string // of strings and numbers
	members []member
	items   []*node
}

type member struct {
	key   string
	value *node
}

// Bounds on one document, against hostile files.
const (
	maxNesting = 32
	maxNodes   = 4 << 20
)

var (
	errCut     = errors.New("the document ends early")
	errNesting = fmt.Errorf("more than %d levels", maxNesting)
	errNodes   = fmt.Errorf("more than %d values", maxNodes)
)

// lexer parses one document. It accepts what fio prints beyond JSON: control
// characters in strings, nan and inf, and a comma before a closing bracket.
type lexer struct {
	src   []byte
	at    int
	nodes int
}

// parseDocument parses one value at the start of src and returns what of src it
// took.
func parseDocument(src []byte) (*node, int, error) {
	l := &lexer{src: src}
	n, err := l.value(0)
	return n, l.at, err
}

func (l *lexer) space() {
	for l.at < len(l.src) && strings.IndexByte(" \t\r\n", l.src[l.at]) >= 0 {
		l.at++
	}
}

// peek returns the next byte that is not white space, or 0 at the end.
func (l *lexer) peek() byte {
	l.space()
	if l.at == len(l.src) {
		return 0
	}
	return l.src[l.at]
}

func (l *lexer) errorf(format string, args ...any) error {
	if l.at >= len(l.src) {
		return errCut
	}
	return fmt.Errorf("offset %d: %s", l.at, fmt.Sprintf(format, args...))
}

func (l *lexer) value(depth int) (*node, error) {
	if l.nodes++; l.nodes > maxNodes {
		return nil, errNodes
	}
	if depth > maxNesting {
		return nil, errNesting
	}
	switch c := l.peek(); c {
	case '{':
		return l.object(depth)
	case '[':
		return l.array(depth)
	case '"':
		s, err := l.str()
		return &node{kind: '"', text: s}, err
	case 0:
		return nil, errCut
	default:
		return l.word()
	}
}

func (l *lexer) object(depth int) (*node, error) {
	n := &node{kind: '{'}
	l.at++
	for {
		switch l.peek() {
		case '}':
			l.at++
			return n, nil
		case ',':
			l.at++
			continue
		case '"':
		default:
			return nil, l.errorf("expected a member's name")
		}
		key, err := l.str()
		if err != nil {
			return nil, err
		}
		if l.peek() != ':' {
			return nil, l.errorf("expected a colon after %q", key)
		}
		l.at++
		v, err := l.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member{key, v})
	}
}

func (l *lexer) array(depth int) (*node, error) {
	n := &node{kind: '['}
	l.at++
	for {
		switch l.peek() {
		case ']':
			l.at++
			return n, nil
		case ',':
			l.at++
			continue
		}
		v, err := l.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, v)
	}
}

// str reads a string. Raw control characters stand for themselves.
func (l *lexer) str() (string, error) {
	l.at++
	start := l.at
	for i := start; i < len(l.src); i++ {
		switch l.src[i] {
		case '"':
			l.at = i + 1
			return string(l.src[start:i]), nil
		case '\\':
			return l.escaped(start, i)
		}
	}
	l.at = len(l.src)
	return "", errCut
}

// escaped reads on from the first backslash of a string.
func (l *lexer) escaped(start, i int) (string, error) {
	b := append([]byte(nil), l.src[start:i]...)
	for ; i < len(l.src); i++ {
		switch c := l.src[i]; c {
		case '"':
			l.at = i + 1
			return string(b), nil
		case '\\':
			if i++; i == len(l.src) {
				return "", errCut
			}
			var used int
			b, used = unescape(b, l.src[i:])
			i += used
		default:
			b = append(b, c)
		}
	}
	l.at = len(l.src)
	return "", errCut
}

// unescape appends what an escape stands for and tells how many bytes it has
// beyond the first. An unknown escape stands for its letter.
func unescape(b, src []byte) (out []byte, used int) {
	if i := strings.IndexByte("nrtbf", src[0]); i >= 0 {
		return append(b, "\n\r\t\b\f"[i]), 0
	}
	if src[0] != 'u' || len(src) < 5 {
		return append(b, src[0]), 0
	}
	r, err := strconv.ParseUint(string(src[1:5]), 16, 16)
	if err != nil {
		return append(b, 'u'), 0
	}
	if utf16.IsSurrogate(rune(r)) && len(src) >= 11 && src[5] == '\\' && src[6] == 'u' {
		if low, err := strconv.ParseUint(string(src[7:11]), 16, 16); err == nil {
			return utf8.AppendRune(b, utf16.DecodeRune(rune(r), rune(low))), 10
		}
	}
	return utf8.AppendRune(b, rune(r)), 4
}

// word reads a number or one of the bare words.
func (l *lexer) word() (*node, error) {
	start := l.at
	for l.at < len(l.src) && strings.IndexByte(" \t\r\n,]}", l.src[l.at]) < 0 {
		l.at++
	}
	w := string(l.src[start:l.at])
	switch w {
	case "true", "false", "null":
		return &node{kind: w[0], text: w}, nil
	}
	if _, err := strconv.ParseFloat(strings.TrimPrefix(w, "-"), 64); err != nil && !errors.Is(err, strconv.ErrRange) {
		l.at = start
		return nil, l.errorf("unexpected %.20q", w)
	}
	return &node{kind: '0', text: w}, nil
}

// get returns the last member of a name, or nil; it may be called on nil.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := len(n.members) - 1; i >= 0; i-- {
		if n.members[i].key == key {
			return n.members[i].value
		}
	}
	return nil
}

// str returns the text of a string or number, "" for anything else.
func (n *node) str() string {
	if n == nil {
		return ""
	}
	return n.text
}
