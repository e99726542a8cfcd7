package dropin

import (
	"errors"
	"strings"
)

// names reads a list of file names, in the first way that fits:
//
//   - the whole value, if there is a file of that name;
//   - a name on each line, if there is more than one line;
//   - words separated by spaces, as a shell reads them: quotes or a backslash
//     keep a space.
func names(text string, exists func(string) bool) ([]string, error) {
	if trimmed := strings.Trim(text, "\r\n"); trimmed != "" && !strings.Contains(trimmed, "\n") && exists(trimmed) {
		return []string{trimmed}, nil
	} else if strings.Contains(trimmed, "\n") {
		var out []string
		for line := range strings.Lines(trimmed) {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
		return out, nil
	}
	return words(text)
}

var errQuote = errors.New("a quotation mark is not closed")

// words splits at white space, as a shell does: what stands in single quotes is
// kept as it is, in double quotes and outside a backslash keeps the next
// character.
func words(text string) ([]string, error) {
	var out []string
	var word strings.Builder
	begun, quote, escaped := false, rune(0), false
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			begun, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			begun, quote = true, r
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			if begun {
				out = append(out, word.String())
				word.Reset()
				begun = false
			}
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 || escaped {
		return nil, errQuote
	}
	if begun {
		out = append(out, word.String())
	}
	return out, nil
}
