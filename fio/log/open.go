package log

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// DefaultMaxBytes is how much text a log may unpack to unless Config says
// otherwise.
const DefaultMaxBytes = 16 << 30

// ErrTooLarge means that a log unpacks to more than Config.MaxBytes.
var ErrTooLarge = errors.New("log is larger than allowed")

// Config says what is known of a log.
type Config struct {
	Version  *Version // of the fio that wrote it; nil when unknown
	Options  *Options // of its job; nil when unknown
	MaxBytes int64    // of text after decompression; DefaultMaxBytes when 0
}

// layout returns the layout that follows from the configuration, nil when it
// has to be guessed. Options alone do not decide, because a priority follows in
// some versions only.
func (c Config) layout() *Layout {
	if c.Version == nil {
		return nil
	}
	var o Options
	if c.Options == nil {
		if c.Version.AtLeast(3, 18) {
			return nil // an offset may be there or not
		}
	} else {
		o = *c.Options
	}
	l := LayoutOf(*c.Version, o)
	return &l
}

// Source yields the samples of a log, whatever its form.
type Source interface {
	// Read works like Reader.Read.
	Read(dst []Sample) (int, error)
	// Layout returns the columns in use, sure or guessed.
	Layout() Layout
	// Stats returns what was met so far.
	Stats() Stats
}

// Log is an open log. Close it when done.
type Log struct {
	Source
	close func() error
}

// Close releases what Open holds.
func (l *Log) Close() error { return l.close() }

// OpenFile opens a log file, text or compressed.
func OpenFile(path string, cfg Config) (*Log, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	l, err := Open(f, cfg)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open log %s: %w", path, err)
	}
	unpacked := l.close
	l.close = func() error { return errors.Join(unpacked(), f.Close()) }
	return l, nil
}

// Open reads a log from r, recognising gzip, zstd and fio's .fz by their first
// bytes. Closing the Log does not close r.
func Open(r io.Reader, cfg Config) (*Log, error) {
	u, err := unpack(r, cfg.MaxBytes)
	if err != nil {
		return nil, err
	}
	if u.samples {
		return &Log{Source: newBinary(u.r, cfg), close: u.close}, nil
	}
	return &Log{Source: NewReader(u.r, cfg.layout()), close: u.close}, nil
}

// unpacked is a stream without its compression.
type unpacked struct {
	r       io.Reader
	samples bool // fio's binary samples rather than text
	close   func() error
}

// unpack recognises and undoes the compression of a log.
func unpack(r io.Reader, maxBytes int64) (unpacked, error) {
	if maxBytes <= 0 {
		maxBytes = DefaultMaxBytes
	}
	in := bufio.NewReaderSize(r, 64<<10)
	magic, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return unpacked{}, fmt.Errorf("read log: %w", err)
	}
	u := unpacked{r: in, close: func() error { return nil }}
	switch {
	case len(magic) > 1 && magic[0] == 0x1f && magic[1] == 0x8b:
		z, err := gzip.NewReader(in)
		if err != nil {
			return unpacked{}, fmt.Errorf("read gzip: %w", err)
		}
		u.r, u.close = z, z.Close
	case string(magic) == "\x28\xb5\x2f\xfd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(64<<20))
		if err != nil {
			return unpacked{}, fmt.Errorf("read zstd: %w", err)
		}
		u.r, u.close = z, func() error { z.Close(); return nil }
	case len(magic) > 1 && magic[0] == 0x78 && (int(magic[0])<<8|int(magic[1]))%31 == 0:
		u.r, u.samples = &zlibStreams{in: in}, true
	}
	u.r = &capped{r: u.r, left: maxBytes, limit: maxBytes}
	return u, nil
}

// capped fails with ErrTooLarge where io.LimitReader would feign an end.
type capped struct {
	r           io.Reader
	left, limit int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left == 0 {
		var one [1]byte
		if n, err := io.ReadFull(c.r, one[:]); n == 0 {
			return 0, err
		}
		return 0, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, c.limit)
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}
