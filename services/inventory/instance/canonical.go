package instance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Canonical rewrites a JSON object in the one form that documents of instances
// have: keys sorted, no insignificant space, no escapes that aren't needed,
// numbers as they were written. Equal documents have equal bytes.
func Canonical(raw []byte) (json.RawMessage, error) {
	v, err := Decode(raw)
	if err != nil {
		return nil, err
	}
	return Encode(v)
}

// isCompact says whether a document has no space between its parts and no
// escapes that Canonical would resolve. Writers of inventories copy such
// documents as they are; a line end in one would start a line of its own.
func isCompact(raw []byte) bool {
	quoted := false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '"':
			quoted = !quoted
		case c < ' ' || c == ' ' && !quoted:
			return false
		case quoted && c == '\\':
			if i++; i < len(raw) && (raw[i] == 'u' || raw[i] == '/') {
				return false
			}
		}
	}
	return true
}

// Decode reads one JSON value, numbers as json.Number.
func Decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return v, nil
}

// Encode writes a value canonically.
func Encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// AppendText writes text as a canonical JSON string, quickly if nothing in it
// must be escaped.
func AppendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, err := Encode(s)
			if err != nil {
				return append(b, `""`...) // strings always encode
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// SnakeKeys renames the keys of a decoded document as Ansible's modules do:
// InstanceId becomes instance_id. The values of the keys in ignore are left as
// they are, since what is in them is data: Tags.
func SnakeKeys(v any, ignore ...string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, child := range v {
			if !slices.Contains(ignore, k) {
				child = SnakeKeys(child, ignore...)
			}
			out[Snake(k)] = child
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = SnakeKeys(child, ignore...)
		}
		return out
	}
	return v
}

// Snake turns CamelCase into snake_case: an underscore goes before each upper
// case letter that starts a word. Runs of capitals are one word, but for a
// plural's s: VPCId is vpc_id, TargetGroupARNs target_group_arns.
func Snake(s string) string {
	if strings.HasSuffix(s, "ARNs") {
		s = strings.TrimSuffix(s, "ARNs") + "Arns"
	}
	runes := []rune(s)
	var b strings.Builder
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && runes[i-1] != '_' {
			afterLower := !unicode.IsUpper(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
