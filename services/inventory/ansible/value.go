package ansible

import (
	"bufio"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/fiord-bench/fiord/services/inventory/jinja"
)

// dialect is how one format writes values. All of them share a walk over the
// value, so that types can't come out differently.
type dialect struct {
	null, yes, no string
	// text writes a string with its quotes, safe from evaluation.
	text func(w *bufio.Writer, s string)
	// key writes the key of a dict.
	key func(w *bufio.Writer, s string)
	// copy writes canonical JSON in which nothing might be evaluated, or says
	// that it can't be written so. It is what makes large inventories fast.
	copy func(w *bufio.Writer, raw string) bool
}

// variable writes the value of a variable.
func (d *dialect) variable(w *bufio.Writer, v variable) {
	switch {
	case v.raw == "":
		d.value(w, v.value)
	case v.risky || !d.copy(w, v.raw):
		d.json(w, gjson.Parse(v.raw))
	}
}

func (d *dialect) value(w *bufio.Writer, v any) {
	switch v := v.(type) {
	case nil:
		w.WriteString(d.null)
	case bool:
		w.WriteString(d.bool(v))
	case string:
		d.text(w, v)
	case int64:
		w.WriteString(strconv.FormatInt(v, 10))
	case float64:
		w.WriteString(float(v))
	case []any:
		w.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				w.WriteByte(',')
			}
			d.value(w, item)
		}
		w.WriteByte(']')
	case *jinja.Dict:
		d.dict(w, v)
	case gjson.Result:
		d.json(w, v)
	}
}

func (d *dialect) dict(w *bufio.Writer, v *jinja.Dict) {
	w.WriteByte('{')
	first := true
	v.ForEach(func(key, value any) bool {
		if !first {
			w.WriteByte(',')
		}
		first = false
		name, err := jinja.Text(key)
		if err != nil {
			name = "" // keys are scalars, which have text
		}
		d.key(w, name)
		w.WriteByte(':')
		d.value(w, value)
		return true
	})
	w.WriteByte('}')
}

func (d *dialect) bool(v bool) string {
	if v {
		return d.yes
	}
	return d.no
}

// json writes a part of a document.
func (d *dialect) json(w *bufio.Writer, r gjson.Result) {
	switch r.Type {
	case gjson.Null:
		w.WriteString(d.null)
	case gjson.True, gjson.False:
		w.WriteString(d.bool(r.Type == gjson.True))
	case gjson.String:
		d.text(w, r.Str)
	case gjson.Number:
		if strings.ContainsAny(r.Raw, ".eE") {
			w.WriteString(float(r.Num))
			return
		}
		w.WriteString(r.Raw)
	case gjson.JSON:
		d.container(w, r)
	}
}

func (d *dialect) container(w *bufio.Writer, r gjson.Result) {
	opening, closing := byte('['), byte(']')
	if r.IsObject() {
		opening, closing = '{', '}'
	}
	w.WriteByte(opening)
	first := true
	r.ForEach(func(k, v gjson.Result) bool {
		if !first {
			w.WriteByte(',')
		}
		first = false
		if opening == '{' {
			d.key(w, k.Str)
			w.WriteByte(':')
		}
		d.json(w, v)
		return true
	})
	w.WriteByte(closing)
}

// float is written with a point, so that YAML 1.1 sees a number in 1.0e+20.
func float(f float64) string {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return "0.0" // JSON has none, so that only arithmetic could make one
	}
	s := strconv.FormatFloat(f, 'g', -1, 64)
	mantissa, exponent, scientific := strings.Cut(s, "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if scientific {
		return mantissa + "e" + exponent
	}
	return mantissa
}

// templated says whether Ansible might evaluate the text.
func templated(s string) bool {
	return strings.Contains(s, "{{") || strings.Contains(s, "{%") || strings.Contains(s, "{#")
}

const hexDigits = "0123456789abcdef"

// escape writes text within double quotes with backslash escapes that JSON,
// YAML and Python read alike, but for characters beyond the basic plane, which
// stay as they are. What more must be escaped is up to the caller.
func escape(w *bufio.Writer, s, more string) {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if !awkward(r, n) {
				i += n
				continue
			}
			w.WriteString(s[start:i])
			if r == utf8.RuneError && n == 1 {
				w.WriteString(`\ufffd`) // not UTF-8: as JSON's decoders do
			} else {
				unicodeEscape(w, r)
			}
			i += n
			start = i
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f && strings.IndexByte(more, c) < 0 {
			i++
			continue
		}
		w.WriteString(s[start:i])
		switch c {
		case '"', '\\':
			w.WriteByte('\\')
			w.WriteByte(c)
		case '\n':
			w.WriteString(`\n`)
		case '\t':
			w.WriteString(`\t`)
		case '\r':
			w.WriteString(`\r`)
		default:
			unicodeEscape(w, rune(c))
		}
		i++
		start = i
	}
	w.WriteString(s[start:])
}

// awkward characters are read as line ends or refused by some reader.
func awkward(r rune, size int) bool {
	return r == utf8.RuneError && size == 1 || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff
}

// unicodeEscape writes \u and four hexadecimal digits. Everything that is
// escaped lies in the basic plane.
func unicodeEscape(w *bufio.Writer, r rune) {
	w.WriteString(`\u`)
	for shift := 12; shift >= 0; shift -= 4 {
		w.WriteByte(hexDigits[r>>shift&0xf])
	}
}
