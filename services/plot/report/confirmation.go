package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/verdict"
)

// confirmation is the document reports/<bench>/confirm.json: a bench that
// regressed and wants that confirmed before it is reported. Created once, it
// decides what is measured again: a replica that comes second, or after a crash,
// requests the same, although the history may have moved on since.
type confirmation struct {
	// First is the decision as it would be without a confirmation.
	First archive.Decision `json:"first"`
	// Of are the regressions that are measured again.
	Of []events.Comparison `json:"of"`
	// Stored is what the baseline measured of them.
	Stored verdict.Bench `json:"stored"`
	// Request is the bench that measures them.
	Request events.BenchRequested `json:"request"`
	// Same are the job files that are the baseline's own, measured under the same
	// settings: what shifted of them is the machine's doing.
	Same []string `json:"same,omitempty"`
	// Impossible is why it cannot be requested; empty if it can.
	Impossible string `json:"impossible,omitempty"`
	// NotBefore is when the request is published at the earliest: at once where both
	// sides are measured in turn, later where the machine itself is in question.
	NotBefore time.Time `json:"not_before,omitzero"`
}

// fileConfirmation is the document's name.
const fileConfirmation = "confirm.json"

// Least repeats of a side, with which the rank test can reject with one run lost.
// And most samples that are measured again, those that regressed most.
const (
	leastRepeats = events.ComparedRepeat
	mostSamples  = events.MaxSamples / 4
)

// needsConfirmation reports whether a verdict has to be confirmed before it is
// reported, which is so unless the bench excludes it. A shift that was reported
// before was confirmed then.
func needsConfirmation(p *events.Placement, made archive.Decision) bool {
	return mayConfirm(p) && made.Verdict == events.VerdictRegressed && made.Shift != nil && made.Shift.Reports <= 1 &&
		len(made.Result().Regressed()) > 0 // a point that only stalls has nothing to be held against
}

// mayConfirm reports whether a bench does not exclude that its regressions are
// confirmed.
func mayConfirm(p *events.Placement) bool {
	c := p.Request.Compare
	return c != nil && (c.Confirm == nil || *c.Confirm) && p.Request.Confirms == ""
}

// confirmation returns what was stored of a bench's confirmation; nil if it needs
// none.
func (r *Reporter) confirmation(ctx context.Context, p *events.Placement) (*confirmation, error) {
	if !mayConfirm(p) {
		return nil, nil
	}
	return r.readConfirmation(ctx, p.Bench)
}

func (r *Reporter) readConfirmation(ctx context.Context, bench string) (*confirmation, error) {
	var known confirmation
	err := r.archive.Read(ctx, artifacts.ReportKey(bench, fileConfirmation), &known)
	if errors.Is(err, artifacts.ErrNotFound) {
		return nil, nil
	}
	return &known, bus.ForStore(err)
}

// planConfirmation stores what is to be measured again, or returns what was stored
// first.
func (r *Reporter) planConfirmation(ctx context.Context, p *events.Placement, b model.Bench, made archive.Decision) (*confirmation, error) {
	made.Shift = nil // it is reported once it is confirmed
	doc := &confirmation{First: made}
	before, err := r.archive.Measured(ctx, made.Baseline)
	if err != nil {
		return nil, err
	}
	if err := r.compose(ctx, p, b, doc); err != nil {
		return nil, err
	}
	if before != nil {
		doc.Stored = verdict.Bench{Bench: before.Bench, Counts: before.Counts, Runs: runsOf(doc.Of, before.Runs)}
	}
	if err := doc.Request.Validate(); err != nil && doc.Impossible == "" {
		doc.Impossible = "it cannot be requested: " + events.Clip(err.Error(), 500)
	}
	if !doc.sided() {
		doc.NotBefore = time.Now().Add(r.opt.ConfirmAfter).UTC()
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, bus.Permanent(fmt.Errorf("encode %s: %w", fileConfirmation, err))
	}
	_, err = r.store.Put(ctx, artifacts.ReportKey(b.ID, fileConfirmation), "application/json", bytes.NewReader(raw))
	if errors.Is(err, artifacts.ErrExists) {
		return r.readConfirmation(ctx, b.ID)
	}
	return doc, bus.ForStore(err)
}

// runsOf are the runs that regressions were found in, or compared with.
func runsOf(regressed []events.Comparison, runs []verdict.Run) []verdict.Run {
	return slices.DeleteFunc(slices.Clone(runs), func(r verdict.Run) bool {
		return !slices.ContainsFunc(regressed, r.Of)
	})
}

// compose writes the request of the confirming bench: the samples that regressed,
// on the hosts that they regressed on, measured as before.
func (r *Reporter) compose(ctx context.Context, p *events.Placement, b model.Bench, doc *confirmation) error {
	first := p.Request
	doc.Request = events.BenchRequested{
		Name: first.Name, Confirms: b.ID, Repeat: leastRepeats, Origin: first.Origin,
		Requester: &events.Requester{Right: events.RightConfirmation, Name: r.bus.Source()},
		Targets:   events.Targets{Where: first.Targets.Where},
		Limits:    first.Limits, Volume: first.Volume, VolumeDriver: first.VolumeDriver, VolumeOptions: first.VolumeOptions,
		Timeout: first.Timeout, Deadline: first.Deadline, Measure: fixed(first.Measure),
		Compare: &events.Compare{Baseline: doc.First.Baseline, Metrics: first.Compare.Metrics, Threshold: first.Compare.Threshold},
	}
	files, err := r.files(ctx, p)
	if err != nil {
		return err
	}
	old, err := r.oldFiles(ctx, doc.First.Baseline, first)
	if err != nil {
		return err
	}
	sided := map[string]bool{}
	for _, c := range doc.First.Result().Regressed() {
		again := events.Sample{Job: c.Job, Point: pointOf(b, c)}
		if !slices.ContainsFunc(doc.Of, func(known events.Comparison) bool { return known.Job == c.Job && known.Point == c.Point }) {
			if len(sided) == mostSamples {
				continue
			}
			sided[c.Job+";"+c.Point] = true
			if !doc.add(again, files, old) {
				doc.Impossible = "the job file " + c.Job + " is no longer there"
			}
		}
		doc.Of = append(doc.Of, c)
		doc.Request.Repeat = max(doc.Request.Repeat, min(c.NAfter, 1000))
	}
	doc.Request.Targets.Hosts = hostsOf(b, doc.Of)
	doc.Request.Targets.Synchronised = first.Targets.Synchronised && len(doc.Request.Targets.Hosts) > 1
	return nil
}

// add requests a sample: on both sides where the baseline's job file was
// another, one after the other.
func (d *confirmation) add(sample events.Sample, files, old map[string]events.ClaimCheck) bool {
	file, ok := files[sample.Job]
	if !ok {
		return false
	}
	sides := map[events.Side]events.ClaimCheck{events.SideAfter: file}
	was, ok := old[sample.Job]
	switch {
	case ok && was.SHA256 != file.SHA256:
		sides[events.SideBefore] = was
	case ok && !slices.Contains(d.Same, sample.Job):
		d.Same = append(d.Same, sample.Job)
	}
	for _, side := range []events.Side{events.SideBefore, events.SideAfter} {
		claim, ok := sides[side]
		if !ok {
			continue
		}
		name := side.File(sample.Job)
		if !slices.ContainsFunc(d.Request.Jobs, func(j events.Job) bool { return j.Name == name }) {
			d.Request.Jobs = append(d.Request.Jobs, events.Job{Name: name, Claim: &claim, Side: side})
		}
		d.Request.Only = append(d.Request.Only, events.Sample{Job: name, Point: sample.Point})
	}
	return true
}

// sided reports whether the baseline's job files are measured as well.
func (d *confirmation) sided() bool {
	return slices.ContainsFunc(d.Request.Jobs, func(j events.Job) bool { return j.Side == events.SideBefore })
}

// fixed is how the confirming bench is measured: as carefully, but for the number
// of repeats, which is known.
func fixed(m *events.Measure) *events.Measure {
	if m == nil {
		return nil
	}
	again := *m
	again.Spread, again.SpreadOf, again.MaxRepeat = "", "", 0
	return &again
}

// oldFiles are the job files of the baseline, if they were measured under the
// settings of the bench to be confirmed. Under others the baseline cannot be
// measured beside it: what regressed may be the settings' doing.
func (r *Reporter) oldFiles(ctx context.Context, baseline string, now events.BenchRequested) (map[string]events.ClaimCheck, error) {
	p, err := r.placement(ctx, baseline)
	if err != nil || p == nil {
		return nil, err
	}
	was := p.Request
	if !reflect.DeepEqual(fixed(was.Measure), fixed(now.Measure)) || !reflect.DeepEqual(was.Limits, now.Limits) ||
		was.Volume != now.Volume || was.VolumeDriver != now.VolumeDriver || !reflect.DeepEqual(was.VolumeOptions, now.VolumeOptions) {
		return nil, nil
	}
	return r.files(ctx, p)
}

// files are the job files of a placed bench, by name. Lists that are gone are
// left out.
func (r *Reporter) files(ctx context.Context, p *events.Placement) (map[string]events.ClaimCheck, error) {
	out := map[string]events.ClaimCheck{}
	for _, slot := range p.Slots {
		if len(out) == len(p.Request.Jobs) {
			break // slots of a pool may have some files each
		}
		raw, err := r.store.ReadAll(ctx, slot.List, archive.MaxDocument)
		if errors.Is(err, artifacts.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, bus.ForStore(fmt.Errorf("read the runs of bench %s: %w", p.Bench, err))
		}
		var list events.RunList
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, bus.Permanent(fmt.Errorf("decode %s: %w", slot.List.Key, err))
		}
		for _, r := range list.Runs {
			out[r.Job] = r.File
		}
	}
	return out, nil
}

// pointOf finds the point that a comparison was made at.
func pointOf(b model.Bench, c events.Comparison) events.Point {
	for _, r := range b.Runs {
		if r.Point.Key() == c.Point {
			return r.Point
		}
	}
	return nil
}

// hostsOf lists the hosts that regressions were measured on.
func hostsOf(b model.Bench, regressed []events.Comparison) []string {
	var hosts []string
	for _, r := range runsOf(regressed, samples(b).Runs) {
		hosts = append(hosts, r.Host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}
