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

// benchesEndpoint describes the call for benches, whose parameters are those of the
// home page.
func benchesEndpoint() endpoint {
	e := endpoint{path: "/api/v1/benches", summary: "Benches, newest first or as sorted: the query of the home page", rows: "benches", row: index.Row{}}
	for _, p := range [][2]string{{"q", "words that are looked for"}, {"name", "name of the bench"}, {"repo", "repository"}, {"branch", "branch or tag"}, {"host", "host"}, {"model", "device model"}, {"section", "section"},
		{"verdict", "verdict"}, {"state", "state, or open"}, {"within", "duration before now, such as 24h"}, {"since", "day"}, {"until", "day"}, {"sort", "at, name, iops, bandwidth, p99 or change"},
		{"order", "asc or desc"}, {"skip", "rows to skip"}, {"limit", "most rows"}} {
		e.params = append(e.params, param{p[0], p[1], ""})
	}
	return e
}

// benchesAs is the home page as JSON or another format: the same query, and limit.
func (h *Handler) benchesAs(format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
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
		next := ""
		if found.More {
			next = withSkip(r.URL.Path, v, q.Skip+q.Limit)
			w.Header().Set("Link", "<"+next+`>; rel="next"`)
		}
		as := format
		if as == "" {
			w.Header().Add("Vary", "Accept")
			as = accepted(r.Header.Get("Accept"))
		}
		if as != "" {
			h.table(w, r, as, index.Row{}, listed(found.Rows, false, func(index.Row) string { return "" }).rows)
			return
		}
		h.json(w, r, struct {
			Benches  []index.Row    `json:"benches"`
			Verdicts map[string]int `json:"verdicts"`
			// Next is the call for what follows; absent at the end.
			Next string `json:"next,omitempty"`
		}{append([]index.Row{}, found.Rows...), found.Verdicts, next})
	}
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
	var bad badRequest
	if errors.As(err, &bad) {
		status, title = http.StatusBadRequest, bad.why
	} else if errors.Is(err, model.ErrUnknown) {
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
