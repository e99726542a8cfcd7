package inventory

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/netip"
	"os"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// spool is a temporary file whose hash is known when it is written.
type spool struct {
	file *os.File
	hash hash.Hash
}

// newSpool makes a temporary file.
func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "fiord-inventory-*")
	if err != nil {
		return nil, fmt.Errorf("make temporary file: %w", err)
	}
	return &spool{file: f, hash: sha256.New()}, nil
}

// Write writes to the file and the hash.
func (s *spool) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.hash.Write(p[:n])
	return n, err
}

func (s *spool) sum() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// remove closes the file and deletes it. There is nothing to do if that fails:
// the system's temporary folder is cleared by the system.
func (s *spool) remove() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}

// addressesOf sorts what a worker announces into the kinds of addresses, the
// first of each kind.
func addressesOf(list []string) (a instance.Addresses) {
	for _, text := range list {
		ip, err := netip.ParseAddr(text)
		switch {
		case err != nil:
			setOnce(&a.PrivateDNS, text)
		case ip.IsLoopback() || ip.IsLinkLocalUnicast():
		case ip.Is6() && !ip.Is4In6():
			setOnce(&a.IPv6, text)
		case ip.IsPrivate():
			setOnce(&a.PrivateIPv4, text)
		default:
			setOnce(&a.PublicIPv4, text)
		}
	}
	return a
}

func setOnce(field *string, value string) {
	if *field == "" {
		*field = value
	}
}
