package jinja

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// text is the value as Python's str writes it.
func text(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case undefined:
		return "", v.err()
	}
	var b strings.Builder
	err := repr(&b, v)
	return b.String(), err
}

// repr writes a value as Python's repr does.
func repr(b *strings.Builder, v any) error {
	switch v := native(v).(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(floatText(v))
	case string:
		b.WriteString(quoteText(v))
	case undefined:
		return v.err()
	default:
		return container(b, v, repr, ", ", ": ", repr)
	}
	return nil
}

// container writes a list or dict, its parts by write and its keys by key.
func container(b *strings.Builder, v any, write func(*strings.Builder, any) error, comma, colon string, key func(*strings.Builder, any) error) error {
	if pairs, ok := entries(v); ok {
		b.WriteByte('{')
		for i, p := range pairs {
			if i > 0 {
				b.WriteString(comma)
			}
			if err := key(b, p.key); err != nil {
				return err
			}
			b.WriteString(colon)
			if err := write(b, p.value); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	}
	items, ok := list(v)
	if !ok {
		return fmt.Errorf("a value of an unknown kind")
	}
	b.WriteByte('[')
	for i, item := range items {
		if i > 0 {
			b.WriteString(comma)
		}
		if err := write(b, native(item)); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

func floatText(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if v >= 1e-4 && v < 1e16 || v <= -1e-4 && v > -1e16 || v == 0 {
		s = strconv.FormatFloat(v, 'f', -1, 64)
	}
	if !strings.ContainsAny(s, ".enI") {
		s += ".0"
	}
	return s
}

// quoteText is text between quotes, single ones unless it has such and no
// double ones.
func quoteText(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteByte(quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte(quote)
	return b.String()
}

// writeJSON writes a value as Python's json.dumps does by default.
func writeJSON(b *strings.Builder, v any) error {
	switch v := native(v).(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case string:
		b.WriteString(asciiJSON(v))
	case int64, float64:
		return repr(b, v)
	case undefined:
		return v.err()
	default:
		return container(b, v, writeJSON, ", ", ": ", func(b *strings.Builder, key any) error {
			s, err := text(key)
			b.WriteString(asciiJSON(s))
			return err
		})
	}
	return nil
}

// asciiJSON is a JSON string without any character beyond ASCII.
func asciiJSON(s string) string {
	var raw strings.Builder
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // strings always encode
	}
	var b strings.Builder
	for _, r := range strings.TrimSuffix(raw.String(), "\n") {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		}
	}
	return b.String()
}

// plain is the value as encoding/json decodes it, for libraries.
func plain(v any) any {
	v = native(v)
	if pairs, ok := entries(v); ok {
		out := make(map[string]any, len(pairs))
		for _, p := range pairs {
			key, err := text(p.key)
			if err == nil {
				out[key] = plain(p.value)
			}
		}
		return out
	}
	if items, ok := list(v); ok {
		out := make([]any, len(items))
		for i, item := range items {
			out[i] = plain(item)
		}
		return out
	}
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	return v
}

// fromPlain takes what a library returned.
func fromPlain(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return undefined{what: "a value that is no JSON"}
	}
	return native(gjson.ParseBytes(raw))
}
