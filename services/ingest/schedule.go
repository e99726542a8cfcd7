package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/checkout"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

// repoSchedules is what is kept of one repository's schedules: those of the
// newest push to its default branch.
type repoSchedules struct {
	Repo     events.Repo `json:"repo"`
	Sequence uint64      `json:"sequence"`
	// Since is when they were last set; ticks before that are not theirs.
	Since     time.Time           `json:"since"`
	Schedules []repofile.Schedule `json:"schedules,omitempty"`
}

const schedulesPrefix = "schedules."

func schedulesKey(r events.Repo) string { return schedulesPrefix + events.HashID(r.Forge, r.Name) }

// keepSchedules records what a push to the default branch says about schedules;
// a nil file takes them all away.
func (s *Service) keepSchedules(ctx context.Context, p events.Push, sequence uint64, f *repofile.File) error {
	if p.Pull != nil || p.Branch() == "" || p.Branch() != defaultBranch(p.Repo) {
		return nil
	}
	var wanted []repofile.Schedule
	if f != nil && f.On != nil {
		wanted = f.On.Schedule
	}
	for {
		var have repoSchedules
		revision, err := s.refs.load(ctx, schedulesKey(p.Repo), &have)
		if err != nil {
			return err
		}
		if have.Sequence >= sequence || revision == 0 && len(wanted) == 0 {
			return nil
		}
		next := repoSchedules{Repo: p.Repo, Sequence: sequence, Since: time.Now().UTC(), Schedules: wanted}
		if done, err := s.refs.swap(ctx, schedulesKey(p.Repo), revision, next); err != nil || done {
			return err
		}
	}
}

// defaultBranch is what the forge says, or what git has made of it for most.
func defaultBranch(r events.Repo) string {
	if r.DefaultBranch == "" {
		return "main"
	}
	return r.DefaultBranch
}

// scheduled reacts to schedule.fired: the head of the branch is measured.
func (s *Service) scheduled(ctx context.Context, d *bus.Delivery) error {
	data, err := bus.As[events.ScheduleFired](d)
	if err != nil {
		return err
	}
	p, err := s.headAsPush(ctx, data)
	if err == nil {
		err = s.measureHead(ctx, d, p)
	}
	return s.tell(ctx, d, p, err)
}

// headAsPush gives the head of the scheduled branch the form of a push that
// moved nothing.
func (s *Service) headAsPush(ctx context.Context, data events.ScheduleFired) (events.Push, error) {
	p := events.Push{Push: events.HashID("schedule", data.Schedule, data.Tick.UTC().Format(time.RFC3339)), Repo: data.Repo, Ref: data.Ref, Before: zeroID, After: zeroID}
	heads, err := s.git.Heads(ctx, data.Repo.CloneURL)
	if err != nil {
		return p, checkoutProblem(p, err)
	}
	head, ok := heads[data.Ref]
	if !ok {
		return p, &ignored{"the schedule " + data.Expression + " is for " + data.Ref + ", which is gone"}
	}
	p.Before, p.After = head, head
	return p, nil
}

const zeroID = "0000000000000000000000000000000000000000"

func (s *Service) measureHead(ctx context.Context, d *bus.Delivery, p events.Push) error {
	rule, ok := s.policy.Get().For(p.Repo.Forge, p.Repo.Name)
	if !ok {
		return reject(repos.RulePolicy, "no rule of the operator lets %s at %s run anything", p.Repo.Name, p.Repo.Forge)
	}
	tree, err := s.git.Open(ctx, checkout.Request{URL: p.Repo.CloneURL, Commit: p.After, Ref: p.Ref})
	if err != nil {
		return checkoutProblem(p, err)
	}
	defer func() { _ = tree.Close() }() // the next start sweeps what is left
	file, err := s.configuration(ctx, p, tree)
	if err != nil {
		return err
	}
	pl, err := s.fill(ctx, p, rule, tree, file)
	if err != nil {
		return err
	}
	for _, b := range pl.benches {
		b.Origin.Push = "" // there was none
		b.Requester = &events.Requester{Right: events.RightSchedule, Name: p.Repo.Name}
		if _, err := d.Emit(ctx, b.Name, b); err != nil {
			return fmt.Errorf("request bench %q: %w", b.Name, err)
		}
	}
	return nil
}

// scheduleDead is owed when a tick cannot be acted on.
func (s *Service) scheduleDead(ctx context.Context, d *bus.Delivery, cause error) error {
	data, err := bus.As[events.ScheduleFired](d)
	if err != nil {
		return nil //nolint:nilerr // unreadable, so nobody waits
	}
	p := events.Push{Push: events.HashID("schedule", data.Schedule, data.Tick.UTC().Format(time.RFC3339)), Repo: data.Repo, Ref: data.Ref, Before: zeroID, After: zeroID}
	_, err = d.Emit(ctx, p.Push, gaveUp(p, cause))
	return err
}
