package artifacts

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// newTransport makes the HTTP transport of one Store. Time limits are on
// progress, not on length: a transfer may take an hour, a silence may not.
func newTransport(cfg Config) (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: min(cfg.Stall, 10*time.Second), KeepAlive: 15 * time.Second}
	tr := &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &stallConn{Conn: c, limit: cfg.Stall}, nil
		},
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       30 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		ReadBufferSize:        64 << 10,
		WriteBufferSize:       64 << 10,
		DisableCompression:    true, // what is hashed is what was stored
	}
	if cfg.Secure {
		pool, err := authorities(cfg.CAFile)
		if err != nil {
			return nil, err
		}
		tr.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	}
	return tr, nil
}

// skewAllowed is how far clocks may differ before a refusal is put down to them.
// Stores accept 15 minutes at most.
const skewAllowed = 10 * time.Minute

// clockWatch reports a refusal by a store whose clock differs as that. The answer
// to a HEAD request has no body, so its code does not say so.
type clockWatch struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (w clockWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusForbidden {
		return resp, err
	}
	theirs, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return resp, nil
	}
	ours := time.Now()
	off := ours.Sub(theirs)
	if off.Abs() <= skewAllowed {
		return resp, nil
	}
	_ = resp.Body.Close() // an error page, whose reason is known
	return nil, fmt.Errorf("%w: this machine says %s, the store %s: synchronise the clocks", ErrSkewed,
		ours.UTC().Format(time.RFC3339), theirs.UTC().Format(time.RFC3339))
}

// authorities adds a file of certificates to the system's; nil means the
// system's alone.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pem, err := os.ReadFile(file) // #nosec G304 -- named by the operator
	if err != nil {
		return nil, fmt.Errorf("%w: read ca_file: %w", ErrInvalid, err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%w: ca_file %s holds no PEM certificate", ErrInvalid, file)
	}
	return pool, nil
}

// stallConn fails a read or a write that makes no progress for limit. The
// deadline is moved before each call, so it never ends a moving transfer.
type stallConn struct {
	net.Conn
	limit time.Duration
}

func (c *stallConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *stallConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
