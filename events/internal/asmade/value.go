package asmade

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// cutString cuts a JSON string off the front: a part of s itself if it is plain
// ASCII without escapes.
func cutString(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", "", false
	}
	plain := true
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && plain:
			return s[1:i], s[i+1:], true
		case c == '"':
			unquoted, err := jsontext.AppendUnquote(nil, s[:i+1])
			return string(unquoted), s[i+1:], err == nil
		case c == '\\':
			plain = false
			i++
		case c < ' ' || c > '~':
			plain = false
		}
	}
	return "", "", false
}

func readString(s string, v reflect.Value) (string, bool) {
	value, rest, ok := cutString(s)
	if ok {
		v.SetString(value)
	}
	return rest, ok
}

func readTime(s string, v reflect.Value) (string, bool) {
	value, rest, ok := cutString(s)
	if !ok {
		return "", false
	}
	return rest, v.Addr().Interface().(*time.Time).UnmarshalText([]byte(value)) == nil
}

// readQuotedJSON and readQuotedText read types that read themselves, if their
// value is a string.
func readQuotedJSON(s string, v reflect.Value) (string, bool) {
	_, rest, ok := cutString(s)
	if !ok {
		return "", false
	}
	return rest, v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON([]byte(s[:len(s)-len(rest)])) == nil
}

func readQuotedText(s string, v reflect.Value) (string, bool) {
	value, rest, ok := cutString(s)
	if !ok {
		return "", false
	}
	return rest, v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(value)) == nil
}

func readBool(s string, v reflect.Value) (string, bool) {
	if rest, ok := strings.CutPrefix(s, "true"); ok {
		v.SetBool(true)
		return rest, true
	}
	rest, ok := strings.CutPrefix(s, "false")
	v.SetBool(false)
	return rest, ok
}

// cutNumber cuts a number off the front, in JSON's grammar, which is narrower
// than strconv's: no leading zeros or plus signs, digits on both sides of the point.
func cutNumber(s string) (number, rest string) {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		return i > from
	}
	one := func(set string) bool {
		if i < len(s) && strings.IndexByte(set, s[i]) >= 0 {
			i++
			return true
		}
		return false
	}
	one("-")
	if !one("0") && !digits() {
		return "", s
	}
	if one(".") && !digits() {
		return "", s
	}
	if one("eE") {
		one("+-")
		if !digits() {
			return "", s
		}
	}
	return s[:i], s[i:]
}

func readInt(s string, v reflect.Value) (string, bool) {
	number, rest := cutNumber(s)
	n, err := strconv.ParseInt(number, 10, v.Type().Bits())
	v.SetInt(n)
	return rest, err == nil
}

func readUint(s string, v reflect.Value) (string, bool) {
	number, rest := cutNumber(s)
	n, err := strconv.ParseUint(number, 10, v.Type().Bits())
	v.SetUint(n)
	return rest, err == nil
}

func readFloat(s string, v reflect.Value) (string, bool) {
	number, rest := cutNumber(s)
	n, err := strconv.ParseFloat(number, v.Type().Bits())
	v.SetFloat(n)
	return rest, err == nil
}

func pointerTo(read reader) reader {
	if read == nil {
		return nil
	}
	return func(s string, v reflect.Value) (string, bool) {
		if rest, ok := strings.CutPrefix(s, "null"); ok {
			return rest, true
		}
		v.Set(reflect.New(v.Type().Elem()))
		return read(s, v.Elem())
	}
}

func sliceOf(read reader) reader {
	if read == nil {
		return nil
	}
	return func(s string, v reflect.Value) (string, bool) {
		if rest, ok := strings.CutPrefix(s, "null"); ok {
			return rest, true
		}
		s, ok := strings.CutPrefix(s, "[")
		if !ok {
			return "", false
		}
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		if rest, ok := strings.CutPrefix(s, "]"); ok {
			return rest, true
		}
		for n := 0; ; n++ {
			v.Grow(1)
			v.SetLen(n + 1)
			if s, ok = read(s, v.Index(n)); !ok || s == "" {
				return "", false
			}
			switch s[0] {
			case ']':
				return s[1:], true
			case ',':
				s = s[1:]
			default:
				return "", false
			}
		}
	}
}

func mapOf(read reader) reader {
	if read == nil {
		return nil
	}
	return func(s string, v reflect.Value) (string, bool) {
		if rest, ok := strings.CutPrefix(s, "null"); ok {
			return rest, true
		}
		s, ok := strings.CutPrefix(s, "{")
		if !ok {
			return "", false
		}
		t := v.Type()
		v.Set(reflect.MakeMap(t))
		if rest, ok := strings.CutPrefix(s, "}"); ok {
			return rest, true
		}
		for {
			var name string
			if name, s, ok = cutString(s); !ok || s == "" || s[0] != ':' {
				return "", false
			}
			key, value := reflect.ValueOf(name).Convert(t.Key()), reflect.New(t.Elem()).Elem()
			if v.MapIndex(key).IsValid() {
				return "", false
			}
			if s, ok = read(s[1:], value); !ok || s == "" {
				return "", false
			}
			v.SetMapIndex(key, value)
			switch s[0] {
			case '}':
				return s[1:], true
			case ',':
				s = s[1:]
			default:
				return "", false
			}
		}
	}
}
