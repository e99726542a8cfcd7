package listen_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/listen"
	"github.com/fiord-bench/fiord/internal/listen/listentest"
)

func TestPlaintextBeyondLoopbackNeedsAWord(t *testing.T) {
	cert := listen.TLS{CertFile: "a", KeyFile: "b"}
	for name, in := range map[string]struct {
		address listen.Address
		refused bool
		warned  bool
	}{
		"loopback":           {address: listen.Address{Listen: "127.0.0.1:80"}},
		"all of loopback":    {address: listen.Address{Listen: "127.3.2.1:80"}},
		"loopback, IPv6":     {address: listen.Address{Listen: "[::1]:80"}},
		"localhost":          {address: listen.Address{Listen: "LocalHost:80"}},
		"none":               {address: listen.Address{}},
		"everywhere":         {address: listen.Address{Listen: "0.0.0.0:80"}, refused: true},
		"everywhere, IPv6":   {address: listen.Address{Listen: "[::]:80"}, refused: true},
		"everywhere, short":  {address: listen.Address{Listen: ":80"}, refused: true},
		"an interface":       {address: listen.Address{Listen: "10.0.0.7:80"}, refused: true},
		"a name":             {address: listen.Address{Listen: "localhost.example.org:80"}, refused: true},
		"everywhere by word": {address: listen.Address{Listen: "0.0.0.0:80", AllowPlaintext: true}, warned: true},
		"everywhere by TLS":  {address: listen.Address{Listen: "0.0.0.0:80", TLS: cert}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			in.address.Setting, in.address.Log = "plot.listen", slog.New(slog.NewTextHandler(&out, nil))
			err := in.address.Check()
			if errors.Is(err, listen.ErrPlaintext) != in.refused {
				t.Errorf("got %v", err)
			}
			if in.refused && (!strings.Contains(err.Error(), "set plot.tls.cert_file and plot.tls.key_file") || !strings.Contains(err.Error(), "FIORD_ALLOW_PLAINTEXT=true")) {
				t.Errorf("the remedy is missing: %v", err)
			}
			if strings.Contains(out.String(), "IN THE CLEAR") != in.warned {
				t.Errorf("logged %q", out.String())
			}
		})
	}
}

// serve answers "hello" until the test ends, and returns the URL.
func serve(t *testing.T, a listen.Address) string {
	t.Helper()
	a.Setting, a.Listen = "plot.listen", "127.0.0.1:0"
	l, err := a.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello by "+r.Proto) }), ReadHeaderTimeout: time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return a.TLS.HTTP() + "://" + l.Addr().String()
}

func TestTLSIsServedToWhoeverTrustsTheAuthority(t *testing.T) {
	ours, other := listentest.New(t), listentest.New(t)
	url := serve(t, listen.Address{TLS: ours.Server("127.0.0.1")})
	response, err := ours.Client().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if string(text) != "hello by HTTP/2.0" {
		t.Errorf("got %q", text)
	}
	var unknown x509.UnknownAuthorityError
	if _, err := other.Client().Get(url); !errors.As(err, &unknown) {
		t.Errorf("another authority: %v", err)
	}
	plain, err := http.Get("http://" + strings.TrimPrefix(url, "https://"))
	if err != nil {
		return // refused without a word
	}
	plain.Body.Close()
	if plain.StatusCode == http.StatusOK {
		t.Error("served in the clear")
	}
}

func TestACertificateForAnotherNameIsNotTrusted(t *testing.T) {
	a := listentest.New(t)
	url := serve(t, listen.Address{TLS: a.Server("elsewhere.example")})
	var mismatch x509.HostnameError
	if _, err := a.Client().Get(url); !errors.As(err, &mismatch) {
		t.Errorf("got %v", err)
	}
}

func TestACertificateThatChangesIsReadAgain(t *testing.T) {
	a := listentest.New(t)
	files := a.Server("127.0.0.1")
	url := serve(t, listen.Address{TLS: files})
	serial := func() string {
		response, err := a.Client().Get(url)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.TLS.PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	// A broken file does not end the service.
	whole, err := os.ReadFile(files.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files.CertFile, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	if got := serial(); got != first {
		t.Errorf("serial %s after the file broke, want %s", got, first)
	}
	a.Server("127.0.0.1")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if serial() != first {
			return
		}
	}
	t.Error("the new certificate is not served")
}

func TestUnreadableCertificatesAreNamed(t *testing.T) {
	files := listentest.New(t).Server("127.0.0.1")
	for name, in := range map[string]struct {
		tls  listen.TLS
		want string
	}{
		"half a pair": {listen.TLS{CertFile: files.CertFile}, "belong together"},
		"no file":     {listen.TLS{CertFile: "/none.pem", KeyFile: files.KeyFile}, "/none.pem"},
		"wrong key":   {listen.TLS{CertFile: files.CertFile, KeyFile: listentest.New(t).Server("b").KeyFile}, "private key does not match"},
	} {
		_, err := listen.Address{Setting: "plot.listen", Listen: "127.0.0.1:0", TLS: in.tls}.Open()
		if err == nil || !strings.Contains(err.Error(), in.want) || !strings.HasPrefix(err.Error(), "plot.listen: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A page on the internet leads a visitor's browser to this service by a name of its
// own: the browser says that name.
func TestOnlyNamesOfTheServiceAreAnswered(t *testing.T) {
	own, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	hosts := listen.NewHosts("plot.hosts", "bench.lan:8000", []string{"https://fiord.example.org/", ""}, "Other.Example.", ".wild.example")
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8000": true, "LOCALHOST.": true, "a.localhost:1": true, "127.0.0.1:8000": true, "[::1]:8000": true, "10.1.2.3": true,
		own: true, own + ":8000": true, "bench.lan:8000": true, "fiord.example.org": true, "FIORD.example.org:443": true, "other.example": true,
		"a.wild.example": true, "b.a.wild.example:8000": true,
		"": false, "evil.example": false, "fiord.example.org.evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example:8000": false,
		"wild.example": false, "notwild.example": false, "xfiord.example.org": false, "example.org": false, "*": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		hosts.Check(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		if got := w.Code == http.StatusOK; got != want {
			t.Errorf("%q: status %d", host, w.Code)
		}
		if !want && (w.Code != http.StatusMisdirectedRequest || !strings.Contains(w.Body.String(), "plot.hosts")) {
			t.Errorf("%q: status %d, %q", host, w.Code, w.Body)
		}
	}
	if !listen.NewHosts("x", ":80", nil, "*").Allows("anything.example") {
		t.Error("* does not take any name")
	}
	if listen.NewHosts("x", ":80", nil).Allows("") {
		t.Error("an empty name is taken")
	}
}

func TestAnAddressEverywhereIsReachedByLoopback(t *testing.T) {
	for in, want := range map[string]string{
		"0.0.0.0:1": "127.0.0.1:1", ":1": "127.0.0.1:1", "[::]:1": "[::1]:1", "10.0.0.1:1": "10.0.0.1:1", "host:1": "host:1", "odd": "odd",
	} {
		if got := listen.Reached(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
