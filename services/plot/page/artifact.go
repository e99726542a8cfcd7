package page

import (
	"io"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
)

// served are the top prefixes that may be read here. Requests and placements
// stay inside: they may name hosts and templates nobody else should see.
func served(key string) bool {
	for _, p := range []string{artifacts.PrefixRuns, artifacts.PrefixPlots, artifacts.PrefixReports, artifacts.PrefixJobs} {
		if strings.HasPrefix(key, p) {
			return true
		}
	}
	return false
}

// inertPolicy lets a document show itself and nothing more, in an origin of
// its own.
const inertPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"

// safeType returns the content type to serve a key with, and whether browsers
// may show it. Types are decided by the name, never by what somebody stored:
// only what cannot run, or comes sandboxed, is shown.
func safeType(key string) (contentType string, show bool) {
	switch strings.ToLower(path.Ext(key)) {
	case ".svg":
		return "image/svg+xml", true
	case ".png":
		return "image/png", true
	case ".html":
		return "text/html; charset=utf-8", true
	case ".json":
		return "application/json", true
	case ".md", ".txt", ".log", ".fio", ".csv":
		return "text/plain; charset=utf-8", true
	case ".zst":
		return artifacts.MediaZstd, false
	default:
		return "application/octet-stream", false
	}
}

// artifact streams an object of the store.
func (h *Handler) artifact(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	if artifacts.ValidateKey(key) != nil || !served(key) {
		http.NotFound(w, r)
		return
	}
	_, plain := r.URL.Query()["plain"]
	plain = plain && strings.HasSuffix(key, artifacts.SuffixZstd)
	body, claim, err := h.objects.Open(r.Context(), key, plain)
	if err != nil {
		h.fail(w, r, "This object", err)
		return
	}
	defer func() { _ = body.Close() }()
	shown := key
	if plain {
		shown = strings.TrimSuffix(key, artifacts.SuffixZstd)
	}
	tag := `"` + claim.SHA256[:min(len(claim.SHA256), 24)] + map[bool]string{true: "p"}[plain] + `"`
	head := w.Header()
	head.Set("ETag", tag)
	head.Set("Cache-Control", "private, max-age=31536000, immutable")
	head.Set("Content-Security-Policy", inertPolicy)
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	contentType, show := safeType(shown)
	head.Set("Content-Type", contentType)
	disposition := "inline"
	if !show {
		disposition = "attachment"
	}
	head.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": path.Base(shown)}))
	if r.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(w, body); err != nil && r.Context().Err() == nil {
		h.log.Warn("send artifact", "key", key, "error", err)
		panic(http.ErrAbortHandler) // a broken connection, not a short file
	}
}
