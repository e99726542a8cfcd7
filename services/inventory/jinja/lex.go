package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A SyntaxError is text that is no expression, or one with a filter, a test or
// a call that isn't supported.
type SyntaxError struct {
	// Input is the whole expression.
	Input string
	// Offset is the byte at fault, from 0.
	Offset int
	// Problem in a few words.
	Problem string
	// Unsupported says that the expression may be one elsewhere: it has a
	// filter, test, function or method that there isn't here.
	Unsupported bool
}

// Error names the expression, the column (from 1) and the problem.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("expression %q, column %d: %s", e.Input, utf8.RuneCountInString(e.Input[:min(e.Offset, len(e.Input))])+1, e.Problem)
}

type kind int

const (
	end kind = iota
	name
	number_
	quoted
	symbol
)

// token is one word of an expression.
type token struct {
	kind kind
	text string // of a quoted token: its content
	at   int
}

// maxLength bounds an expression, in bytes.
const maxLength = 4096

// lex splits an expression into tokens, the last of kind end.
func lex(input string) ([]token, error) {
	fail := func(at int, format string, args ...any) ([]token, error) {
		return nil, &SyntaxError{Input: input, Offset: at, Problem: fmt.Sprintf(format, args...)}
	}
	if len(input) > maxLength {
		return fail(0, "longer than %d bytes", maxLength)
	}
	if !utf8.ValidString(input) {
		return fail(0, "not UTF-8")
	}
	var tokens []token
	for i := 0; i < len(input); {
		c := input[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case isLetter(c):
			j := i
			for j < len(input) && (isLetter(input[j]) || isDigit(input[j])) {
				j++
			}
			tokens = append(tokens, token{name, input[i:j], i})
			i = j
		case isDigit(c):
			j := i + numberLength(input[i:], len(tokens) > 0 && tokens[len(tokens)-1].text == ".")
			tokens = append(tokens, token{number_, input[i:j], i})
			i = j
		case c == '\'' || c == '"':
			content, n, err := unquote(input[i:])
			if err != nil {
				return fail(i, "%v", err)
			}
			tokens = append(tokens, token{quoted, content, i})
			i += n
		default:
			sym := symbolAt(input[i:])
			if sym == "" {
				r, _ := utf8.DecodeRuneInString(input[i:])
				return fail(i, "%q isn't supported", r)
			}
			tokens = append(tokens, token{symbol, sym, i})
			i += len(sym)
		}
	}
	return append(tokens, token{end, "", len(input)}), nil
}

// numberLength is how many bytes a number takes. An index behind a point
// (list.0.name) has no fraction.
func numberLength(input string, index bool) int {
	n := 0
	for n < len(input) && isDigit(input[n]) {
		n++
	}
	if index {
		return n
	}
	if n+1 < len(input) && input[n] == '.' && isDigit(input[n+1]) {
		for n++; n < len(input) && isDigit(input[n]); {
			n++
		}
	}
	if n+1 < len(input) && (input[n] == 'e' || input[n] == 'E') {
		exponent := n + 1
		if input[exponent] == '-' || input[exponent] == '+' {
			exponent++
		}
		if exponent < len(input) && isDigit(input[exponent]) {
			for n = exponent; n < len(input) && isDigit(input[n]); {
				n++
			}
		}
	}
	return n
}

func isLetter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// symbolAt is the longest symbol that the input starts with.
func symbolAt(input string) string {
	for _, s := range []string{
		"==", "!=", "<=", ">=", "**", "//", "<", ">", "(", ")", "[", "]", "{", "}", ".", ",", "|", "+", "-", "*", "/", "%", "~", "=", ":",
	} {
		if strings.HasPrefix(input, s) {
			return s
		}
	}
	return ""
}

// unquote reads a quoted string with Python's common escapes, and says how
// many bytes it took.
func unquote(input string) (content string, n int, err error) {
	quote := input[0]
	var b strings.Builder
	for i := 1; i < len(input); i++ {
		switch c := input[i]; {
		case c == quote:
			return b.String(), i + 1, nil
		case c != '\\' || i+1 == len(input):
			b.WriteByte(c)
		default:
			i++
			switch input[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case '\\', '\'', '"':
				b.WriteByte(input[i])
			default: // as Python: an unknown escape is left as it is
				b.WriteByte('\\')
				b.WriteByte(input[i])
			}
		}
	}
	return "", 0, fmt.Errorf("string without its closing %c", quote)
}

// parseNumber reads a literal: an integer or a decimal fraction.
func parseNumber(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		if len(s) > 1 && s[0] == '0' {
			return nil, fmt.Errorf("number %s with a leading zero", s)
		}
		return strconv.ParseInt(s, 10, 64)
	}
	return strconv.ParseFloat(s, 64)
}
