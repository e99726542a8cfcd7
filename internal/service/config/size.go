package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as 64KiB, 1.5GB or 4096.
type Size int64

// Common sizes, for defaults.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
	TiB Size = 1 << 40
)

// sizeUnits from the largest down; String takes the first that divides.
var sizeUnits = []struct {
	name  string
	bytes Size
}{
	{"TiB", TiB}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3},
}

// ParseSize reads a Size. Units are KB, MB, GB, TB (powers of 1000) and KiB,
// MiB, GiB, TiB (powers of 1024), in any case; none, or B, means bytes.
func ParseSize(text string) (Size, error) {
	number, unit := splitUnit(strings.TrimSpace(text))
	factor, err := unitBytes(unit)
	if err != nil {
		return 0, fmt.Errorf("size %q: %w", text, err)
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if n < 0 || n > math.MaxInt64/int64(factor) {
			return 0, fmt.Errorf("size %q: out of range", text)
		}
		return Size(n) * factor, nil
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(n) {
		return 0, fmt.Errorf("size %q: want a number and a unit, as in 64KiB or 1.5GB", text)
	}
	bytes := n * float64(factor)
	if bytes < 0 || bytes >= math.MaxInt64 {
		return 0, fmt.Errorf("size %q: out of range", text)
	}
	return Size(bytes), nil
}

// String writes s exactly, in the largest unit that divides it.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Size) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSize(string(text))
	return err
}

// MarshalText implements [encoding.TextMarshaler].
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func splitUnit(text string) (number, unit string) {
	i := strings.LastIndexAny(text, "0123456789.") + 1
	return text[:i], strings.TrimSpace(text[i:])
}

func unitBytes(unit string) (Size, error) {
	if unit == "" || strings.EqualFold(unit, "b") {
		return 1, nil
	}
	for _, u := range sizeUnits {
		if strings.EqualFold(unit, u.name) {
			return u.bytes, nil
		}
	}
	return 0, fmt.Errorf("unknown unit %q: want B, KB, MB, GB, TB, KiB, MiB, GiB or TiB", unit)
}
