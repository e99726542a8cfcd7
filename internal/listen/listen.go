package listen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
)

// ErrPlaintext says that an address beyond loopback would be served in the clear.
var ErrPlaintext = errors.New("no TLS beyond loopback")

// TLS names the certificate that an address is served with.
type TLS struct {
	CertFile string `config:"cert_file" help:"PEM file of the server's certificate with its chain, read again when it changes; empty for no TLS"`
	KeyFile  string `config:"key_file" help:"PEM file of the certificate's key"`
}

// On says whether there is a certificate.
func (t TLS) On() bool { return t.CertFile != "" || t.KeyFile != "" }

// Validate reports half a pair. The certificate itself is read by [TLS.Server].
func (t TLS) Validate() error {
	if (t.CertFile == "") != (t.KeyFile == "") {
		return errors.New("tls.cert_file and tls.key_file belong together: set both or none")
	}
	return nil
}

// HTTP is the scheme of URLs: https or http.
func (t TLS) HTTP() string {
	if t.On() {
		return "https"
	}
	return "http"
}

// Server is how a server speaks TLS; nil without a certificate. Files that change
// are read again within a second; while they are unreadable the last pair is kept,
// and log says so.
func (t TLS) Server(log *slog.Logger) (*tls.Config, error) {
	if !t.On() {
		return nil, nil
	}
	kept, err := newKeeper(t, log)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: kept.get}, nil
}

// An Address is one to listen on.
type Address struct {
	// Setting that names it, for messages: plot.listen.
	Setting string
	// Listen is host:port; port 0 takes any free one.
	Listen string
	TLS    TLS
	// AllowPlaintext permits an address beyond loopback without TLS.
	AllowPlaintext bool
	Log            *slog.Logger
}

// Check refuses to be served in the clear beyond loopback, unless that was allowed:
// then it warns. The error wraps [ErrPlaintext], unless the address is none.
func (a Address) Check() error {
	if a.Listen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(a.Listen); err != nil {
		return fmt.Errorf("%s is %q: want host:port", a.Setting, a.Listen)
	}
	if a.TLS.On() || Loopback(a.Listen) {
		return nil
	}
	if !a.AllowPlaintext {
		prefix := strings.TrimSuffix(a.Setting, ".listen")
		return fmt.Errorf("%s is %s: %w: whoever is on the network between reads and changes what passes: "+
			"set %s.tls.cert_file and %s.tls.key_file (fiord up: --tls makes its own), or allow_plaintext (FIORD_ALLOW_PLAINTEXT=true) where the network is fiord's own",
			a.Setting, a.Listen, ErrPlaintext, prefix, prefix)
	}
	a.log().Warn("SERVED IN THE CLEAR: whoever is on the network reads and changes what passes", "setting", a.Setting, "address", a.Listen)
	return nil
}

func (a Address) log() *slog.Logger {
	if a.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return a.Log
}

// Open listens for HTTP. With a certificate the listener speaks TLS.
func (a Address) Open() (net.Listener, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	secure, err := a.TLS.Server(a.log())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Setting, err)
	}
	l, err := net.Listen("tcp", a.Listen)
	if err != nil || secure == nil {
		return l, err
	}
	secure.NextProtos = []string{"h2", "http/1.1"}
	return tls.NewListener(l, secure), nil
}

// Loopback says whether only this machine reaches an address, host:port or a host.
// A name other than localhost counts as reached by others.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// Reached replaces an unspecified host of an address (0.0.0.0, ::) by loopback:
// how a client on this machine reaches it.
func Reached(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	switch ip := net.ParseIP(host); {
	case host == "" || ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		return net.JoinHostPort("127.0.0.1", port)
	case ip != nil && ip.IsUnspecified():
		return net.JoinHostPort("::1", port)
	}
	return address
}
