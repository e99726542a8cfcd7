package up

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/authority"
	"github.com/fiord-bench/fiord/internal/listen"
)

// Authority is the folder of the authority that --tls makes in a data folder.
func Authority(dir string) string { return filepath.Join(dir, "tls") }

// secure gives a certificate of fiord's own authority to every address that has
// none. Without --tls it does nothing.
func (s *Stack) secure(context.Context) error {
	if !s.cfg.Servers.TLS {
		return nil
	}
	var err error
	if s.authority, err = authority.Open(Authority(s.dir)); err != nil {
		return err
	}
	if err := s.renew(); err != nil {
		return err
	}
	own := s.serverFiles()
	for _, a := range s.addresses() {
		if !a.tls.On() {
			*a.tls = own
		}
	}
	return nil
}

func (s *Stack) serverFiles() listen.TLS {
	dir := Authority(s.dir)
	return listen.TLS{CertFile: filepath.Join(dir, authority.ServerCert), KeyFile: filepath.Join(dir, authority.ServerKey)}
}

// address is one that this process serves on.
type address struct {
	setting, listen string
	tls             *listen.TLS
}

func (s *Stack) addresses() []address {
	c := &s.cfg
	return []address{
		{"up.nats.listen", c.Servers.NATS.Listen, &c.Servers.NATS.TLS}, {"up.s3.listen", c.Servers.S3.Listen, &c.Servers.S3.TLS},
		{"admin.listen", c.Common.Admin.Listen, &c.Common.Admin.TLS},
		{"ingest.listen", c.Ingest.Listen, &c.Ingest.TLS}, {"plot.listen", c.Plot.Listen, &c.Plot.TLS},
	}
}

// checkPlaintext refuses addresses of the servers that others would reach in the
// clear. The services check their own.
func (s *Stack) checkPlaintext(context.Context) error {
	for _, a := range s.addresses()[:2] {
		if len(s.cfg.Servers.Advertise) > 0 && listen.Loopback(a.listen) {
			s.log.Warn("others are pointed here, who cannot reach it: it listens on loopback", "setting", a.setting, "address", a.listen, "advertise", s.cfg.Servers.Advertise[0])
		}
		err := listen.Address{Setting: a.setting, Listen: a.listen, TLS: *a.tls, AllowPlaintext: s.cfg.Common.AllowPlaintext, Log: s.log}.Check()
		if err != nil {
			return err
		}
	}
	return nil
}

// renew makes the certificate of all addresses, unless it is good for a while.
func (s *Stack) renew() error {
	names, err := s.serverNames()
	if err != nil {
		return err
	}
	files := s.serverFiles()
	made, err := s.authority.Server(files.CertFile, files.KeyFile, names)
	if made {
		s.log.Info("certificate made", "file", files.CertFile, "names", names)
	}
	return err
}

// serverNames are all names by which clients reach this process: loopback, this
// machine, what is listened on, and what --advertise says.
func (s *Stack) serverNames() ([]string, error) {
	names := slices.Clone(s.cfg.Servers.Advertise)
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("find host name: %w", err)
	}
	names = append(names, host, "localhost", "127.0.0.1", "::1")
	for _, a := range s.addresses() {
		host, _, err := net.SplitHostPort(a.listen)
		if err != nil {
			continue // reported where it is listened on
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			names = append(names, interfaceAddresses()...)
			continue
		}
		names = append(names, host)
	}
	slices.Sort(names[len(s.cfg.Servers.Advertise):])
	return slices.Compact(names), nil
}

// interfaceAddresses are those of this machine that others may reach.
func interfaceAddresses() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var found []string
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			found = append(found, n.IP.String())
		}
	}
	return found
}

// renewPause is the pause between two looks at the certificate.
const renewPause = time.Hour

// watchCertificate renews the certificate in time, until ctx ends. Listeners read
// it again by themselves.
func (s *Stack) watchCertificate(ctx context.Context) {
	if s.authority == nil {
		return
	}
	tick := time.NewTicker(renewPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.renew(); err != nil {
			s.log.Error("certificate not renewed; trying again", "error", err)
		}
	}
}

// ca is the file of the authority by which this fiord's servers are trusted; ""
// for the system's.
func (s *Stack) ca() string {
	if s.authority != nil {
		return s.authority.CA()
	}
	return s.cfg.Servers.CAFile
}
