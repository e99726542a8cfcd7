package fetch_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/fetch"
)

// server answers over TLS and knows what the tests ask for.
func server(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/a.fio", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Referer") != "" {
			t.Errorf("Referer %q tells where the redirect came from", r.Header.Get("Referer"))
		}
		_, _ = w.Write([]byte("[a]\n"))
	})
	mux.HandleFunc("/big", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2000)) })
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<html>"))
	})
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.Handle("/once", http.RedirectHandler("/a.fio", http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.Handle("/down", http.RedirectHandler("http://example.org/a.fio", http.StatusFound))
	mux.Handle("/file", http.RedirectHandler("file:///etc/passwd", http.StatusFound))
	mux.Handle("/metadata", http.RedirectHandler("https://169.254.169.254/latest/meta-data", http.StatusFound))
	srv := httptest.NewTLSServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

func client(srv *httptest.Server, cfg fetch.Config) *fetch.Client {
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	cfg.Transport = func(tr *http.Transport) {
		tr.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return fetch.New(cfg)
}

func TestGet(t *testing.T) {
	srv := server(t)
	c := client(srv, fetch.Config{AllowPrivate: true, AllowHTTP: true, MaxBytes: 1000, Timeout: time.Minute})
	hurried := client(srv, fetch.Config{AllowPrivate: true, AllowHTTP: true, MaxBytes: 1000, Timeout: 300 * time.Millisecond})
	tests := map[string]error{
		"/a.fio": nil,
		"/once":  nil,
		"/none":  fetch.ErrNoFile,
		"/page":  fetch.ErrNoFile,
		"/big":   fetch.ErrTooLarge,
		"/busy":  fetch.ErrUnavailable,
		"/slow":  fetch.ErrUnavailable,
		"/loop":  fetch.ErrRefused,
		"/down":  fetch.ErrRefused,
		"/file":  fetch.ErrRefused,
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) {
			c := c
			if path == "/slow" { // which never answers
				c = hurried
			}
			got, err := c.Get(t.Context(), srv.URL+path)
			if !errors.Is(err, want) {
				t.Fatalf("error %v, want %v", err, want)
			}
			if err != nil {
				return
			}
			const sum = "24d4941e67d5965d270eaebdb9816b994311e0f2f0e79ef6bb626f362c52842e"
			if string(got.Bytes) != "[a]\n" || got.SHA256 != sum || got.URL != srv.URL+"/a.fio" {
				t.Errorf("content %+v", got)
			}
		})
	}
}

// The address in the URL is harmless or a name; what is dialled is not.
func TestPrivateAddressesAreRefusedWhenDialled(t *testing.T) {
	srv := server(t)
	strict := client(srv, fetch.Config{AllowHTTP: true})
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	for _, address := range []string{
		srv.URL + "/a.fio",
		"https://localhost:" + port + "/a.fio", // after DNS
		"http://[::ffff:127.0.0.1]:" + port + "/a.fio",
		"https://169.254.169.254/latest/meta-data",
		"http://0.0.0.0:" + port + "/",
	} {
		if _, err := strict.Get(t.Context(), address); !errors.Is(err, fetch.ErrRefused) {
			t.Errorf("%s: error %v, want ErrRefused", address, err)
		}
	}
}

// A public server redirects into the network of the fetcher: each hop dials
// anew and is checked anew.
func TestRedirectIntoThePrivateNetworkIsRefused(t *testing.T) {
	srv := server(t)
	// Only the first connection is let through, as if its address were public.
	first, direct := true, &net.Dialer{}
	c := fetch.New(fetch.Config{Transport: func(tr *http.Transport) {
		roots := x509.NewCertPool()
		roots.AddCert(srv.Certificate())
		tr.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		checked := tr.DialContext
		tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if first {
				first = false
				return direct.DialContext(ctx, network, address)
			}
			return checked(ctx, network, address)
		}
	}})
	_, err := c.Get(t.Context(), srv.URL+"/metadata")
	if !errors.Is(err, fetch.ErrRefused) || !strings.Contains(err.Error(), "169.254.169.254") {
		t.Errorf("error %v, want ErrRefused naming the address", err)
	}
}

func TestAddressesThatAreNeverAskedFor(t *testing.T) {
	c := fetch.New(fetch.Config{})
	for _, address := range []string{
		"", "jobs/a.fio", "https://", "file:///etc/passwd", "gopher://example.org/", "http://example.org/a.fio",
		"https://bot:hunter2@example.org/a.fio", "https://exa mple.org/", "//example.org/a.fio",
	} {
		if err := c.Check(address); !errors.Is(err, fetch.ErrRefused) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: error %v, want ErrRefused without the password", address, err)
		}
	}
}

func TestEndOfTheCallerIsNoOutage(t *testing.T) {
	srv := server(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client(srv, fetch.Config{AllowPrivate: true}).Get(ctx, srv.URL+"/a.fio"); errors.Is(err, fetch.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled alone", err)
	}
}

func TestPublic(t *testing.T) {
	tests := map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1:248:1893:25c8:1946": true, "8.8.8.8": true,
		"127.0.0.1": false, "::1": false, "10.1.2.3": false, "172.31.0.1": false, "172.32.0.1": true,
		"192.168.0.1": false, "100.64.0.1": false, "169.254.169.254": false, "fe80::1%eth0": false,
		"fd00::1": false, "::ffff:10.0.0.1": false, "64:ff9b::a00:1": false, "2002:a00:1::": false,
		"0.0.0.0": false, "::": false, "224.0.0.1": false, "255.255.255.255": false, "2001:0:a00:1::": false,
	}
	for text, want := range tests {
		if got := fetch.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("Public(%s) = %v", text, got)
		}
	}
	if fetch.Public(netip.Addr{}) {
		t.Error("the zero address is public")
	}
}
