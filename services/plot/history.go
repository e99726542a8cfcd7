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
	"github.com/fiord-bench/fiord/services/plot/verdict"
)

// history is what is remembered of the benches of one name on one ref of one
// repository, newest last: the document archive/history/<id>.json. Baselines
// are looked up in it and trends drawn from it.
type history struct {
	Repo    string  `json:"repo"`
	Name    string  `json:"name"`
	Ref     string  `json:"ref"`
	Entries []entry `json:"entries"`
}

// entry is one bench that was reported.
type entry struct {
	Bench   string         `json:"bench"`
	Commit  string         `json:"commit"`
	At      time.Time      `json:"at"`
	Verdict events.Verdict `json:"verdict"`
	// Accepted by a person as the new baseline, whatever the verdict.
	Accepted bool `json:"accepted,omitempty"`
}

// maxHistory bounds how many benches a history keeps.
const maxHistory = 500

// historyKey is where the history of a bench's name on a ref is kept.
func historyKey(repo, name, ref string) string {
	return artifacts.ArchiveKey("history", events.HashID("history", repo, name, ref))
}

// remember adds a report to its history. Doing so twice changes nothing.
func (s *Service) remember(ctx context.Context, d events.BenchReported, at time.Time) error {
	if d.Origin == nil {
		return nil
	}
	return s.changeHistory(ctx, d.Origin.Repo.Name, d.Name, d.Origin.Ref, func(h *history) bool {
		for _, e := range h.Entries {
			if e.Bench == d.Bench {
				return false
			}
		}
		h.Entries = append(h.Entries, entry{Bench: d.Bench, Commit: d.Origin.Commit, At: at, Verdict: d.Verdict})
		h.Entries = h.Entries[max(0, len(h.Entries)-maxHistory):]
		return true
	})
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
	if err := s.remember(ctx, r, seen.Event.Time); err != nil {
		return err
	}
	return s.changeHistory(ctx, r.Origin.Repo.Name, r.Name, r.Origin.Ref, func(h *history) bool {
		for i := range h.Entries {
			if h.Entries[i].Bench == d.Bench && !h.Entries[i].Accepted {
				h.Entries[i].Accepted = true
				return true
			}
		}
		return false
	})
}

// changeHistory changes a history by compare-and-set.
func (s *Service) changeHistory(ctx context.Context, repo, name, ref string, change func(*history) bool) error {
	return s.store.Update(ctx, historyKey(repo, name, ref), "application/json", func(current []byte) ([]byte, error) {
		h := history{Repo: repo, Name: name, Ref: ref}
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
		var h history
		err := readJSON(ctx, s.store, historyKey(p.Request.Origin.Repo.Name, p.Request.Name, ref), maxVerdict, &h)
		if errors.Is(err, artifacts.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, away(err)
		}
		if id := h.newest(p.Bench); id != "" {
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

// newest returns the newest bench that may serve as a baseline, other than the
// one to be judged. What regressed doesn't, until somebody accepts it: or else
// each shift would be forgotten after one report.
func (h history) newest(not string) string {
	for i := len(h.Entries) - 1; i >= 0; i-- {
		e := h.Entries[i]
		switch e.Verdict {
		case events.VerdictFailed, events.VerdictInvalid, events.VerdictRegressed:
			if !e.Accepted {
				continue
			}
		}
		if e.Bench != not {
			return e.Bench
		}
	}
	return ""
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
