package page

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/services/plot/index"
	"github.com/fiord-bench/fiord/services/plot/model"
)

//go:embed template/*.html
var templates embed.FS

//go:embed template/style.css
var stylesheet string

// script lets people point at figures over time and zoom in. Pages work
// without it.
//
//go:embed template/zoom.js
var script string

// Source tells the pages what there is. Errors that wrap model.ErrUnknown become
// 404, all others 503.
type Source interface {
	Fleet
	// Search returns the benches that a query chooses, as rows.
	Search(ctx context.Context, q index.Query) (index.Result, error)
	// Options are what can be chosen from.
	Options(ctx context.Context) (index.Options, error)
	// Bench returns a bench with its runs.
	Bench(ctx context.Context, id string) (model.Bench, error)
	// BenchOf returns the bench that a run belongs to.
	BenchOf(ctx context.Context, run string) (string, error)
}

// livescript keeps what is shown up to date while something changes. Pages work
// without it.
//
//go:embed template/live.js
var livescript string

// Objects opens what the store holds. Open returns the object with a verified
// claim check; the reader fails where the content is not what was stored.
type Objects interface {
	Open(ctx context.Context, key string, plain bool) (io.ReadCloser, events.ClaimCheck, error)
}

// Handler serves the pages.
type Handler struct {
	source  Source
	objects Objects
	drawer  Drawer
	history History
	log     *slog.Logger
	pages   map[string]*template.Template
	policy  string
	foot    string
	mux     *http.ServeMux
	feed    *Feed
	now     func() time.Time
	// registry lists the hosts that beat; nil without one.
	registry func() []registry.Sighting
}

// New returns a handler over what source, objects and history know and drawer
// can draw.
// foot stands at the end of each page, such as the version.
func New(source Source, objects Objects, drawer Drawer, history History, log *slog.Logger, foot string) (*Handler, error) {
	h := &Handler{source: source, objects: objects, drawer: drawer, history: history, log: log, foot: foot, feed: NewFeed(), now: time.Now, pages: map[string]*template.Template{}}
	for _, name := range []string{"home", "bench", "run", "compare", "history", "hosts", "machine", "devices"} {
		t, err := template.New(name).Funcs(functions()).ParseFS(templates, "template/layout.html", "template/bench.html", "template/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		h.pages[name] = t
	}
	h.policy = "default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src " + hashed(stylesheet) +
		"; script-src " + hashed(script) + " " + hashed(livescript) + "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	h.mux = http.NewServeMux()
	h.mux.HandleFunc("GET /{$}", h.home)
	h.mux.HandleFunc("GET /live", h.live)
	h.mux.HandleFunc("GET /hosts", h.hosts)
	h.mux.HandleFunc("GET /hosts/{host}", h.host)
	h.mux.HandleFunc("GET /devices", h.devices)
	h.mux.HandleFunc("GET /devices/{device}", h.device)
	h.mux.HandleFunc("GET /api/v1/benches", h.benchesAs(""))
	h.routes()
	h.mux.HandleFunc("GET /benches/{bench}", h.bench)
	h.mux.HandleFunc("GET /benches/{bench}/badge.svg", h.benchBadge)
	h.mux.HandleFunc("GET /badge/{name}", h.nameBadge)
	h.mux.HandleFunc("GET /runs/{run}", h.run)
	h.mux.HandleFunc("GET /runs/{run}/figures/{figure}", h.runFigure)
	h.mux.HandleFunc("GET /benches/{bench}/figures/{figure}", h.benchFigure)
	h.mux.HandleFunc("GET /benches/{bench}/history", h.historyHTML)
	h.mux.HandleFunc("GET /benches/{bench}/history.json", h.historyJSON)
	h.mux.HandleFunc("GET /compare", h.compare)
	h.mux.HandleFunc("GET /compare/{figure}", h.compareFigure)
	h.mux.HandleFunc("GET /artifacts/{key...}", h.artifact)
	h.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	return h, nil
}

// hashed is the source expression of a policy that permits this text and no other.
func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// ServeHTTP serves one request with the headers that hold for all.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Content-Security-Policy", h.policy)
	h.mux.ServeHTTP(w, r)
}

// render writes a page with its ETag, or 304 when the reader has it.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, name string, data any) {
	var body bytes.Buffer
	if err := h.pages[name].ExecuteTemplate(&body, name+".html", data); err != nil {
		h.log.Error("render page", "page", name, "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	send(w, r, "text/html; charset=utf-8", body.Bytes())
}

// send writes a body with a strong ETag over its bytes, compressed for those who take
// that: text shrinks to a fifth.
func send(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	sum := sha256.Sum256(body)
	tag := hex.EncodeToString(sum[:12])
	w.Header().Add("Vary", "Accept-Encoding")
	shrunk := len(body) >= leastShrunk && takesGzip(r.Header.Get("Accept-Encoding")) && !strings.HasPrefix(contentType, "image/png")
	if shrunk {
		tag += "-gzip" // other bytes, another tag
	}
	tag = `"` + tag + `"`
	w.Header().Set("ETag", tag)
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", contentType)
	if !shrunk {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(body)
		}
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	if r.Method == http.MethodHead {
		return
	}
	out := gzip.NewWriter(w)
	_, _ = out.Write(body)
	_ = out.Close()
}

// leastShrunk is from how many bytes on compressing is worth it.
const leastShrunk = 1 << 10

// takesGzip reads an Accept-Encoding header.
func takesGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}

// matches tells whether an If-None-Match header names the tag, weakly.
func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == tag || part == "*" {
			return true
		}
	}
	return false
}

// fail answers a request that cannot be served. What went wrong inside is
// logged and not shown.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, what string, err error) {
	if errors.Is(err, model.ErrUnknown) {
		http.Error(w, what+" is unknown here.\n\nIt may not have started yet, or be older than what is kept.", http.StatusNotFound)
		return
	}
	if r.Context().Err() != nil {
		return // nobody is waiting
	}
	if errors.Is(err, artifacts.ErrCorrupt) {
		h.log.Error("an artifact is not what it was", "path", r.URL.Path, "error", err)
		http.Error(w, what+" is not shown: something it is made of has changed in the store since it was put there.", http.StatusBadGateway)
		return
	}
	h.log.Warn("serve page", "path", r.URL.Path, "error", err)
	w.Header().Set("Retry-After", "5")
	http.Error(w, what+" cannot be read just now. Try again in a moment.", http.StatusServiceUnavailable)
}
