package plot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/verdict"
)

// sinceStored is the age of an event in the stream.
func sinceStored(d *bus.Delivery) time.Duration { return time.Since(d.Stored) }

// settle ends a bench if all of its runs have ended. It may be called at any
// time and any number of times: the tally says whether it is complete, the
// bus that it has ended already.
func (s *Service) settle(ctx context.Context, d *bus.Delivery, bench string) error {
	p, err := s.placement(ctx, bench)
	if err != nil || p == nil {
		return err // bench.placed will come, and settle it
	}
	if n, err := s.drawn(ctx, bench); err != nil || n < size(p) {
		return err
	}
	if _, over, err := s.bus.Ended(ctx, events.BenchEndFilter(bench)); err != nil || over {
		return err
	}
	b, err := s.whole(ctx, p, planned(p))
	if err != nil {
		return err
	}
	doubted, err := s.doubted(ctx, p)
	if err != nil {
		return err
	}
	if doubted == nil {
		if over, err := s.endCancelled(ctx, d, b, false); over || err != nil {
			return err
		}
		made, err := s.judge(ctx, p, b)
		if err != nil {
			return err
		}
		if !doubtful(p, made) {
			return s.report(ctx, d, p, b, made)
		}
		if doubted, err = s.doubt(ctx, p, b, made); err != nil {
			return err
		}
	}
	// The command to stop the bench is looked for after the doubt is stored, and
	// the doubt after the command is: whichever comes second is seen.
	if over, err := s.endCancelled(ctx, d, b, true); over || err != nil {
		return err
	}
	made, over, err := s.lookAgain(ctx, d, p, *doubted)
	if err != nil || !over {
		return err // the end of the second look will come, and settle it
	}
	return s.report(ctx, d, p, b, made)
}

// report ends a bench with its verdict, and enters it into its history before
// the next bench of its name is judged.
func (s *Service) report(ctx context.Context, d *bus.Delivery, p *events.Placement, b model.Bench, made decision) error {
	reported, err := s.reported(ctx, p, b, made)
	if err != nil {
		return err
	}
	ending, err := d.End(ctx, "", reported)
	if err != nil || !ending.Won {
		return err
	}
	return away(s.remember(ctx, reported, ending.Event.Time))
}

// How many objects are read and written at once. Each write waits for a disk.
const (
	readers = 16
	writers = 4
)

// whole reads the ends and figures of all runs from the archive into a bench.
func (s *Service) whole(ctx context.Context, p *events.Placement, runs []events.RunRef) (model.Bench, error) {
	m := model.New(len(runs) + 1)
	m.Apply(events.Event{Type: events.TypeBenchPlaced, Data: events.BenchPlaced{
		Bench: p.Bench, Name: p.Request.Name, Runs: len(runs), Slots: len(p.Slots), PlacedAt: p.PlacedAt, Deadline: p.Deadline, Origin: p.Request.Origin, Confirms: p.Request.Confirms,
	}}, p.PlacedAt)
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for _, ref := range runs {
		group.Go(func() error {
			end, err := s.archive.get(reading, p.Bench, ref.Run+".ended")
			if err != nil {
				return away(fmt.Errorf("read the end of run %s: %w", ref.Run, err))
			}
			m.Apply(end.Event, end.Stored)
			if end.Event.Type != events.TypeRunCompleted {
				return nil
			}
			plots, err := s.archive.get(reading, p.Bench, ref.Run+".plots")
			if err != nil {
				return away(fmt.Errorf("read the figures of run %s: %w", ref.Run, err))
			}
			m.Apply(plots.Event, plots.Stored)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return model.Bench{}, err
	}
	b, _ := m.Bench(p.Bench)
	if err := s.machines(ctx, m, b); err != nil {
		return b, err
	}
	b, _ = m.Bench(p.Bench)
	return b, nil
}

// endCancelled ends a bench that was cancelled, and tells whether it was.
func (s *Service) endCancelled(ctx context.Context, d *bus.Delivery, b model.Bench, waiting bool) (bool, error) {
	c, err := s.cancelled(ctx, b, waiting)
	if err != nil || c == nil {
		return false, err
	}
	_, err = d.End(ctx, "", *c)
	return true, err
}

// cancelled returns the end of a bench of which runs were cancelled; nil if
// none was. Runs that no worker was there to cancel have expired instead. A
// bench whose runs all ended before the command reached them is reported like
// any other, unless it waits for a second look: then nobody wants that either.
func (s *Service) cancelled(ctx context.Context, b model.Bench, waiting bool) (*events.BenchCancelled, error) {
	end := events.BenchCancelled{Bench: b.ID, Name: b.Name, Counts: b.Counts(), Origin: b.Origin}
	if b.Placed != nil {
		end.Confirms = b.Placed.Confirms
	}
	for _, r := range b.Runs {
		if c := r.Cancelled; c != nil && !c.NotNeeded() {
			end.Reason, end.By = c.Reason, c.By
			return &end, nil
		}
	}
	if end.Counts.Expired == 0 && !waiting {
		return nil, nil
	}
	c, asked, err := s.bus.Cancelled(ctx, b.ID)
	if err != nil || !asked {
		return nil, err
	}
	end.Reason, end.By = c.Reason, c.By
	return &end, nil
}

// decision is the document reports/<bench>/verdict.json. Created once, it is
// the verdict: a replica that comes second, or after a crash, announces what
// the first one found, although the history may have moved on since.
type decision struct {
	Verdict     events.Verdict      `json:"verdict"`
	Headline    string              `json:"headline"`
	Baseline    string              `json:"baseline,omitempty"`
	Comparisons []events.Comparison `json:"comparisons,omitempty"`
	// Shift, Recovered and Confirmation as [events.BenchReported] has them.
	Shift        *events.Shift        `json:"shift,omitempty"`
	Recovered    *events.Shift        `json:"recovered,omitempty"`
	Confirmation *events.Confirmation `json:"confirmation,omitempty"`
	verdict.Bench
}

// result is the verdict as a judgement.
func (d decision) result() verdict.Result {
	return verdict.Result{Verdict: d.Verdict, Headline: d.Headline, Comparisons: d.Comparisons}
}

// ruled is the decision with another judgement.
func (d decision) ruled(r verdict.Result) decision {
	d.Verdict, d.Headline, d.Comparisons = r.Verdict, clip(r.Headline, maxHeadline), r.Comparisons
	return d
}

// maxHeadline bounds what a report says in a sentence, in bytes.
const maxHeadline = 1000

// maxVerdict bounds a verdict document.
const maxVerdict = 64 << 20

// reported decides about a bench and writes its report.
func (s *Service) reported(ctx context.Context, p *events.Placement, b model.Bench, made decision) (events.BenchReported, error) {
	final, claim, err := s.decide(ctx, made)
	if err != nil {
		return events.BenchReported{}, err
	}
	data := events.BenchReported{
		Bench: b.ID, Name: b.Name, Verdict: final.Verdict, Headline: final.Headline, Counts: final.Counts,
		Comparisons: final.Comparisons[:min(len(final.Comparisons), 50)], Baseline: final.Baseline,
		URL: s.url + "/benches/" + b.ID, Origin: b.Origin,
		Shift: final.Shift, Recovered: final.Recovered, Confirmation: final.Confirmation, Confirms: p.Request.Confirms,
	}
	b.Report, b.State = &data, model.StateReported
	if data.Reports, err = s.write(ctx, p, b, final); err != nil {
		return data, err
	}
	data.Reports = append(data.Reports, events.Artifact{Name: fileVerdict, ClaimCheck: claim})
	return data, nil
}

// file is something to be stored.
type file struct {
	name, mediaType string
	body            []byte
}

// keepAll stores files under the keys of their names.
func (s *Service) keepAll(ctx context.Context, files []file, key func(string) string) ([]events.Artifact, error) {
	out := make([]events.Artifact, len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i, f := range files {
		group.Go(func() error {
			claim, err := s.keep(ctx, key(f.name), f.mediaType, f.body)
			out[i] = events.Artifact{Name: f.name, ClaimCheck: claim}
			return err
		})
	}
	return out, group.Wait()
}

// decide stores the decision, or returns the one that was there first.
func (s *Service) decide(ctx context.Context, made decision) (decision, events.ClaimCheck, error) {
	raw, err := json.Marshal(made)
	if err != nil {
		return made, events.ClaimCheck{}, bus.Permanent(fmt.Errorf("encode verdict: %w", err))
	}
	key := artifacts.ReportKey(made.Bench.Bench, fileVerdict)
	claim, err := s.store.Put(ctx, key, "application/json", bytes.NewReader(raw))
	if !errors.Is(err, artifacts.ErrExists) {
		return made, claim, away(err)
	}
	var first decision
	if err := readJSON(ctx, s.store, key, maxVerdict, &first); err != nil {
		return made, claim, away(err)
	}
	claim, err = s.store.Claim(ctx, key)
	return first, claim, away(err)
}

// keep stores what was made, or claims what an earlier attempt stored in its
// place: drawn by another version it may differ in a byte, and says the same.
func (s *Service) keep(ctx context.Context, key, mediaType string, body []byte) (events.ClaimCheck, error) {
	claim, err := s.store.Put(ctx, key, mediaType, bytes.NewReader(body))
	if errors.Is(err, artifacts.ErrExists) {
		claim, err = s.store.Claim(ctx, key)
	}
	return claim, away(err)
}

// judge holds a bench against its baseline, or against what it confirms.
func (s *Service) judge(ctx context.Context, p *events.Placement, b model.Bench) (decision, error) {
	made := decision{Bench: samples(b)}
	if p.Request.Confirms != "" {
		return s.judgeSecond(ctx, p, made)
	}
	before, err := s.baseline(ctx, p)
	if err != nil {
		return made, err
	}
	if before != nil {
		made.Baseline = before.Bench
		if err := errors.Join(s.addBaselineTails(ctx, before), s.addTails(ctx, b, &made.Bench)); err != nil {
			return made, err
		}
	}
	return s.told(ctx, p, made.ruled(verdict.Judge(before, made.Bench, s.options(p))))
}

// options are what a bench wants to be judged by.
func (s *Service) options(p *events.Placement) verdict.Options {
	opt := verdict.Options{Threshold: s.threshold(p)}
	if c := p.Request.Compare; c != nil {
		opt.Figures = c.Metrics
	}
	return opt
}

// threshold is the least relative shift that a bench wants to be told.
func (s *Service) threshold(p *events.Placement) float64 {
	if c := p.Request.Compare; c != nil {
		if share, ok := parsePercent(c.Threshold); ok {
			return share
		}
	}
	return s.cfg.Threshold
}

// samples is what a bench contributes to a comparison.
func samples(b model.Bench) verdict.Bench {
	out := verdict.Bench{Bench: b.ID, Counts: b.Counts()}
	for _, r := range b.Runs {
		if c := r.Completed; c != nil {
			out.Runs = append(out.Runs, verdict.Run{
				Run: r.Run, Job: r.Job, Point: r.Point.Key(), Host: r.Host, HostClass: c.HostClass, DeviceClass: c.DeviceClass,
				Integrity: c.Integrity.State, Faults: verdict.Faults(c.Integrity), Values: verdict.Values(c.Summary), LatencyOf: verdict.LatencyOf(c.Summary),
			})
		}
	}
	return out
}

// reportNothing is owed when the last step of a bench fails for good: nobody
// must wait for it for ever.
func (s *Service) reportNothing(ctx context.Context, d *bus.Delivery, cause error) error {
	bench, _ := model.Of(d.Event)
	return s.reportInvalid(ctx, d, bench, cause)
}

func (s *Service) reportInvalid(ctx context.Context, d *bus.Delivery, bench string, cause error) error {
	data := events.BenchReported{
		Bench: bench, Name: bench, Verdict: events.VerdictInvalid, URL: s.url + "/benches/" + bench,
		Headline: "The report could not be made: " + clip(cause.Error(), 900),
	}
	if b, ok := s.model.Bench(bench); ok && b.Name != "" {
		data.Name, data.Counts, data.Origin, data.Confirms = b.Name, b.Counts(), b.Origin, b.Confirms
	}
	_, err := d.End(ctx, "dead", data)
	return err
}

// clip bounds a text for an event.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return string(bytes.ToValidUTF8([]byte(s[:n]), nil)) + "…"
}
