package page

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// Drawer draws the figures of the catalogue that are made on demand. Errors that
// wrap model.ErrUnknown become 404.
type Drawer interface {
	// DrawRuns draws a figure of one run, or of several compared.
	DrawRuns(ctx context.Context, runs []string, name, format string) ([]byte, error)
	// DrawStretch draws a figure over time for a stretch of a run.
	DrawStretch(ctx context.Context, run, name, format string, from, to time.Duration) ([]byte, error)
	// DrawBench draws a figure of a bench as a whole.
	DrawBench(ctx context.Context, bench, name, format string) ([]byte, error)
}

// maxCompared bounds how many runs one figure compares.
const maxCompared = 50

// sheets lists figures with their addresses below a base.
func sheets(list []catalogue.Entry, base string, query url.Values) []picture {
	q := ""
	if len(query) > 0 {
		q = "?" + query.Encode()
	}
	var out []picture
	for _, s := range list {
		out = append(out, picture{SVG: base + s.Name + ".svg" + q, PNG: base + s.Name + ".png" + q, Alt: s.Title})
	}
	return out
}

// overTime reports whether a stretch can be cut out of a run's figure.
func overTime(name string) bool {
	e, ok := catalogue.Find(catalogue.OfRun, name)
	return ok && e.Stretch
}

// stretch reads the seconds that a request names; ok is false for the whole.
func stretch(q url.Values) (from, to time.Duration, ok bool) {
	a, errA := strconv.ParseFloat(q.Get("from"), 64)
	b, errB := strconv.ParseFloat(q.Get("to"), 64)
	if q.Get("from") == "" {
		a, errA = 0, nil
	}
	if errA != nil || errB != nil || !(a >= 0 && b > a && b < 1e8) {
		return 0, 0, false
	}
	return time.Duration(a * 1e9), time.Duration(b * 1e9), true
}

// zoomed replaces the figures over time by those of a stretch, and drops the
// others.
func zoomed(run *model.Run, q url.Values) []picture {
	query := url.Values{"to": {q.Get("to")}}
	if q.Get("from") != "" {
		query.Set("from", q.Get("from"))
	}
	var list []catalogue.Entry
	for _, f := range run.Plots.Figures {
		if name, isSVG := strings.CutSuffix(f.Name, ".svg"); isSVG && overTime(name) {
			list = append(list, catalogue.Entry{Name: name, Title: strings.ReplaceAll(name, "-", " ") + " of a stretch of " + run.Job})
		}
	}
	return sheets(list, "/runs/"+run.Run+"/figures/", query)
}

// runFigure serves a figure of one run, or of a stretch of it.
func (h *Handler) runFigure(w http.ResponseWriter, r *http.Request) {
	if from, to, ok := stretch(r.URL.Query()); ok {
		name, _, _ := strings.Cut(r.PathValue("figure"), ".")
		if !overTime(name) {
			http.NotFound(w, r)
			return
		}
		h.drawn(w, r, true, func(name, format string) ([]byte, error) {
			return h.drawer.DrawStretch(r.Context(), r.PathValue("run"), name, format, from, to)
		})
		return
	}
	if q := r.URL.Query(); q.Has("from") || q.Has("to") {
		http.NotFound(w, r) // no stretch
		return
	}
	h.drawn(w, r, known(r, catalogue.OfRun), func(name, format string) ([]byte, error) {
		return h.drawer.DrawRuns(r.Context(), []string{r.PathValue("run")}, name, format)
	})
}

// compareFigure serves a figure of several runs.
func (h *Handler) compareFigure(w http.ResponseWriter, r *http.Request) {
	runs := compared(r)
	h.drawn(w, r, known(r, catalogue.OfRuns), func(name, format string) ([]byte, error) {
		if len(runs) < 2 {
			return nil, model.ErrUnknown
		}
		return h.drawer.DrawRuns(r.Context(), runs, name, format)
	})
}

// benchFigure serves a figure of a bench.
func (h *Handler) benchFigure(w http.ResponseWriter, r *http.Request) {
	h.drawn(w, r, onDemand(r), func(name, format string) ([]byte, error) {
		return h.drawer.DrawBench(r.Context(), r.PathValue("bench"), name, format)
	})
}

// known reports whether the request names a figure of the catalogue.
func known(r *http.Request, scope catalogue.Scope) bool {
	name, _, _ := strings.Cut(r.PathValue("figure"), ".")
	_, ok := catalogue.Find(scope, name)
	return ok
}

// onDemand reports whether the request names a figure of a bench that is drawn
// when asked for. Others are stored with the bench's report, from which they are
// drawn.
func onDemand(r *http.Request) bool {
	name, _, _ := strings.Cut(r.PathValue("figure"), ".")
	return slices.ContainsFunc(catalogue.OnDemand(catalogue.OfBench|catalogue.OfHistory), func(e catalogue.Entry) bool { return e.Name == name })
}

// drawn serves what draw makes, if the request names a figure that there is.
func (h *Handler) drawn(w http.ResponseWriter, r *http.Request, known bool, draw func(name, format string) ([]byte, error)) {
	name, format, _ := strings.Cut(r.PathValue("figure"), ".")
	types := map[string]string{"svg": "image/svg+xml", "png": "image/png"}
	if types[format] == "" || !known {
		http.NotFound(w, r)
		return
	}
	body, err := draw(name, format)
	if err != nil {
		h.fail(w, r, "This figure", err)
		return
	}
	w.Header().Set("Content-Security-Policy", inertPolicy)
	w.Header().Set("Cache-Control", "no-cache")
	send(w, r, types[format], body)
}

// compared returns the runs that a request names, without repetition.
func compared(r *http.Request) []string {
	var out []string
	for _, id := range r.URL.Query()["run"] {
		if !slices.Contains(out, id) && len(out) < maxCompared {
			out = append(out, id)
		}
	}
	return out
}

type comparePage struct {
	frame
	Runs    []*model.Run
	Sides   *sidesView // of the first run and each other
	Figures []picture
}

// compare serves the page that holds runs against each other.
func (h *Handler) compare(w http.ResponseWriter, r *http.Request) {
	p := comparePage{frame: frame{Title: "Compare runs", Root: "/", Foot: h.foot, Account: accountOf(r), Crumbs: []crumb{{Text: "compare"}}}}
	query := url.Values{}
	for _, id := range compared(r) {
		run, _, err := h.find(r.Context(), id)
		if err != nil {
			h.fail(w, r, "One of these runs", err)
			return
		}
		p.Runs = append(p.Runs, run)
		query.Add("run", id)
	}
	if len(p.Runs) > 1 {
		p.Figures = sheets(catalogue.OnDemand(catalogue.OfRuns), "/compare/", query)
		p.Sides = h.runSides(r.Context(), p.Runs)
	}
	h.render(w, r, "compare", p)
}

// find returns a run with its bench.
func (h *Handler) find(ctx context.Context, id string) (*model.Run, model.Bench, error) {
	bench, err := h.source.BenchOf(ctx, id)
	if err != nil {
		return nil, model.Bench{}, err
	}
	b, err := h.source.Bench(ctx, bench)
	if err != nil {
		return nil, b, err
	}
	run := b.Run(id)
	if run == nil {
		return nil, b, fmt.Errorf("run %s of bench %s: %w", id, bench, model.ErrUnknown)
	}
	return run, b, nil
}
