package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

// scheduler fires the ticks of all repositories' schedules. Every replica runs
// one: a tick's event has an id derived from the schedule and the time it
// names, so that all of them together fire it once.
type scheduler struct {
	refs  *refs
	bus   *bus.Bus
	log   *slog.Logger
	now   func() time.Time
	clone func(events.Repo) string // where the operator wants a repository fetched from

	mu    sync.Mutex
	repos map[string]repoSchedules // by key
}

const (
	// wakeEvery is how often schedules are looked at: twice within the finest
	// step of a cron expression.
	wakeEvery = 20 * time.Second
	// late is how long after its time a tick still counts as on time.
	late = 2 * time.Minute
	// longestOutage bounds how far back missed ticks are looked for.
	longestOutage = 31 * 24 * time.Hour
)

// run follows the schedules and fires what is due until ctx ends.
func (s *scheduler) run(ctx context.Context) error {
	watch, err := s.refs.kv.Watch(ctx, schedulesPrefix+">")
	if err != nil {
		return fmt.Errorf("follow schedules: %w", err)
	}
	defer func() { _ = watch.Stop() }() // ends with its connection anyway
	tick := time.NewTicker(wakeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-watch.Updates():
			if e == nil { // all that was there has been seen
				s.fireDue(ctx)
				continue
			}
			s.learn(e)
		case <-tick.C:
			s.fireDue(ctx)
		}
	}
}

func (s *scheduler) learn(e jetstream.KeyValueEntry) {
	var r repoSchedules
	if err := json.Unmarshal(e.Value(), &r); err != nil && e.Operation() == jetstream.KeyValuePut {
		s.log.Warn("schedules cannot be read", "key", e.Key(), "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.repos == nil {
		s.repos = map[string]repoSchedules{}
	}
	s.repos[e.Key()] = r
}

// fireDue fires every schedule that is due. One that cannot be fired now is
// due the next time, too.
func (s *scheduler) fireDue(ctx context.Context) {
	s.mu.Lock()
	all := make([]repoSchedules, 0, len(s.repos))
	for _, r := range s.repos {
		all = append(all, r)
	}
	s.mu.Unlock()
	for _, r := range all {
		for _, sched := range r.Schedules {
			if err := s.fire(ctx, r, sched); err != nil && ctx.Err() == nil {
				s.log.Warn("schedule not fired, will be tried again", "repo", r.Repo.Name, "schedule", sched.Cron, "error", err)
			}
		}
	}
}

// tickState is the last tick of a schedule that was fired or let go.
type tickState struct {
	Tick time.Time `json:"tick"`
}

func (s *scheduler) fire(ctx context.Context, r repoSchedules, sched repofile.Schedule) error {
	id := events.HashID("schedule", r.Repo.Forge, r.Repo.Name, sched.Cron, sched.Timezone, sched.Branch)
	var last tickState
	revision, err := s.refs.load(ctx, "tick."+id, &last)
	if err != nil {
		return err
	}
	if last.Tick.Before(r.Since) {
		last.Tick = r.Since
	}
	now := s.now()
	tick, ok, err := due(sched, last.Tick, now)
	if err != nil || !ok {
		return err
	}
	missed := now.Sub(tick) > late
	if !missed || sched.Missed != "skip" {
		if err := s.publish(ctx, id, r.Repo, sched, tick, missed); err != nil {
			return err
		}
	}
	// Should another replica have been faster, it has published the same.
	_, err = s.refs.swap(ctx, "tick."+id, revision, tickState{tick})
	return err
}

func (s *scheduler) publish(ctx context.Context, id string, r events.Repo, sched repofile.Schedule, tick time.Time, missed bool) error {
	branch := sched.Branch
	if branch == "" {
		branch = defaultBranch(r)
	}
	r.CloneURL = s.clone(r)
	e := events.New(s.bus.Source(), id+" "+tick.UTC().Format(time.RFC3339), nil, events.ScheduleFired{
		Schedule: id, Repo: r, Ref: "refs/heads/" + strings.TrimPrefix(branch, "refs/heads/"), Expression: sched.Cron, Tick: tick.UTC(), Missed: missed,
	})
	_, err := s.bus.Publish(ctx, e)
	return err
}

// due is the latest tick after last and not after now. Several that were missed
// are made up for by one.
func due(sched repofile.Schedule, last, now time.Time) (tick time.Time, ok bool, err error) {
	ticks, err := repofile.ParseSchedule(sched)
	if err != nil {
		return time.Time{}, false, err
	}
	if oldest := now.Add(-longestOutage); last.Before(oldest) {
		last = oldest
	}
	for next := ticks.Next(last); !next.IsZero() && !next.After(now); next = ticks.Next(next) {
		tick, ok = next, true
	}
	return tick, ok, nil
}
