package listen

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Hosts are the names that a service may be asked by. An address in digits is
// always taken: a browser can be led to one by a name of an attacker's only, and
// then sends that name.
type Hosts struct {
	// Setting that takes further names, for the answer: plot.hosts.
	Setting string
	// Names that are taken besides loopback's; "*" for any. An entry that begins
	// with a dot takes every name below it.
	Names []string
}

// NewHosts takes names, the host of an address listened on, those of URLs, and this
// machine's own. Empty ones are left out.
func NewHosts(setting, address string, urls []string, names ...string) Hosts {
	h := Hosts{Setting: setting}
	if host, _, err := net.SplitHostPort(address); err == nil {
		names = append(names, host)
	}
	for _, text := range urls {
		if u, err := url.Parse(text); err == nil {
			names = append(names, u.Hostname())
		}
	}
	if own, err := os.Hostname(); err == nil {
		names = append(names, own)
	}
	for _, n := range names {
		if n = plain(n); n != "" {
			h.Names = append(h.Names, n)
		}
	}
	return h
}

// plain is a host without port, brackets, closing dot and upper case.
func plain(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// Allows says whether a Host header names the service.
func (h Hosts) Allows(header string) bool {
	host := plain(header)
	if host == "" {
		return false
	}
	if net.ParseIP(host) != nil || Loopback(host) {
		return true
	}
	return slices.ContainsFunc(h.Names, func(name string) bool {
		return name == "*" || name == host || strings.HasPrefix(name, ".") && strings.HasSuffix(host, name)
	})
}

// Check answers 421 to a request for another name, and hands on the others.
func (h Hosts) Check(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.Allows(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(http.StatusMisdirectedRequest)
		_, _ = fmt.Fprintf(w, "This service does not answer to the name %q.\n\nIf it should, add the name to %s in its settings.\n", clip(r.Host), h.Setting) //nolint:gosec // plain text, and nosniff
	})
}

// clip bounds what is repeated of a stranger's header.
func clip(text string) string {
	if len(text) > 100 {
		return text[:100] + "…"
	}
	return text
}
