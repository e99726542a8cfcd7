package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/repos"
)

// reconciler finds the pushes that no webhook told of: GitHub never sends a
// delivery again that met a closed door. Every replica runs one; what they
// publish has the same id, and a webhook that comes late repeats it.
type reconciler struct {
	refs   *refs
	bus    *bus.Bus
	log    *slog.Logger
	policy func() *repos.Policy
	heads  func(ctx context.Context, url string) (map[string]string, error)
	every  time.Duration
}

// lookedAt is what a look at a repository found.
type lookedAt struct {
	// Heads by ref that have been dealt with.
	Heads map[string]string `json:"heads"`
	// Pending are heads that nobody told of yet. They are given until the next
	// look: their webhook may be on its way.
	Pending map[string]string `json:"pending,omitempty"`
}

// maxRefsWatched bounds the refs of one repository, so that what is kept of it
// fits into one entry of the bucket.
const maxRefsWatched = 5000

// run looks at every watched repository until ctx ends.
func (r *reconciler) run(ctx context.Context) error {
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			r.look(ctx)
		}
	}
}

func (r *reconciler) look(ctx context.Context) {
	for _, rule := range r.policy().Reconciled() {
		for _, name := range rule.Repositories {
			repo := events.Repo{Forge: rule.Forges[0], Name: name, CloneURL: rule.CloneURL(name, "")}
			if err := r.repository(ctx, repo); err != nil && ctx.Err() == nil {
				r.log.Warn("missed pushes not looked for", "repo", name, "error", err)
			}
		}
	}
}

func (r *reconciler) repository(ctx context.Context, repo events.Repo) error {
	now, err := r.heads(ctx, repo.CloneURL)
	if err != nil {
		return err
	}
	if len(now) > maxRefsWatched {
		return errors.New("the repository has too many refs to be watched: rely on its webhook")
	}
	key := "heads." + events.HashID(repo.Forge, repo.Name)
	var last lookedAt
	revision, err := r.refs.load(ctx, key, &last)
	if err != nil {
		return err
	}
	if revision == 0 { // what was there before we looked was not missed
		_, err = r.refs.swap(ctx, key, 0, lookedAt{Heads: now})
		return err
	}
	next, err := r.compare(ctx, repo, last, now, revision)
	if err != nil {
		return err
	}
	_, err = r.refs.swap(ctx, key, revision, next)
	return err
}

// compare publishes what was missed and returns what to remember.
func (r *reconciler) compare(ctx context.Context, repo events.Repo, last lookedAt, now map[string]string, revision uint64) (lookedAt, error) {
	next := lookedAt{Heads: maps.Clone(last.Heads), Pending: map[string]string{}}
	if next.Heads == nil {
		next.Heads = map[string]string{}
	}
	for _, ref := range changedRefs(last.Heads, now) {
		head := now[ref] // "" when the ref is gone
		told, before, err := r.told(ctx, repo, ref, head, last.Heads[ref])
		if err != nil {
			return lookedAt{}, err
		}
		switch {
		case told:
			next.settle(ref, head)
		case last.Pending[ref] == id(head, before):
			if err := r.publish(ctx, repo, ref, before, id(head, before), revision); err != nil {
				return lookedAt{}, err
			}
			next.settle(ref, head)
		default:
			next.Pending[ref] = id(head, before)
		}
	}
	return next, nil
}

func (l *lookedAt) settle(ref, head string) {
	if head == "" {
		delete(l.Heads, ref)
		return
	}
	l.Heads[ref] = head
}

// changedRefs are the refs that are not as they were, sorted.
func changedRefs(was, is map[string]string) []string {
	var refs []string
	for ref, head := range is {
		if was[ref] != head {
			refs = append(refs, ref)
		}
	}
	for ref := range was {
		if _, there := is[ref]; !there {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	return refs
}

// told tells whether a push has brought a ref to where it is, and where it was
// before as far as is known.
func (r *reconciler) told(ctx context.Context, repo events.Repo, ref, head, seen string) (told bool, before string, err error) {
	var state refState
	if _, err := r.refs.load(ctx, refKey(repo, ref), &state); err != nil {
		return false, "", err
	}
	before = state.After
	if before == "" {
		before = seen
	}
	if before == "" {
		before = strings.Repeat("0", max(len(head), len(zeroID)))
	}
	return state.After == id(head, before), before, nil
}

// id writes the head of a ref that is gone as git does.
func id(head, like string) string {
	if head == "" {
		return strings.Repeat("0", len(like))
	}
	return head
}

// publish reports a missed push. Its delivery is the state of the bucket that the
// look started from: the same for every replica that found it, and another one
// when the ref returns to where it was.
func (r *reconciler) publish(ctx context.Context, repo events.Repo, ref, before, after string, revision uint64) error {
	p := events.Push{Repo: repo, Ref: ref, Before: before, After: after}
	delivery := fmt.Sprint("reconciled ", revision)
	p.Push = events.PushID(repo.Forge, repo.Name, ref, before, after, delivery)
	r.log.Info("push was missed", "repo", repo.Name, "ref", ref, "after", after)
	_, err := r.bus.Publish(ctx, events.New(r.bus.Source(), p.Push, nil, events.PushReceived{Push: p, Delivery: delivery, Reconciled: true}))
	return err
}
