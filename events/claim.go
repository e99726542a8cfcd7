package events

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// ClaimCheck points at an object in the store. Whoever opens it verifies that
// the content has this hash.
type ClaimCheck struct {
	// Bucket of the object store.
	Bucket string `json:"bucket"`
	// Key of the object, derived from ids.
	Key string `json:"key"`
	// SHA256 of the stored bytes, 64 hexadecimal digits.
	SHA256 string `json:"sha256" jsonschema:"pattern=^[0-9a-f]{64}$"`
	// Size in bytes, as stored.
	Size int64 `json:"size" jsonschema:"minimum=0"`
	// MediaType of the stored bytes (RFC 6838).
	MediaType string `json:"media_type"`
}

// Artifact is a claim check with the name people know it by.
type Artifact struct {
	// Name within its set, such as fio.json, logs/randread_bw.1.log or hosts.yaml.
	Name string `json:"name"`
	ClaimCheck
}

// Duration is a time.Duration, written as Go writes it: 90s, 1h30m.
type Duration time.Duration

// MarshalText writes the duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a duration with its unit.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 90s or 1h30m", text)
	}
	*d = Duration(v)
	return nil
}

// Std is the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// IsZero tells whether the duration is unset, for omitzero.
func (d Duration) IsZero() bool { return d == 0 }

// Bytes is a number of bytes, written with a unit (1GiB, 512MB) or as a plain
// number.
type Bytes uint64

// MarshalText writes the size with the largest binary unit that divides it.
func (b Bytes) MarshalText() ([]byte, error) {
	n, units := uint64(b), []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for i < len(units)-1 && n >= 1024 && n%1024 == 0 {
		n, i = n/1024, i+1
	}
	return fmt.Appendf(nil, "%d%s", n, units[i]), nil
}

// Text is the size as MarshalText writes it, for messages.
func (b Bytes) Text() string {
	text, _ := b.MarshalText() // never fails
	return string(text)
}

// UnmarshalText reads a size: 1GiB is 2^30 bytes, 1GB is 10^9.
func (b *Bytes) UnmarshalText(text []byte) error {
	v, err := humanize.ParseBytes(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a size such as 512MiB or 1GB", text)
	}
	*b = Bytes(v)
	return nil
}

// UnmarshalJSON accepts a bare number as well as text with a unit.
func (b *Bytes) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] != '"' {
		return b.UnmarshalText(raw)
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	return b.UnmarshalText([]byte(s))
}

// Scalar is a value of a fio option in a matrix. JSON numbers and booleans are
// taken as they are written.
type Scalar string

// UnmarshalJSON accepts a JSON string, number or boolean.
func (s *Scalar) UnmarshalJSON(raw []byte) error {
	switch {
	case len(raw) > 0 && raw[0] == '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		*s = Scalar(text)
	case len(raw) > 0 && strings.ContainsRune("-0123456789tf", rune(raw[0])):
		*s = Scalar(raw)
	default:
		return fmt.Errorf("%s is not a string, number or boolean", raw)
	}
	return nil
}
