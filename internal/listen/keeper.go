package listen

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is the shortest pause between two looks at a certificate's files.
const lookEvery = time.Second

// keeper holds a certificate and reads it again when its files change.
type keeper struct {
	files TLS
	log   *slog.Logger

	mu     sync.Mutex
	cert   *tls.Certificate
	seen   [2]stamp // of the files when they were last read
	looked time.Time
}

// stamp says whether a file is still the one that was read.
type stamp struct {
	changed time.Time
	size    int64
}

func newKeeper(files TLS, log *slog.Logger) (*keeper, error) {
	if err := files.Validate(); err != nil {
		return nil, err
	}
	k := &keeper{files: files, log: log, looked: time.Now()}
	seen, err := k.stamps()
	if err != nil {
		return nil, err
	}
	cert, err := files.load()
	if err != nil {
		return nil, err
	}
	k.cert, k.seen = cert, seen
	return k, nil
}

// load reads the pair.
func (t TLS) load() (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate %s with key %s: %w", t.CertFile, t.KeyFile, err)
	}
	return &cert, nil
}

func (k *keeper) stamps() (s [2]stamp, err error) {
	for i, file := range []string{k.files.CertFile, k.files.KeyFile} {
		info, err := os.Stat(file)
		if err != nil {
			return s, fmt.Errorf("read certificate: %w", err)
		}
		s[i] = stamp{info.ModTime(), info.Size()}
	}
	return s, nil
}

// get is tls.Config.GetCertificate.
func (k *keeper) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.looked) < lookEvery {
		return k.cert, nil
	}
	k.looked = time.Now()
	seen, err := k.stamps()
	if err == nil && seen == k.seen {
		return k.cert, nil
	}
	var cert *tls.Certificate
	if err == nil {
		cert, err = k.files.load()
	}
	if err != nil {
		k.log.Warn("certificate changed and cannot be read: the last one is kept", "file", k.files.CertFile, "error", err)
		return k.cert, nil
	}
	k.cert, k.seen = cert, seen
	k.log.Info("certificate read again", "file", k.files.CertFile)
	return k.cert, nil
}
