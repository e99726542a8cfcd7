package plot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/verdict"
	"github.com/fiord-bench/fiord/verdict/history"
)

// remember adds a report to its history. Doing so twice changes nothing. A
// bench that confirms another has none: it is part of the other's.
func (s *Service) remember(ctx context.Context, d events.BenchReported, at time.Time) error {
	if d.Origin == nil || d.Confirms != "" {
		return nil
	}
	e := history.Entry{
		Bench: d.Bench, Commit: d.Origin.Commit, At: at, Verdict: d.Verdict,
		Unconfirmed: d.Confirmation != nil && d.Confirmation.Outcome != events.OutcomeConfirmed,
	}
	list := d.Comparisons
	if d.Shift != nil { // the event has only the greatest of what regressed
		var whole decision
		err := readJSON(ctx, s.store, artifacts.ReportKey(d.Bench, fileVerdict), maxVerdict, &whole)
		if err != nil && !errors.Is(err, artifacts.ErrNotFound) {
			return err
		}
		if err == nil {
			list = whole.Comparisons
		}
	}
	return s.changeHistory(ctx, d.Origin.Repo.Name, d.Name, d.Origin.Ref, func(h *history.History) bool {
		return h.Report(e, history.Outcome{Shift: d.Shift, Recovered: d.Recovered}, list)
	})
}

// told finds which shift a verdict is part of, or the end of. A bench that no
// commit asked for has no history, and each regression is news.
func (s *Service) told(ctx context.Context, p *events.Placement, made decision) (decision, error) {
	var h history.History
	commit := ""
	if o := p.Request.Origin; o != nil {
		var err error
		if h, err = s.history(ctx, o.Repo.Name, p.Request.Name, o.Ref); err != nil {
			return made, away(err)
		}
		commit = o.Commit
	}
	out := h.Next(p.Bench, commit, made.Verdict, made.Comparisons, s.threshold(p))
	made.Shift, made.Recovered = out.Shift, out.Recovered
	switch {
	case out.Recovered != nil:
		made.Headline = clip(fmt.Sprintf("Recovered from what regressed%s. %s", since(*out.Recovered), made.Headline), maxHeadline)
	case out.Shift != nil && out.Shift.Reports > 1:
		made.Headline = clip(fmt.Sprintf("Still regressed%s: %s", since(*out.Shift), strings.TrimPrefix(made.Headline, "Regressed: ")), maxHeadline)
	}
	return made, nil
}

// since names the commit at which a shift began.
func since(s events.Shift) string {
	if s.Commit == "" {
		return ""
	}
	return ", since " + s.Commit[:min(7, len(s.Commit))]
}

// accept marks a bench as the baseline from now on.
func (s *Service) accept(ctx context.Context, d events.BaselineAccepted) error {
	seen, err := s.archive.get(ctx, d.Bench, "ended")
	if err != nil {
		return fmt.Errorf("accept bench %s: %w", d.Bench, err)
	}
	r, ok := seen.Event.Data.(events.BenchReported)
	if !ok || r.Origin == nil {
		return nil // nothing is ever held against a bench that no commit asked for
	}
	if err := s.mayAccept(d, r.Origin.Repo); err != nil {
		return bus.Permanent(fmt.Errorf("accept bench %s: %w", d.Bench, err))
	}
	if err := s.remember(ctx, r, seen.Event.Time); err != nil {
		return err
	}
	return s.changeHistory(ctx, r.Origin.Repo.Name, r.Name, r.Origin.Ref, func(h *history.History) bool { return h.Accept(d.Bench) })
}

// mayAccept holds the acceptance of a repository's baseline against the policy,
// read anew each time: there are few, and a right that was taken away is gone.
func (s *Service) mayAccept(d events.BaselineAccepted, repo events.Repo) error {
	policy, err := repos.Load(s.cfg.ReposFile)
	if err != nil {
		return err
	}
	_, err = policy.Judge(d, &repo)
	return err
}

// historyReads is how often a history is read that is replaced meanwhile.
const historyReads = 10

// history reads the benches of a name on a ref; none if there is no history. It
// is the one document that changes: replaced between the look at its hash and
// the reading, it does not fit, and is read again.
func (s *Service) history(ctx context.Context, repo, name, ref string) (h history.History, err error) {
	for range historyReads {
		h = history.History{}
		if err = readJSON(ctx, s.store, history.Key(repo, name, ref), maxVerdict, &h); !errors.Is(err, artifacts.ErrCorrupt) {
			break
		}
	}
	if errors.Is(err, artifacts.ErrNotFound) {
		return h, nil
	}
	return h, err
}

// changeHistory changes a history by compare-and-set.
func (s *Service) changeHistory(ctx context.Context, repo, name, ref string, change func(*history.History) bool) error {
	return s.store.Update(ctx, history.Key(repo, name, ref), "application/json", func(current []byte) ([]byte, error) {
		h := history.History{Repo: repo, Name: name, Ref: ref}
		if current != nil {
			if err := json.Unmarshal(current, &h); err != nil {
				return nil, fmt.Errorf("decode history of %s: %w", name, err)
			}
		}
		if !change(&h) {
			return nil, nil
		}
		return json.Marshal(h)
	})
}

// baseline finds what a bench is to be held against; nil if nothing was asked
// for or there is nothing yet.
func (s *Service) baseline(ctx context.Context, p *events.Placement) (*verdict.Bench, error) {
	c := p.Request.Compare
	if c == nil {
		return nil, nil
	}
	if events.IsID(c.Baseline) {
		return s.judged(ctx, c.Baseline)
	}
	if p.Request.Origin == nil {
		return nil, nil
	}
	for _, ref := range refs(c.Baseline) {
		h, err := s.history(ctx, p.Request.Origin.Repo.Name, p.Request.Name, ref)
		if err != nil {
			return nil, away(err)
		}
		if id := h.Newest(p.Bench); id != "" {
			return s.judged(ctx, id)
		}
	}
	return nil, nil
}

// refs lists what a baseline may mean: a full ref, a branch, or a tag.
func refs(name string) []string {
	if strings.HasPrefix(name, "refs/") {
		return []string{name}
	}
	return []string{"refs/heads/" + name, "refs/tags/" + name}
}

// judged reads the samples of a bench that was reported.
func (s *Service) judged(ctx context.Context, bench string) (*verdict.Bench, error) {
	var d decision
	err := readJSON(ctx, s.store, artifacts.ReportKey(bench, fileVerdict), maxVerdict, &d)
	if errors.Is(err, artifacts.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, away(err)
	}
	return &d.Bench, nil
}

// parsePercent reads "5%" as 0.05.
func parsePercent(s string) (float64, bool) {
	number, ok := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(number, 64)
	return v / 100, ok && err == nil && v > 0
}
