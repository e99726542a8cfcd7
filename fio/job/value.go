package job

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a size option: bytes, or a share of a file or device.
type Size struct {
	Bytes   int64
	Percent int // 1 to 100 when the size is a share, else 0: 0% is 0 bytes
	Zones   int64
}

// Known tells whether the size can be told without looking at the device.
func (s Size) Known() bool { return s.Percent == 0 && s.Zones == 0 }

var errNumber = errors.New("not a number")

// ParseSize reads a size as fio does. With a kbBase of 1024, fio's default, k,
// kb, m, mb and so on are powers of 1024 and kib, mib powers of 1000: fio keeps
// the old meaning of its units and gives the standard ones the other. With
// 1000 all of them have their standard meaning. Of a list or range, which fio
// takes for every size and of which the last part counts, nothing is read.
func ParseSize(s string, kbBase int64) (Size, error) {
	n, rest, err := leadingInt(s)
	if err != nil {
		return Size{}, fmt.Errorf("size %q: %w", s, err)
	}
	rest = strings.ToLower(rest)
	switch {
	case rest == "%":
		if n < 0 || n > 100 {
			return Size{}, fmt.Errorf("size %q: percentage outside 0 to 100", s)
		}
		return Size{Percent: int(n)}, nil
	case rest == "z":
		return Size{Zones: n}, nil
	}
	mult, err := unit(rest, kbBase)
	if err != nil {
		return Size{}, fmt.Errorf("size %q: %w", s, err)
	}
	if n != 0 && (mult > math.MaxInt64/abs(n)) {
		return Size{}, fmt.Errorf("size %q: too large", s)
	}
	return Size{Bytes: n * mult}, nil
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// unit is the factor of a unit. Only the spellings that every fio reads the
// same way are taken: fio itself looks at the first letters and ignores the
// rest, so that 4kx is 4k.
func unit(u string, kbBase int64) (int64, error) {
	if u == "" || u == "b" {
		return 1, nil
	}
	power := strings.IndexByte("kmgtp", u[0]) + 1
	base := kbBase
	switch {
	case power == 0:
		return 0, fmt.Errorf("unknown unit %q", u)
	case u[1:] == "" || u[1:] == "b":
	case u[1:] == "ib":
		base = 2024 - kbBase // 1000 for 1024 and the other way round
	default:
		return 0, fmt.Errorf("unknown unit %q", u)
	}
	factor := int64(1)
	for range power {
		factor *= base
	}
	return factor, nil
}

// leadingInt reads the number at the front, decimal or 0x, with a sign.
func leadingInt(s string) (n int64, rest string, err error) {
	i := 0
	for i < len(s) && (s[i] == '+' || s[i] == '-') && i < 1 {
		i++
	}
	if len(s) > i+2 && s[i] == '0' && (s[i+1] == 'x' || s[i+1] == 'X') {
		n, err = strconv.ParseInt(strings.Replace(strings.ToLower(s), "0x", "", 1), 16, 64)
		if err != nil {
			return 0, "", errNumber
		}
		return n, "", nil
	}
	digits := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == digits {
		return 0, "", errNumber
	}
	if n, err = strconv.ParseInt(s[:i], 10, 64); err != nil || n == math.MinInt64 {
		return 0, "", errors.New("number too large")
	}
	return n, s[i:], nil
}

// ParseTime reads a time as fio does; plain numbers count in the given unit
// (time.Second for runtime, ramp_time and startdelay, time.Microsecond for
// latencies). fio takes one number with one unit: it reads 1m30s as one
// microsecond, which is an error here.
func ParseTime(s string, plain time.Duration) (time.Duration, error) {
	n, rest, err := leadingInt(s)
	if err != nil {
		return 0, fmt.Errorf("time %q: %w", s, err)
	}
	mult := plain
	switch strings.ToLower(rest) {
	case "":
	case "us", "usec":
		mult = time.Microsecond
	case "ms", "msec":
		mult = time.Millisecond
	case "s":
		mult = time.Second
	case "m":
		mult = time.Minute
	case "h":
		mult = time.Hour
	case "d":
		mult = 24 * time.Hour
	default:
		return 0, fmt.Errorf("time %q: unknown unit %q; fio takes one of us, ms, s, m, h, d", s, rest)
	}
	if n < 0 || int64(mult) > math.MaxInt64/max(n, 1) {
		return 0, fmt.Errorf("time %q: out of range", s)
	}
	return time.Duration(n) * mult, nil
}

// Bytes formats a size the way a job file reads it back exactly, with the
// largest unit of 1024 that divides it.
func Bytes(n int64) string {
	units := []string{"", "k", "m", "g", "t", "p"}
	i := 0
	for n != 0 && n%1024 == 0 && i < len(units)-1 {
		n /= 1024
		i++
	}
	return strconv.FormatInt(n, 10) + units[i]
}
