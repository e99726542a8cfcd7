package page

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/services/plot/trend"
)

// History knows what became of figures from commit to commit. Errors that wrap
// model.ErrUnknown become 404.
type History interface {
	// Changes returns what changed in the history that a bench belongs to: that of
	// its name on its ref.
	Changes(ctx context.Context, bench string) (trend.Changes, error)
}

type historyPage struct {
	frame
	trend.Changes
	Bench   string
	Figures []picture
	JSON    string
}

// historyHTML serves what changed when.
func (h *Handler) historyHTML(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("bench")
	changes, err := h.history.Changes(r.Context(), id)
	if err != nil {
		h.fail(w, r, "This history", err)
		return
	}
	h.render(w, r, "history", historyPage{frame: frame{Title: "What changed when · " + changes.Name, Root: "/", Foot: h.foot, Account: accountOf(r), Crumbs: []crumb{
		{Text: changes.Name, URL: withSkip("/", url.Values{"name": {changes.Name}}, 0)}, {Text: short(id), URL: "/benches/" + id}, {Text: "history"},
	}}, Changes: changes, Bench: id, JSON: "/benches/" + id + "/history.json", Figures: sheets(catalogue.List(catalogue.OfHistory), "/benches/"+id+"/figures/", nil)})
}

// historyJSON serves the same for scripts.
func (h *Handler) historyJSON(w http.ResponseWriter, r *http.Request) {
	changes, err := h.history.Changes(r.Context(), r.PathValue("bench"))
	if err != nil {
		h.fail(w, r, "This history", err)
		return
	}
	body, err := json.MarshalIndent(changes, "", "  ")
	if err != nil {
		h.fail(w, r, "This history", err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	send(w, r, "application/json", append(body, '\n'))
}

// writtenLevel writes a change of level out.
func writtenLevel(c trend.Change) comparison {
	q := quantity(c.Unit)
	return comparison{BeforeText: q.Format(c.Before), AfterText: q.Format(c.After), ChangeText: percent(c.Change)}
}
