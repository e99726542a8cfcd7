package page

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/environment"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// Difference is what differs between the environments of both sides of a
// comparison, on hosts where the same differs.
type Difference struct {
	// Hosts are what was measured on: a name, or two where the sides have none in
	// common.
	Hosts []string
	// Changes are cut at a bound; More are how many were left out.
	Changes []environment.Change
	More    int
	// Gone says why nothing can be told; empty if it can.
	Gone string
}

// Bounds of what is told of differences.
const (
	maxPairs   = 20
	maxChanges = 60
)

// Differences compares the environments in which two benches were measured: of
// each host that both have, that of the first completed run on either side, of
// the same point if there is one. Hosts on which the same differs are taken
// together. Where the sides have no host in common, their first runs are
// compared. It is empty if a side has no run that completed.
func Differences(ctx context.Context, store Objects, before, after model.Bench) ([]Difference, error) {
	var out []Difference
	for _, p := range sidePairs(before, after) {
		d, err := differ(ctx, store, p[0], p[1])
		if err != nil {
			return nil, err
		}
		name := p[1].Host
		if p[0].Host != p[1].Host {
			name = p[0].Host + " → " + p[1].Host
		}
		out = together(out, d, name)
	}
	return out, nil
}

// together adds a difference to those that are the same.
func together(list []Difference, d Difference, name string) []Difference {
	i := slices.IndexFunc(list, func(o Difference) bool {
		return o.Gone == d.Gone && o.More == d.More && slices.Equal(o.Changes, d.Changes)
	})
	if i < 0 {
		list = append(list, d)
		i = len(list) - 1
	}
	list[i].Hosts = append(list[i].Hosts, name)
	return list
}

// sidePairs picks the runs whose environments are compared.
func sidePairs(before, after model.Bench) [][2]*model.Run {
	var out [][2]*model.Run
	seen := map[string]bool{}
	for _, r := range after.Runs {
		if r.Completed == nil || seen[r.Host] || len(out) == maxPairs {
			continue
		}
		seen[r.Host] = true
		if old := firstOn(before, r); old != nil {
			out = append(out, [2]*model.Run{old, r})
		}
	}
	if len(out) > 0 {
		return out
	}
	completed := func(r *model.Run) bool { return r.Completed != nil }
	i, j := slices.IndexFunc(before.Runs, completed), slices.IndexFunc(after.Runs, completed)
	if i < 0 || j < 0 {
		return nil
	}
	return [][2]*model.Run{{before.Runs[i], after.Runs[j]}}
}

// firstOn finds the first completed run of a bench on the host of another run,
// rather of the same point.
func firstOn(b model.Bench, like *model.Run) *model.Run {
	var first *model.Run
	for _, r := range b.Runs {
		if r.Completed == nil || r.Host != like.Host {
			continue
		}
		if r.Job == like.Job && r.Point.Key() == like.Point.Key() {
			return r
		}
		if first == nil {
			first = r
		}
	}
	return first
}

// differ compares the environments of two runs.
func differ(ctx context.Context, store Objects, before, after *model.Run) (Difference, error) {
	var raw [2][]byte
	for i, r := range []*model.Run{before, after} {
		var err error
		raw[i], err = environmentOf(ctx, store, r)
		switch {
		case errors.Is(err, model.ErrUnknown):
			return Difference{Gone: "A run has left no " + environment.File + ", or it is no longer kept."}, nil
		case errors.Is(err, artifacts.ErrCorrupt):
			return Difference{Gone: damaged}, nil
		case err != nil:
			return Difference{}, err
		}
	}
	changes, err := environment.Diff(raw[0], raw[1])
	if err != nil {
		return Difference{Gone: damaged}, nil //nolint:nilerr // that is what the page tells
	}
	shown := changes[:min(len(changes), maxChanges)]
	return Difference{Changes: shown, More: len(changes) - len(shown)}, nil
}

// damaged is said of an environment that makes no sense.
const damaged = "An " + environment.File + " is damaged."

// environmentOf reads what a run left of its environment.
func environmentOf(ctx context.Context, store Objects, r *model.Run) ([]byte, error) {
	i := slices.IndexFunc(r.Artifacts, func(a events.Artifact) bool { return a.Name == environment.File })
	if i < 0 {
		return nil, fmt.Errorf("environment of run %s: %w", r.Run, model.ErrUnknown)
	}
	body, _, err := store.Open(ctx, r.Artifacts[i].Key, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	return io.ReadAll(io.LimitReader(body, environment.MaxSize))
}

// sides are the differences of a bench that was held against a baseline; a page
// does without where they cannot be had just now.
func (h *Handler) sides(ctx context.Context, b model.Bench) *sidesView {
	if b.Report == nil || b.Report.Baseline == "" {
		return nil
	}
	before, err := h.source.Bench(ctx, b.Report.Baseline)
	if err != nil {
		return nil
	}
	list, err := Differences(ctx, h.objects, before, b)
	if err != nil || len(list) == 0 {
		return nil
	}
	return &sidesView{list}
}

// runSides are the differences between the first of some runs and each other.
func (h *Handler) runSides(ctx context.Context, runs []*model.Run) *sidesView {
	v := &sidesView{}
	for i, r := range runs[1:min(len(runs), maxPairs)] {
		d, err := differ(ctx, h.objects, runs[0], r)
		if err != nil {
			return nil
		}
		v.List = together(v.List, d, fmt.Sprintf("run %d against run 1", i+2))
	}
	return v
}

// sidesView is what the template shows of differences.
type sidesView struct{ List []Difference }

// None tells that nothing differs anywhere.
func (s sidesView) None() bool {
	return !slices.ContainsFunc(s.List, func(d Difference) bool { return len(d.Changes) > 0 || d.Gone != "" })
}
