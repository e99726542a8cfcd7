package artifacts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/fiord-bench/fiord/events"
	"github.com/minio/minio-go/v7"
)

// Open streams the content of a claim check. The reader counts and hashes: if
// the whole is not exactly what the claim check says, its last Read returns
// [ErrCorrupt] instead of io.EOF. What was read before that must be thrown
// away. A connection lost on the way is taken up again where it broke.
//
// The caller closes the reader. ctx governs the reads as well.
func (s *Store) Open(ctx context.Context, claim events.ClaimCheck) (io.ReadCloser, error) {
	if err := s.validateClaim(claim); err != nil {
		return nil, err
	}
	r := &verifier{ctx: ctx, store: s, claim: claim, hash: sha256.New()}
	err := s.retry(ctx, "open", claim.Key, func(context.Context) error { return r.connect() })
	if err != nil {
		return nil, err
	}
	return r, nil
}

// ReadAll returns a whole, verified content of at most limit bytes. A larger
// claim is [ErrTooLarge] and nothing is read.
func (s *Store) ReadAll(ctx context.Context, claim events.ClaimCheck, limit int64) ([]byte, error) {
	if claim.Size > limit {
		return nil, fmt.Errorf("read %s: %w: %d bytes, at most %d wanted", claim.Key, ErrTooLarge, claim.Size, limit)
	}
	r, err := s.Open(ctx, claim)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	// The claim's size is what somebody else wrote: it reserves memory only
	// because limit bounds it.
	buf := bytes.NewBuffer(make([]byte, 0, claim.Size+bytes.MinRead))
	if _, err := buf.ReadFrom(r); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// verify reads a content to its end and throws it away.
func (s *Store) verify(ctx context.Context, claim events.ClaimCheck) error {
	r, err := s.Open(ctx, claim)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

func (s *Store) validateClaim(c events.ClaimCheck) error {
	if err := ValidateKey(c.Key); err != nil {
		return err
	}
	sum, err := hex.DecodeString(c.SHA256)
	switch {
	case c.Bucket != s.cfg.Bucket:
		return fmt.Errorf("%w: claim check for bucket %q, this store is %q", ErrInvalid, c.Bucket, s.cfg.Bucket)
	case err != nil || len(sum) != sha256.Size:
		return fmt.Errorf("%w: claim check for %s: sha256 %q is not 64 hexadecimal digits", ErrInvalid, c.Key, c.SHA256)
	case c.Size < 0:
		return fmt.Errorf("%w: claim check for %s: negative size", ErrInvalid, c.Key)
	}
	return nil
}

// verifier is the reader that Open returns.
type verifier struct {
	ctx    context.Context // of the Open call: reads are part of it
	store  *Store
	claim  events.ClaimCheck
	hash   hash.Hash
	body   io.ReadCloser
	offset int64
	resets int   // connections lost since the last progress
	end    error // what every further Read returns
}

// connect asks for the content from offset on.
func (v *verifier) connect() error {
	var opts minio.GetObjectOptions
	if v.offset > 0 {
		if err := opts.SetRange(v.offset, 0); err != nil {
			return err
		}
	}
	body, info, _, err := v.store.api.GetObject(v.ctx, v.claim.Bucket, v.claim.Key, opts)
	if err != nil {
		return err
	}
	if info.Size != v.claim.Size-v.offset {
		_ = body.Close()
		return fmt.Errorf("%w: %d bytes in the store, %d in the claim check", ErrCorrupt, v.offset+info.Size, v.claim.Size)
	}
	v.body = body
	return nil
}

// Read implements [io.Reader].
func (v *verifier) Read(p []byte) (int, error) {
	if v.end != nil {
		return 0, v.end
	}
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, err := v.body.Read(p)
		if n > 0 {
			v.resets = 0
			v.hash.Write(p[:n])
			v.offset += int64(n)
		}
		switch {
		case v.offset > v.claim.Size:
			v.end = fmt.Errorf("read %s: %w: more than %d bytes", v.claim.Key, ErrCorrupt, v.claim.Size)
		case err == io.EOF && v.offset == v.claim.Size:
			v.end = v.verdict()
		case err != nil:
			v.end = v.resume(err)
		}
		if n > 0 || v.end != nil {
			return n, onlyAtEnd(n, v.end)
		}
	}
}

// onlyAtEnd holds an error back while there are bytes to hand over.
func onlyAtEnd(n int, err error) error {
	if n > 0 {
		return nil
	}
	return err
}

// resume reconnects after a read error; a clean end before the last byte is one.
func (v *verifier) resume(cause error) error {
	if errors.Is(cause, io.EOF) {
		cause = io.ErrUnexpectedEOF
	}
	_ = v.body.Close()
	for v.resets < v.store.cfg.Attempts-1 && v.ctx.Err() == nil {
		v.resets++
		if !pause(v.ctx, v.store.cfg.Backoff, v.resets) {
			break
		}
		err := v.connect()
		if err == nil {
			return nil
		}
		if cause = err; !errors.Is(classOf(err), ErrUnavailable) {
			break
		}
	}
	return opError("read", v.claim.Key, cause)
}

func (v *verifier) verdict() error {
	if got := hex.EncodeToString(v.hash.Sum(nil)); got != v.claim.SHA256 {
		return fmt.Errorf("read %s: %w: sha256 is %s, claim check says %s", v.claim.Key, ErrCorrupt, got, v.claim.SHA256)
	}
	return io.EOF
}

// Close implements [io.Closer]. Closing before the end verifies nothing.
func (v *verifier) Close() error {
	if v.end == nil {
		v.end = errors.New("artifact reader closed")
	}
	return v.body.Close()
}
