package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fiord-bench/fiord/events"
	"github.com/klauspost/compress/zstd"
)

// MediaZstd is the media type of what [Store.PutCompressed] stores. It names
// the stored bytes, which are what the claim check's hash and size describe;
// there is no Content-Encoding, because no two HTTP clients agree on who takes
// it off. What is inside follows from the key, as in "logs/read_bw.1.log.zst".
const MediaZstd = "application/zstd"

// SuffixZstd ends the keys of compressed objects.
const SuffixZstd = ".zst"

// decoderMemory bounds what one compressed stream may ask of its reader.
const decoderMemory = 64 << 20

// PutCompressed stores the content of r compressed, under a key that ends in
// [SuffixZstd]. The same content gives the same bytes, so that a repetition
// succeeds as it does with [Store.Put].
func (s *Store) PutCompressed(ctx context.Context, key string, r io.Reader) (events.ClaimCheck, error) {
	if len(key) <= len(SuffixZstd) || key[len(key)-len(SuffixZstd):] != SuffixZstd {
		return events.ClaimCheck{}, fmt.Errorf("%w: key %q of a compressed object must end in %s", ErrInvalid, key, SuffixZstd)
	}
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pw.CloseWithError(compress(pw, r))
	}()
	claim, err := s.Put(ctx, key, MediaZstd, pr)
	_ = pr.Close() // ends the compressor if Put gave up early
	<-done
	return claim, err
}

// compress works on one core: a single thread makes the output depend on
// nothing but the input.
func compress(w io.Writer, r io.Reader) error {
	enc, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return err
	}
	if _, err := enc.ReadFrom(r); err != nil {
		_ = enc.Close()
		return err
	}
	return enc.Close()
}

// OpenPlain is [Store.Open] for content as it was before PutCompressed; other
// media types pass through unchanged. The expanded stream ends in
// [ErrTooLarge] after limit bytes, however small its object was.
func (s *Store) OpenPlain(ctx context.Context, claim events.ClaimCheck, limit int64) (io.ReadCloser, error) {
	raw, err := s.Open(ctx, claim)
	if err != nil {
		return nil, err
	}
	if claim.MediaType != MediaZstd {
		return &limited{r: raw, left: limit, close: raw.Close, key: claim.Key}, nil
	}
	dec, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(decoderMemory))
	if err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("open %s: %w: %w", claim.Key, ErrCorrupt, err)
	}
	closeBoth := func() error {
		dec.Close()
		return raw.Close()
	}
	return &limited{r: &drain{dec: dec, raw: raw}, left: limit, close: closeBoth, key: claim.Key}, nil
}

// drain reads the source to its end once the decoder is content, because the
// verdict on the hash stands behind the last byte.
type drain struct {
	dec io.Reader
	raw io.Reader
}

func (d *drain) Read(p []byte) (int, error) {
	n, err := d.dec.Read(p)
	if errors.Is(err, io.EOF) {
		if _, rawErr := io.Copy(io.Discard, d.raw); rawErr != nil {
			err = rawErr
		}
	}
	return n, err
}

// limited fails, rather than ends, behind its limit.
type limited struct {
	r     io.Reader
	left  int64
	key   string
	close func() error
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1] // one more than allowed tells the end from the excess
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		return 0, fmt.Errorf("read %s: %w once expanded", l.key, ErrTooLarge)
	}
	return n, err
}

func (l *limited) Close() error { return l.close() }
