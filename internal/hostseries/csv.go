package hostseries

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bounds of what is read. A writer stays far below them.
const (
	// MaxBytes of a file.
	MaxBytes = 16 << 20
	// MaxDevices of a series.
	MaxDevices = 32
	maxTime    = 400 * 24 * time.Hour
	maxValue   = 1e18
)

var (
	hostColumns = []string{
		"start_ms", "interval_ms", "cpu_user", "cpu_system", "cpu_iowait", "cpu_steal", "cpu_idle",
		"memory_bytes", "freq_min_mhz", "freq_mean_mhz", "throttles",
	}
	deviceColumns = []string{"read_iops", "write_iops", "read_bytes", "write_bytes", "in_flight", "busy"}
)

// Errors of Read.
var (
	// ErrFormat says that a file is no activity.csv, and where that shows.
	ErrFormat = errors.New("not an activity.csv")
	// ErrTooLarge says that a file is beyond MaxBytes, MaxRows or MaxDevices.
	ErrTooLarge = errors.New("activity.csv is too large")
)

// header is the first row.
func header(devices []string) []string {
	out := append([]string(nil), hostColumns...)
	for _, d := range devices {
		for _, c := range deviceColumns {
			out = append(out, d+":"+c)
		}
	}
	return out
}

// Write writes a series.
func Write(w io.Writer, s Series) error {
	out := csv.NewWriter(w)
	if err := out.Write(header(s.Devices)); err != nil {
		return fmt.Errorf("write activity: %w", err)
	}
	var row []string
	for _, one := range s.Samples {
		if len(one.Devices) != len(s.Devices) {
			return fmt.Errorf("write activity: %d devices in a row of %d", len(one.Devices), len(s.Devices))
		}
		row = append(row[:0], strconv.FormatInt(one.Start.Milliseconds(), 10), strconv.FormatInt(one.Span.Milliseconds(), 10))
		for _, v := range one.cells() {
			row = append(row, number(*v))
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("write activity: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write activity: %w", err)
	}
	return nil
}

// number writes a value with two decimals at most; unknown ones are empty.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// Read reads a file. Errors wrap ErrFormat, with the line, or ErrTooLarge, or
// are those of r.
func Read(r io.Reader) (Series, error) {
	limited := &io.LimitedReader{R: r, N: MaxBytes + 1}
	rows := csv.NewReader(bufio.NewReader(limited))
	rows.ReuseRecord = true
	first, err := rows.Read()
	if err != nil {
		return Series{}, unreadable(limited, err)
	}
	s := Series{}
	if s.Devices, err = devicesOf(first); err != nil {
		return Series{}, err
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) && limited.N > 0 {
			return s, nil
		}
		if err != nil {
			return Series{}, unreadable(limited, err)
		}
		if len(s.Samples) >= MaxRows {
			return Series{}, fmt.Errorf("%w: more than %d rows", ErrTooLarge, MaxRows)
		}
		line, _ := rows.FieldPos(0)
		one, err := s.parse(row)
		if err != nil {
			return Series{}, fmt.Errorf("%w: line %d: %w", ErrFormat, line, err)
		}
		s.Samples = append(s.Samples, one)
	}
}

// unreadable says what an error of the CSV reader means.
func unreadable(limited *io.LimitedReader, err error) error {
	var syntax *csv.ParseError
	switch {
	case limited.N <= 0:
		return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, MaxBytes)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: it is empty", ErrFormat)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return fmt.Errorf("read activity: %w", err)
}

// devicesOf reads the header.
func devicesOf(row []string) ([]string, error) {
	own := len(row) - len(hostColumns)
	if own < 0 || own%len(deviceColumns) != 0 {
		return nil, fmt.Errorf("%w: line 1: %d columns", ErrFormat, len(row))
	}
	if own/len(deviceColumns) > MaxDevices {
		return nil, fmt.Errorf("%w: more than %d devices", ErrTooLarge, MaxDevices)
	}
	var devices []string
	for i := len(hostColumns); i < len(row); i += len(deviceColumns) {
		name, _, _ := strings.Cut(row[i], ":")
		if name == "" {
			return nil, fmt.Errorf("%w: line 1: column %d names no device", ErrFormat, i+1)
		}
		devices = append(devices, strings.Clone(name))
	}
	for i, want := range header(devices) {
		if row[i] != want {
			return nil, fmt.Errorf("%w: line 1: column %d is %q, not %q", ErrFormat, i+1, clip(row[i]), want)
		}
	}
	return devices, nil
}

// parse reads a row that follows those of s.
func (s *Series) parse(row []string) (Sample, error) {
	one := Sample{Devices: make([]Device, len(s.Devices))}
	var err error
	if one.Start, err = millis(row[0]); err != nil {
		return one, err
	}
	if one.Span, err = millis(row[1]); err != nil {
		return one, err
	}
	if n := len(s.Samples); one.Span == 0 || n > 0 && one.Start < s.Samples[n-1].End() {
		return one, errors.New("intervals are not in order")
	}
	for i, cell := range one.cells() {
		if *cell, err = value(row[i+2]); err != nil {
			return one, err
		}
	}
	return one, nil
}

func millis(text string) (time.Duration, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > maxTime.Milliseconds() {
		return 0, fmt.Errorf("%q are no milliseconds", clip(text))
	}
	return time.Duration(n) * time.Millisecond, nil
}

func value(text string) (float64, error) {
	if text == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v <= maxValue) { // NaN too
		return 0, fmt.Errorf("%q is no value", clip(text))
	}
	return v, nil
}

// clip bounds what an error quotes.
func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
