package checkout

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

// remote is an address that was looked at and found harmless.
type remote struct {
	text   string // as git gets it
	scheme string // https, http, ssh or file
	url    *url.URL
	// addresses that the host was found to have when they were looked at.
	addresses []net.IP
}

// scp is git's short form for ssh: user@host:path.
var scp = regexp.MustCompile(`^([A-Za-z0-9._-]+)@([A-Za-z0-9][A-Za-z0-9.-]*):([^:].*)$`)

// parseRemote takes https, ssh, scp's form and, if allowed, http and local
// paths. Everything else that git understands (ext::, git://, helpers) is
// refused, and so is whatever could be read as an option.
func (c Config) parseRemote(address string) (remote, error) {
	if address == "" || strings.HasPrefix(address, "-") || strings.ContainsFunc(address, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return remote{}, fmt.Errorf("%w: %q is no address of a repository", ErrRefused, address)
	}
	if filepath.IsAbs(address) {
		return c.local(address)
	}
	if m := scp.FindStringSubmatch(address); m != nil {
		address = "ssh://" + m[1] + "@" + m[2] + "/" + strings.TrimPrefix(m[3], "/")
	}
	u, err := url.Parse(address)
	if err != nil {
		return remote{}, fmt.Errorf("%w: %q is no address of a repository", ErrRefused, address)
	}
	switch u.Scheme {
	case "file":
		return c.local(u.Path)
	case "https", "ssh":
	case "http":
		if !c.AllowHTTP {
			return remote{}, fmt.Errorf("%w: %s is not encrypted: use https or ssh, or allow http in the configuration of ingest", ErrRefused, u.Redacted())
		}
	default:
		return remote{}, fmt.Errorf("%w: %q is neither https nor ssh", ErrRefused, u.Redacted())
	}
	return c.network(u)
}

func (c Config) network(u *url.URL) (remote, error) {
	if _, has := u.User.Password(); has {
		return remote{}, fmt.Errorf("%w: the address of %s holds a password: set it in the credentials of ingest", ErrRefused, u.Host)
	}
	if u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-") || strings.HasPrefix(u.User.Username(), "-") {
		return remote{}, fmt.Errorf("%w: %q has no usable host", ErrRefused, u.Redacted())
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return remote{}, fmt.Errorf("%w: %q has more than host and path", ErrRefused, u.Redacted())
	}
	return remote{text: u.String(), scheme: u.Scheme, url: u}, nil
}

func (c Config) local(path string) (remote, error) {
	if !c.AllowLocal {
		return remote{}, fmt.Errorf("%w: %s is a path on this machine: allow local paths in the configuration of ingest to read them", ErrRefused, path)
	}
	path = filepath.Clean(path)
	return remote{text: "file://" + path, scheme: "file", url: &url.URL{Scheme: "file", Path: path}}, nil
}

// checkAddress refuses hosts that only lead to trouble: the link-local range,
// where clouds keep credentials, and, unless allowed, this machine. Private
// networks are where forges live and are fine. What was looked at is kept in the
// remote, so that nothing else is asked.
func (c Config) checkAddress(r *remote, resolve func(host string) ([]net.IP, error)) error {
	if r.scheme == "file" {
		return nil
	}
	ips, err := resolve(r.url.Hostname())
	if err != nil {
		return fmt.Errorf("%w: resolve %s: %v", ErrUnavailable, r.url.Hostname(), err)
	}
	for _, ip := range ips {
		if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
			return fmt.Errorf("%w: %s resolves to %s, where no forge can be", ErrRefused, r.url.Hostname(), ip)
		}
		if ip.IsLoopback() && !c.AllowLocal {
			return fmt.Errorf("%w: %s is this machine: allow local addresses in the configuration of ingest", ErrRefused, r.url.Hostname())
		}
	}
	r.addresses = ips
	return nil
}

// pin is git's setting, of libcurl's CURLOPT_RESOLVE, that keeps it to the
// addresses that were looked at: a name server that answers git's own question
// otherwise is not heard. Before git 2.37 it does nothing. Empty for ssh, which
// gives nothing to a host that has not the right key.
func (r remote) pin() string {
	host, port := r.url.Hostname(), r.url.Port()
	if len(r.addresses) == 0 || net.ParseIP(host) != nil || r.scheme != "https" && r.scheme != "http" {
		return ""
	}
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[r.scheme]
	}
	list := make([]string, len(r.addresses))
	for i, ip := range r.addresses {
		if list[i] = ip.String(); ip.To4() == nil {
			list[i] = "[" + list[i] + "]"
		}
	}
	return host + ":" + port + ":" + strings.Join(list, ",")
}

// under tells whether the remote is the prefix or lies below it.
func (r remote) under(prefix string) bool {
	p, err := url.Parse(prefix)
	if err != nil || p.Scheme != r.url.Scheme || !strings.EqualFold(p.Host, r.url.Host) {
		return false
	}
	dir := strings.TrimSuffix(p.Path, "/") + "/"
	return dir == "/" || strings.HasPrefix(r.url.Path+"/", dir)
}
