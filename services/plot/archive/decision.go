package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/verdict"
)

// FileVerdict is the name of a decision among the files of its report.
const FileVerdict = "verdict.json"

// Decision is the document reports/<bench>/verdict.json. Created once, it is
// the verdict: a replica that comes second, or after a crash, announces what
// the first one found, although the history may have moved on since.
type Decision struct {
	Verdict     events.Verdict      `json:"verdict"`
	Headline    string              `json:"headline"`
	Baseline    string              `json:"baseline,omitempty"`
	Comparisons []events.Comparison `json:"comparisons,omitempty"`
	// Shift, Recovered, Settled and Confirmation as [events.BenchReported] has them.
	Shift        *events.Shift        `json:"shift,omitempty"`
	Recovered    *events.Shift        `json:"recovered,omitempty"`
	Settled      *events.Shift        `json:"settled,omitempty"`
	Confirmation *events.Confirmation `json:"confirmation,omitempty"`
	verdict.Bench
}

// Result is the verdict as a judgement.
func (d Decision) Result() verdict.Result {
	return verdict.Result{Verdict: d.Verdict, Headline: d.Headline, Comparisons: d.Comparisons}
}

// With is the decision with another judgement.
func (d Decision) With(r verdict.Result) Decision {
	d.Verdict, d.Headline, d.Comparisons = r.Verdict, events.Clip(r.Headline, events.MaxHeadline), r.Comparisons
	return d
}

// Decide stores the decision, or returns the one that was there first.
func (a *Archive) Decide(ctx context.Context, made Decision) (Decision, events.ClaimCheck, error) {
	raw, err := json.Marshal(made)
	if err != nil {
		return made, events.ClaimCheck{}, bus.Permanent(fmt.Errorf("encode verdict: %w", err))
	}
	key := artifacts.ReportKey(made.Bench.Bench, FileVerdict)
	claim, err := a.store.Put(ctx, key, "application/json", bytes.NewReader(raw))
	if !errors.Is(err, artifacts.ErrExists) {
		return made, claim, bus.ForStore(err)
	}
	var first Decision
	if err := readJSON(ctx, a.store, key, MaxDocument, &first); err != nil {
		return made, claim, bus.ForStore(err)
	}
	claim, err = a.store.Claim(ctx, key)
	return first, claim, bus.ForStore(err)
}

// Decision reads the decision about a bench; nil if there is none, or if it was
// removed.
func (a *Archive) Decision(ctx context.Context, bench string) (*Decision, error) {
	var d Decision
	err := readJSON(ctx, a.store, artifacts.ReportKey(bench, FileVerdict), MaxDocument, &d)
	if errors.Is(err, artifacts.ErrNotFound) {
		return nil, nil
	}
	return &d, err
}

// Measured reads the samples of a bench that was reported; nil if there are none.
func (a *Archive) Measured(ctx context.Context, bench string) (*verdict.Bench, error) {
	d, err := a.Decision(ctx, bench)
	if err != nil || d == nil {
		return nil, bus.ForStore(err)
	}
	return &d.Bench, nil
}
