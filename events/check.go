package events

import (
	"fmt"
	"net/url"
	"time"
	"unicode/utf8"
)

// check collects what is wrong with a payload. Paths are JSON paths within data.
type check struct {
	typ    Type
	fields []FieldError
}

func checking(t Type) *check { return &check{typ: t} }

func (c *check) err() error {
	if len(c.fields) == 0 {
		return nil
	}
	return &Invalid{Type: c.typ, Fields: c.fields}
}

func (c *check) fail(field, format string, args ...any) {
	c.fields = append(c.fields, FieldError{Field: field, Problem: fmt.Sprintf(format, args...)})
}

func (c *check) that(ok bool, field, format string, args ...any) {
	if !ok {
		c.fail(field, format, args...)
	}
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// text wants a non-empty UTF-8 string of at most limit bytes.
func (c *check) text(field, value string, limit int) {
	c.that(value != "", field, "is missing")
	c.optional(field, value, limit)
}

func (c *check) optional(field, value string, limit int) {
	if len(value) > limit {
		c.fail(field, "has %d bytes, at most %d are allowed", len(value), limit)
	}
	c.that(utf8.ValidString(value), field, "is not valid UTF-8")
}

func (c *check) id(field, value string) {
	c.that(value != "", field, "is missing")
	if value != "" && !IsID(value) {
		c.fail(field, "is %.40q, not an id of %d letters a-z and digits 2-7", value, IDLength)
	}
}

// optionalID wants an id or nothing.
func (c *check) optionalID(field, value string) {
	if value != "" {
		c.id(field, value)
	}
}

func (c *check) time(field string, value time.Time) {
	c.that(!value.IsZero(), field, "is missing")
}

func (c *check) atLeast(field string, value, least int) {
	if value < least {
		c.fail(field, "is %d, must be at least %d", value, least)
	}
}

func (c *check) claim(field string, cc *ClaimCheck) {
	if cc == nil {
		c.fail(field, "is missing")
		return
	}
	before := len(c.fields)
	c.text("bucket", cc.Bucket, 63)
	c.text("key", cc.Key, 1024)
	c.that(len(cc.SHA256) == 64 && isHex(cc.SHA256), "sha256", "is not 64 lower-case hexadecimal digits")
	c.that(cc.Size >= 0, "size", "is %d, must not be negative", cc.Size)
	c.text("media_type", cc.MediaType, 127)
	for i := before; i < len(c.fields); i++ {
		c.fields[i].Field = field + "." + c.fields[i].Field
	}
}

func (c *check) claims(field string, list []Artifact, most int) {
	c.count(field, len(list), most)
	for i := range list {
		if list[i].sound() {
			continue
		}
		at := fmt.Sprintf("%s[%d]", field, i)
		c.text(at+".name", list[i].Name, 200)
		c.claim(at, &list[i].ClaimCheck)
	}
}

// sound is what claims checks, without building the paths that only an error
// needs: nearly every artifact is.
func (a *Artifact) sound() bool {
	var c check
	c.text("", a.Name, 200)
	c.claim("", &a.ClaimCheck)
	return len(c.fields) == 0
}

func (c *check) count(field string, n, most int) {
	c.that(n <= most, field, "has %d entries, at most %d are allowed", n, most)
}

func (c *check) texts(field string, list []string, limit int) {
	for i, s := range list {
		c.text(fmt.Sprintf("%s[%d]", field, i), s, limit)
	}
}

func (c *check) url(field, value string, schemes ...string) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" && u.Scheme != "file" {
		c.fail(field, "is %.80q, not an absolute URL", shown(value))
		return
	}
	c.secretless(field, value)
	for _, s := range schemes {
		if u.Scheme == s {
			return
		}
	}
	c.fail(field, "has scheme %q, must be one of %v", u.Scheme, schemes)
}

// oneOf wants one of a closed set of words.
func oneOf[T ~string](c *check, field string, value T, words ...T) {
	for _, w := range words {
		if value == w {
			return
		}
	}
	if value == "" {
		c.fail(field, "is missing; it is one of %v", words)
		return
	}
	c.fail(field, "is %.40q, must be one of %v", string(value), words)
}
