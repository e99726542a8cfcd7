package plot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/verdict"
)

// doubt is the document reports/<bench>/confirm.json: a bench that regressed at
// first and wants that confirmed. Created once, it decides what is measured
// again: a replica that comes second, or after a crash, asks for the same,
// although history may have moved on since.
type doubt struct {
	// First is the verdict of the first look.
	First decision `json:"first"`
	// Of are the regressions that are measured again.
	Of []events.Comparison `json:"of"`
	// Stored is what the baseline measured of them.
	Stored verdict.Bench `json:"stored"`
	// Request is what is asked for.
	Request events.BenchRequested `json:"request"`
	// Impossible is why nothing can be asked for; empty if it can.
	Impossible string `json:"impossible,omitempty"`
}

// fileDoubt is the document's name.
const fileDoubt = "confirm.json"

// Least repeats of a side: with five against five the rank test can reject.
// And most samples that are measured again, those that regressed most.
const (
	leastRepeats = 5
	mostDoubted  = events.MaxSamples / 4
)

// doubtful tells whether a verdict has to be confirmed before it is told. A
// shift that was told before was confirmed then.
func doubtful(p *events.Placement, made decision) bool {
	c := p.Request.Compare
	return c != nil && c.Confirm && p.Request.Confirms == "" &&
		made.Verdict == events.VerdictRegressed && made.Shift != nil && made.Shift.Reports == 1 &&
		len(made.result().Regressed()) > 0 // a point that only stalls has nothing to be held against
}

// doubted returns the doubt about a bench, nil if there is none.
func (s *Service) doubted(ctx context.Context, p *events.Placement) (*doubt, error) {
	if c := p.Request.Compare; c == nil || !c.Confirm || p.Request.Confirms != "" {
		return nil, nil
	}
	return s.doubtOf(ctx, p.Bench)
}

func (s *Service) doubtOf(ctx context.Context, bench string) (*doubt, error) {
	var known doubt
	err := readJSON(ctx, s.store, artifacts.ReportKey(bench, fileDoubt), maxVerdict, &known)
	if errors.Is(err, artifacts.ErrNotFound) {
		return nil, nil
	}
	return &known, away(err)
}

// doubt stores what is to be measured again, or returns what was stored first.
func (s *Service) doubt(ctx context.Context, p *events.Placement, b model.Bench, made decision) (*doubt, error) {
	made.Shift = nil // it is told once it is confirmed
	doc := &doubt{First: made}
	before, err := s.judged(ctx, made.Baseline)
	if err != nil {
		return nil, err
	}
	if err := s.ask(ctx, p, b, doc); err != nil {
		return nil, err
	}
	if before != nil {
		doc.Stored = verdict.Bench{Bench: before.Bench, Counts: before.Counts, Runs: runsOf(doc.Of, before.Runs)}
	}
	if err := doc.Request.Validate(); err != nil && doc.Impossible == "" {
		doc.Impossible = "it cannot be asked for: " + clip(err.Error(), 500)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, bus.Permanent(fmt.Errorf("encode %s: %w", fileDoubt, err))
	}
	_, err = s.store.Put(ctx, artifacts.ReportKey(b.ID, fileDoubt), "application/json", bytes.NewReader(raw))
	if errors.Is(err, artifacts.ErrExists) {
		return s.doubtOf(ctx, b.ID)
	}
	return doc, away(err)
}

// runsOf are the runs that regressions were told from, or against.
func runsOf(regressed []events.Comparison, runs []verdict.Run) []verdict.Run {
	return slices.DeleteFunc(slices.Clone(runs), func(r verdict.Run) bool {
		return !slices.ContainsFunc(regressed, r.Of)
	})
}

// ask writes the request for the second look: the samples that regressed, on
// the hosts that they regressed on, as the first look measured them.
func (s *Service) ask(ctx context.Context, p *events.Placement, b model.Bench, doc *doubt) error {
	first := p.Request
	doc.Request = events.BenchRequested{
		Name: first.Name, Confirms: b.ID, Repeat: leastRepeats, Origin: first.Origin,
		Requester: &events.Requester{Right: events.RightConfirmation, Name: s.bus.Source()},
		Targets:   events.Targets{Where: first.Targets.Where},
		Limits:    first.Limits, Volume: first.Volume, VolumeDriver: first.VolumeDriver, VolumeOptions: first.VolumeOptions,
		Timeout: first.Timeout, Deadline: first.Deadline, Measure: fixed(first.Measure),
		Compare: &events.Compare{Baseline: doc.First.Baseline, Metrics: first.Compare.Metrics, Threshold: first.Compare.Threshold},
	}
	files, err := s.files(ctx, p)
	if err != nil {
		return err
	}
	old, err := s.oldFiles(ctx, doc.First.Baseline, first)
	if err != nil {
		return err
	}
	sided := map[string]bool{}
	for _, c := range doc.First.result().Regressed() {
		again := events.Sample{Job: c.Job, Point: pointOf(b, c)}
		if !slices.ContainsFunc(doc.Of, func(known events.Comparison) bool { return known.Job == c.Job && known.Point == c.Point }) {
			if len(sided) == mostDoubted {
				continue
			}
			sided[c.Job+";"+c.Point] = true
			if !doc.add(again, files, old) {
				doc.Impossible = "the job file " + c.Job + " is not to be had any more"
			}
		}
		doc.Of = append(doc.Of, c)
		doc.Request.Repeat = max(doc.Request.Repeat, min(c.NAfter, 1000))
	}
	doc.Request.Targets.Hosts = hostsOf(b, doc.Of)
	doc.Request.Targets.Synchronised = first.Targets.Synchronised && len(doc.Request.Targets.Hosts) > 1
	return nil
}

// add asks for a sample: for both sides where the baseline's job file was
// another, one after the other.
func (d *doubt) add(sample events.Sample, files, old map[string]events.ClaimCheck) bool {
	file, ok := files[sample.Job]
	if !ok {
		return false
	}
	sides := map[events.Side]events.ClaimCheck{events.SideAfter: file}
	if was, ok := old[sample.Job]; ok && was.SHA256 != file.SHA256 {
		sides[events.SideBefore] = was
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

// fixed is how the second look is measured: as carefully, but for the number of
// repeats, which is known.
func fixed(m *events.Measure) *events.Measure {
	if m == nil {
		return nil
	}
	again := *m
	again.Spread, again.SpreadOf, again.MaxRepeat = "", "", 0
	return &again
}

// oldFiles are the job files of the baseline, if they were measured under the
// settings of the bench in doubt. Under others the baseline cannot be measured
// beside it: what regressed may be the settings' doing.
func (s *Service) oldFiles(ctx context.Context, baseline string, now events.BenchRequested) (map[string]events.ClaimCheck, error) {
	p, err := s.placement(ctx, baseline)
	if err != nil || p == nil {
		return nil, err
	}
	was := p.Request
	if !reflect.DeepEqual(fixed(was.Measure), fixed(now.Measure)) || !reflect.DeepEqual(was.Limits, now.Limits) ||
		was.Volume != now.Volume || was.VolumeDriver != now.VolumeDriver || !reflect.DeepEqual(was.VolumeOptions, now.VolumeOptions) {
		return nil, nil
	}
	return s.files(ctx, p)
}

// files are the job files of a placed bench, by name. Lists that are gone are
// left out.
func (s *Service) files(ctx context.Context, p *events.Placement) (map[string]events.ClaimCheck, error) {
	out := map[string]events.ClaimCheck{}
	for _, slot := range p.Slots {
		if len(out) == len(p.Request.Jobs) {
			break // slots of a pool may have some files each
		}
		raw, err := s.store.ReadAll(ctx, slot.List, maxPlacement)
		if errors.Is(err, artifacts.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, away(fmt.Errorf("read the runs of bench %s: %w", p.Bench, err))
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
