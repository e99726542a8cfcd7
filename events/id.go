package events

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"
)

// idEncoding keeps ids legal as NATS tokens, S3 keys, DNS labels and Docker
// labels, and readable aloud: lower-case letters and 2-7.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// IDLength is the length of an id: 16 bytes in base 32.
const IDLength = 26

// HashID derives an id from parts. Each part is hashed with its length, so
// that ("ab","c") and ("a","bc") differ.
func HashID(parts ...string) string {
	buf := make([]byte, 0, 256)
	for _, p := range parts {
		buf = strconv.AppendInt(buf, int64(len(p)), 10)
		buf = append(buf, ':')
		buf = append(buf, p...)
	}
	sum := sha256.Sum256(buf)
	return idEncoding.EncodeToString(sum[:16])
}

// BenchID is the id of the bench that an event of type bench.requested asks
// for. It is derived and never sent, so that nobody can claim another's.
func BenchID(e Event) string { return HashID("bench", e.Source, e.ID) }

// RunID is the id of one fio invocation: one repeat of one point of the matrix
// on one slot. The point is its canonical form, [Point.Key].
func RunID(bench string, slot int, point string, repeat int) string {
	return HashID("run", bench, fmt.Sprint(slot), point, fmt.Sprint(repeat))
}

// PushID is the id of a push as one delivery reported it. A ref may return to an
// earlier state, so the transition alone does not identify a push: the delivery
// does, which the forge names the same when it repeats it. An empty delivery
// leaves the transition alone. Several deliveries of one push are joined by
// whoever reacts to them.
func PushID(forge, repo, ref, before, after, delivery string) string {
	parts := []string{"push", forge, strings.ToLower(repo), ref, before, after}
	if delivery != "" {
		parts = append(parts, delivery)
	}
	return HashID(parts...)
}

// Token makes a name usable as one token of a NATS subject. Letters, digits
// and hyphens stay, every other byte becomes _xx in hexadecimal: readable, and
// no two names share a token.
func Token(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "_%02x", c)
	}
	return b.String()
}

// IsID tells whether s has the form of an id.
func IsID(s string) bool {
	if len(s) != IDLength {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}
