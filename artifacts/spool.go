package artifacts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// spoolMemory is how much of a content is kept in memory before a file takes it.
const spoolMemory = 256 << 10

// spool holds a content of unknown length until it is stored: its length and
// hash must be known before the first byte is sent, and a retry reads it again.
type spool struct {
	content io.ReaderAt
	size    int64
	sum     [sha256.Size]byte
	file    *os.File // nil while the content fits into memory
}

// newSpool reads r to its end. A file is unlinked as soon as it is open, so
// that a crash leaves nothing behind.
func newSpool(dir string, r io.Reader) (*spool, error) {
	hash := sha256.New()
	r = io.TeeReader(r, hash)
	var head bytes.Buffer
	n, err := io.CopyN(&head, r, spoolMemory+1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read content: %w", err)
	}
	s := &spool{content: bytes.NewReader(head.Bytes()), size: n}
	if n > spoolMemory {
		if err := s.spill(dir, &head, r); err != nil {
			s.close()
			return nil, err
		}
	}
	hash.Sum(s.sum[:0])
	return s, nil
}

func (s *spool) spill(dir string, head *bytes.Buffer, rest io.Reader) error {
	f, err := os.CreateTemp(dir, "fiord-spool-*")
	if err != nil {
		return fmt.Errorf("spool content: %w", err)
	}
	s.file, s.content = f, f
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("spool content: %w", err)
	}
	if _, err := head.WriteTo(f); err != nil {
		return fmt.Errorf("spool content: %w", err)
	}
	n, err := io.Copy(f, rest)
	if err != nil {
		return fmt.Errorf("read content: %w", err)
	}
	s.size += n
	return nil
}

// reader starts at the beginning, each time.
func (s *spool) reader() *io.SectionReader { return io.NewSectionReader(s.content, 0, s.size) }

func (s *spool) sumHex() string { return hex.EncodeToString(s.sum[:]) }

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close() // unlinked and only read: nothing can be lost
	}
}
