package gc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/cmd/fiord/gc"
)

// The record of the end is how the next collection knows that a bench is over,
// so that it goes after everything else of the bench, also where removals fail.
func TestTheEndGoesLast(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	server := artifactstest.Start(t, dir)
	w.dir, w.store = dir, artifactstest.Open(t, server.Config())
	b := w.tell(story{key: "b", age: 100 * day, runs: 1})
	behind, err := url.Parse(server.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, "/requested.json") {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(rw, r)
	}))
	defer front.Close()
	cfg := server.Config()
	cfg.Endpoint = front.URL
	_, err = gc.Collect(t.Context(), w.nats.Bus("fiord/cli"), artifactstest.Open(t, cfg), gc.Options{OlderThan: 90 * day, Delete: true, Archive: true})
	if !errors.Is(err, artifacts.ErrDenied) {
		t.Fatalf("error %v", err)
	}
	w.present(artifacts.ArchiveKey(b.id, "requested"), artifacts.ArchiveKey(b.id, "ended"))
	w.collect(withArchive)
	if left := w.content(); left != "" {
		t.Errorf("left:\n%s", left)
	}
}

// Something is said of an old bench yesterday: its archive stays whole.
func TestAnArchiveGoesWholeOrNotAtAll(t *testing.T) {
	w := newWorld(t)
	b := w.tell(story{key: "b", age: 100 * day, runs: 1})
	w.put(artifacts.ArchiveKey(b.id, "cancel.late"), "{}", 30*time.Hour)
	w.collect(withArchive)
	w.present(artifacts.ArchiveKey(b.id, "requested"), artifacts.ArchiveKey(b.id, "ended"))
}
