package embedded

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/versity/versitygw/iamapi"
)

// certificate is what the gateway is given, which knows no other way to a new
// certificate than being handed its files again.
type certificate struct {
	certFile, keyFile string
	storage           *iamapi.CertStorage
	log               *slog.Logger
	stop              chan struct{}
	ended             sync.WaitGroup
}

// certificatePause is the pause between two looks at the certificate's files.
const certificatePause = time.Second

// openCertificate reads the certificate and looks after it until close; nil where
// no TLS is wanted.
func openCertificate(o Options) (*certificate, error) {
	if o.CertFile == "" {
		return nil, nil
	}
	c := &certificate{certFile: o.CertFile, keyFile: o.KeyFile, storage: iamapi.NewCertStorage(), log: o.Log, stop: make(chan struct{})}
	changed := c.changed()
	if err := c.storage.SetCertificate(c.certFile, c.keyFile); err != nil {
		return nil, fmt.Errorf("read certificate %s: %w", c.certFile, err)
	}
	c.ended.Go(func() { c.watch(changed) })
	return c, nil
}

// watch reads the files again when they changed since.
func (c *certificate) watch(since time.Time) {
	tick := time.NewTicker(certificatePause)
	defer tick.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-tick.C:
		}
		changed := c.changed()
		if changed.IsZero() || changed.Equal(since) {
			continue
		}
		if err := c.storage.SetCertificate(c.certFile, c.keyFile); err != nil {
			c.log.Warn("certificate of S3 changed and cannot be read: the last one is kept", "error", err)
			continue
		}
		since = changed
	}
}

// changed is when the younger of the two files was; zero if one is missing.
func (c *certificate) changed() time.Time {
	var last time.Time
	for _, file := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(file)
		if err != nil {
			return time.Time{}
		}
		if info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

func (c *certificate) close() {
	if c != nil {
		close(c.stop)
		c.ended.Wait()
	}
}

// reached is the address by which this machine reaches the server: one that listens
// everywhere has no name in its certificate for that.
func (s *Server) reached() string {
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return s.addr
	}
	switch ip := net.ParseIP(host); {
	case host == "" || ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		return net.JoinHostPort("127.0.0.1", port)
	case ip != nil && ip.IsUnspecified():
		return net.JoinHostPort("::1", port)
	}
	return s.addr
}
