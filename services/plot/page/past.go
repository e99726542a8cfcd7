package page

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// Historian knows what became of figures from commit to commit. Errors that
// wrap ErrUnknown become 404.
type Historian interface {
	// Past returns the history that a bench belongs to: that of its name on its
	// ref.
	Past(ctx context.Context, bench string) (Past, error)
}

// Past is what changed when in the figures of one name on one ref.
type Past struct {
	Repo string `json:"repo"`
	Name string `json:"name"`
	Ref  string `json:"ref"`
	// Benches are how many were searched, since the oldest of them.
	Benches int       `json:"benches"`
	Since   time.Time `json:"since,omitzero"`
	// Series are how many were searched: a figure of a point on a machine each.
	Series int `json:"series"`
	// Unsearched are how many more there are.
	Unsearched int `json:"unsearched,omitempty"`
	// Turns are the commits at which something changed or was accepted, newest
	// first.
	Turns []Turn `json:"turns"`
}

// Turn is a bench from which on figures were on another level, or whose
// results a person accepted as the new baseline.
type Turn struct {
	Bench    string         `json:"bench"`
	Commit   string         `json:"commit"`
	At       time.Time      `json:"at"`
	Verdict  events.Verdict `json:"verdict"`
	Accepted bool           `json:"accepted,omitempty"`
	// Previous is the bench before it, and its commit: what changed, changed
	// between the two.
	Previous       string `json:"previous,omitempty"`
	PreviousCommit string `json:"previous_commit,omitempty"`
	// Changes of level, greatest first.
	Changes []LevelChange `json:"changes,omitempty"`
}

// LevelChange is a change of level of one series.
type LevelChange struct {
	Metric  string `json:"metric"`
	Job     string `json:"job"`
	Point   string `json:"point"`
	Machine string `json:"machine"`
	// Before and After are the medians of the stretches on either side, in Unit.
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	Unit   string  `json:"unit"`
	// Change is After/Before-1; Worse is its direction.
	Change float64 `json:"change"`
	Worse  bool    `json:"worse"`
	// NBefore and NAfter are how many benches lie in the stretches. Lasts tells
	// that the new level is the newest.
	NBefore int  `json:"n_before"`
	NAfter  int  `json:"n_after"`
	Lasts   bool `json:"lasts"`
	// Environment tells that the machine was another at the same time, as far as
	// fingerprints tell: the commit need not be what changed the figures.
	Environment bool `json:"environment_changed,omitempty"`
}

type pastPage struct {
	frame
	Past
	Bench   string
	Figures []picture
	JSON    string
}

// PastSheets are the figures of a history.
func PastSheets() []Sheet {
	return []Sheet{
		{"trend", "IOPS from commit to commit"}, {"trend-lat", "mean latency from commit to commit"},
		{"trend-p99", "p99 from commit to commit"}, {"trend-p999", "p99.9 from commit to commit"},
	}
}

// past serves what changed when.
func (h *Handler) past(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("bench")
	past, err := h.historian.Past(r.Context(), id)
	if err != nil {
		h.fail(w, r, "This history", err)
		return
	}
	h.render(w, r, "past", pastPage{frame: frame{Title: "What changed when · " + past.Name, Root: "/", Foot: h.foot, Crumbs: []crumb{
		{Text: past.Name, URL: withSkip("/", url.Values{"name": {past.Name}}, 0)}, {Text: short(id), URL: "/benches/" + id}, {Text: "history"},
	}}, Past: past, Bench: id, JSON: "/benches/" + id + "/history.json", Figures: sheets(PastSheets(), "/benches/"+id+"/figures/", nil)})
}

// pastJSON serves the same for scripts.
func (h *Handler) pastJSON(w http.ResponseWriter, r *http.Request) {
	past, err := h.historian.Past(r.Context(), r.PathValue("bench"))
	if err != nil {
		h.fail(w, r, "This history", err)
		return
	}
	body, err := json.MarshalIndent(past, "", "  ")
	if err != nil {
		h.fail(w, r, "This history", err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	send(w, r, "application/json", append(body, '\n'))
}

// writtenLevel writes a change of level out.
func writtenLevel(c LevelChange) comparison {
	q := quantity(c.Unit)
	return comparison{BeforeText: q.Format(c.Before), AfterText: q.Format(c.After), ChangeText: percent(c.Change)}
}
