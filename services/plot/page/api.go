package page

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/fiord-bench/fiord/services/plot/index"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// mostRows bounds what one call of the API returns.
const mostRows = 500

// apiBenches is the home page as JSON: the same query, and limit.
func (h *Handler) apiBenches(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	q := query(v, h.now())
	q.Limit = min(max(number(v.Get("limit")), 0), mostRows)
	if q.Limit == 0 {
		q.Limit = benchesPerPage
	}
	found, err := h.source.Search(r.Context(), q)
	if err != nil {
		h.problem(w, r, err)
		return
	}
	out := struct {
		Benches  []index.Row    `json:"benches"`
		Verdicts map[string]int `json:"verdicts"`
		// Next is the call for what follows; absent at the end.
		Next string `json:"next,omitempty"`
	}{found.Rows, found.Verdicts, ""}
	if out.Benches == nil {
		out.Benches = []index.Row{}
	}
	if found.More {
		out.Next = withSkip(r.URL.Path, v, q.Skip+q.Limit)
	}
	h.json(w, r, out)
}

// json answers with a document and its ETag.
func (h *Handler) json(w http.ResponseWriter, r *http.Request, doc any) {
	raw, err := json.Marshal(doc)
	if err != nil {
		h.problem(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	send(w, r, "application/json", append(raw, '\n'))
}

// problem answers with what went wrong, in the form of RFC 9457. Details of the
// inside are logged alone.
func (h *Handler) problem(w http.ResponseWriter, r *http.Request, err error) {
	status, title := http.StatusServiceUnavailable, "This cannot be read just now. Try again in a moment."
	if errors.Is(err, model.ErrUnknown) {
		status, title = http.StatusNotFound, "This is unknown here. It may not have started yet, or be older than what is kept."
	} else {
		h.log.Warn("serve API", "path", r.URL.Path, "error", err)
		w.Header().Set("Retry-After", "5")
	}
	raw, err := json.Marshal(map[string]any{"type": "about:blank", "title": title, "status": status, "instance": (&url.URL{Path: r.URL.Path}).String()})
	if err != nil {
		http.Error(w, title, status)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}
