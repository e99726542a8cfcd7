package chaos_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// proxy stands between one service and the store and can stop the world for
// the service at a write of its own: before the store has it, or when the store
// has it and the service does not know.
type proxy struct {
	url      string
	upstream *httputil.ReverseProxy

	mu   sync.Mutex
	hold *hold
}

// hold is the moment at which a service is to be killed.
type hold struct {
	part    string // of the key written
	after   bool   // the store has it
	once    sync.Once
	reached chan struct{}
}

func newProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	target, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{upstream: &httputil.ReverseProxy{
		// The host is signed: the server must see the one that the client knows.
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		Transport:    &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	p.url = srv.URL
	return p
}

// holdAt arms the proxy: the next PUT of a key that contains part never gets
// an answer.
func (p *proxy) holdAt(part string, after bool) *hold {
	h := &hold{part: part, after: after, reached: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = h
	return h
}

func (p *proxy) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = nil
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	h := p.hold
	p.mu.Unlock()
	if h == nil || r.Method != http.MethodPut || !strings.Contains(r.URL.Path, h.part) {
		p.upstream.ServeHTTP(w, r)
		return
	}
	if h.after {
		p.upstream.ServeHTTP(httptest.NewRecorder(), r)
	}
	h.once.Do(func() { close(h.reached) })
	// The server looks for the client's end only once it has read the body.
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}
