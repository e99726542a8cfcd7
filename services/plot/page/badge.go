package page

import (
	"fmt"
	"html"
	"net/http"
	"strings"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/services/plot/index"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// benchBadge serves the badge of one bench.
func (h *Handler) benchBadge(w http.ResponseWriter, r *http.Request) {
	b, err := h.source.Bench(r.Context(), r.PathValue("bench"))
	if err != nil {
		h.fail(w, r, "This bench", err)
		return
	}
	sendBadge(w, r, b)
}

// nameBadge serves the badge of the newest bench of a name that has ended,
// optionally of one repository and branch: what a README links to.
func (h *Handler) nameBadge(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutSuffix(r.PathValue("name"), ".svg")
	if !ok {
		http.NotFound(w, r)
		return
	}
	repo, branch := r.URL.Query().Get("repo"), r.URL.Query().Get("branch")
	found, err := h.source.Search(r.Context(), index.Query{Name: name, Repo: repo, Branch: branch, Ended: true, First: true, Limit: 1})
	if err != nil {
		h.fail(w, r, "This badge", err)
		return
	}
	if len(found.Rows) == 0 {
		sendBadge(w, r, model.Bench{Name: name, State: "unknown"})
		return
	}
	b, err := h.source.Bench(r.Context(), found.Rows[0].ID)
	if err != nil {
		h.fail(w, r, "This badge", err)
		return
	}
	sendBadge(w, r, b)
}

func sendBadge(w http.ResponseWriter, r *http.Request, b model.Bench) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin") // badges are for other people's pages
	w.Header().Set("Content-Security-Policy", inertPolicy)
	c := benchChip(b)
	send(w, r, "image/svg+xml", badge(b.Name, c.Sign+" "+c.Text, c.Class))
}

// badge draws a label and a value side by side. The value's sign and word tell
// what its colour does; both colours have 4.5:1 against white text.
func badge(label, value, class string) []byte {
	colour := map[string]string{"good": "#00694c", "bad": "#a83200", "meh": "#6b4c00"}[class]
	if colour == "" {
		colour = "#005f98"
	}
	label = figure.Shorten(label, 160, 11)
	lw, vw := figure.Width(label, 11)+12, figure.Width(value, 11)+12
	w := lw + vw
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="20" role="img" aria-label="%[2]s: %[3]s">`+
		`<title>%[2]s: %[3]s</title><clipPath id="r"><rect width="%.0[1]f" height="20" rx="3"/></clipPath>`+
		`<g clip-path="url(#r)"><rect width="%.1[4]f" height="20" fill="#3f4650"/><rect x="%.1[4]f" width="%.1[5]f" height="20" fill="%[6]s"/></g>`+
		`<g fill="#fff" font-family="Arial,Liberation Sans,Helvetica,sans-serif" font-size="11">`+
		`<text x="6" y="14" textLength="%.1[7]f">%[2]s</text><text x="%.1[8]f" y="14" textLength="%.1[9]f">%[3]s</text></g></svg>`+"\n",
		w, html.EscapeString(label), html.EscapeString(value), lw, vw, colour, lw-12, lw+6, vw-12)
}
