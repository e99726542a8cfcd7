package chaos_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// receiver is a webhook that is told of benches. It can be silent to one
// notice, as if the answer got lost.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	notices map[string]string // body by notice id
	hold    *hold
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{notices: map[string]string{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) holdNext() *hold {
	h := &hold{reached: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = h
	return h
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(_ http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	r.notices[request.Header.Get("X-Fiord-Notice")] = string(body)
	h := r.hold
	r.hold = nil
	r.mu.Unlock()
	if h != nil {
		close(h.reached)
		<-request.Context().Done()
		panic(http.ErrAbortHandler)
	}
}

// count is how many notices there were.
func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.notices)
}

// about counts the different notices about a bench.
func (r *receiver) about(bench string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, body := range r.notices {
		if strings.Contains(body, bench) {
			n++
		}
	}
	return n
}
