package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
)

// refState is what is kept of one ref of one repository.
type refState struct {
	// Push, Sequence, Before and After of the newest push that any replica has
	// met. The stream's sequence is the order, unless the repository contradicts
	// it: pushes are checked out side by side, and a slow checkout must not pass
	// for the newer push.
	Push     string `json:"push"`
	Sequence uint64 `json:"sequence"`
	Before   string `json:"before,omitempty"`
	After    string `json:"after"`
	// Asker and AskerSequence are of the newest push that asked for benches or
	// deleted the ref: what is older than that is superseded. A push that asks for
	// nothing (no path matched, a marker skipped it) makes nothing pointless.
	Asker         string `json:"asker,omitempty"`
	AskerSequence uint64 `json:"asker_sequence,omitempty"`
	// Seen are the pushes met, in the order of their sequences: one that is
	// delivered again, redriven or replayed is no newer for it.
	Seen []refPush `json:"seen,omitempty"`
	// Benches asked for, the oldest first.
	Benches []refBench `json:"benches,omitempty"`
}

// refPush is a push that was met.
type refPush struct {
	Push string `json:"push"`
	// Sequence is its place among the pushes of the ref.
	Sequence uint64 `json:"sequence"`
	Before   string `json:"before,omitempty"`
	After    string `json:"after,omitempty"`
	// Of is the push whose repetition this is; "" for itself.
	Of string `json:"of,omitempty"`
}

// refBench is a bench that a push asked for.
type refBench struct {
	Bench    string `json:"bench"`
	Push     string `json:"push"`
	Sequence uint64 `json:"sequence"`
	// Running tells that a newer push ends the bench even if it runs; Keep that
	// none does.
	Running bool `json:"running,omitempty"`
	Keep    bool `json:"keep,omitempty"`
	// Superseded tells that the cancellation has been published.
	Superseded bool `json:"superseded,omitempty"`
}

// maxRefs bounds what is kept of one ref; the oldest are forgotten, whose benches
// have long ended.
const maxRefs = 200

// asked tells whether a push has led to benches before.
func (s refState) asked(push string) bool {
	return slices.ContainsFunc(s.Benches, func(b refBench) bool { return b.Push == push })
}

// sequence is the place of a push that was met in the order of pushes.
func (s refState) sequence(push string) uint64 {
	for _, p := range s.Seen {
		if p.Push == push {
			return p.Sequence
		}
	}
	return 0
}

// stale are the benches that a newer push has made pointless and that nobody
// has cancelled.
func (s refState) stale() []refBench {
	var list []refBench
	for _, b := range s.Benches {
		if b.Sequence < s.AskerSequence && !b.Keep && !b.Superseded {
			list = append(list, b)
		}
	}
	return list
}

// met tells whether a push has been entered.
func (s refState) met(push string) bool { return s.sequence(push) != 0 }

// hadAfter tells whether the ref was at a commit before.
func (s refState) hadAfter(commit string) bool {
	return slices.ContainsFunc(s.Seen, func(p refPush) bool { return p.After == commit })
}

// repeatedSince reports whether a repetition of the newest push was met.
func (s refState) repeatedSince() bool {
	return slices.ContainsFunc(s.Seen, func(p refPush) bool { return p.Of != "" && p.Of == s.Push })
}

// first is the push that another repeats, or that push itself.
func (s refState) first(push string) string {
	for _, p := range s.Seen {
		if p.Push == push && p.Of != "" && s.met(p.Of) {
			return p.Of
		}
	}
	return push
}

// enter records a push that was not met before.
func (s *refState) enter(p refPush, how judgement) {
	switch how {
	case newest:
		p.Sequence = max(p.Sequence, s.Sequence+1)
		s.Push, s.Sequence, s.Before, s.After = p.Push, p.Sequence, p.Before, p.After
	case repeated:
		p.Of = s.first(s.Push)
	case overtaken:
		if same := s.lastAfter(p.After, p.Sequence); same != "" {
			p.Of = s.first(same)
		}
		p.Sequence = min(p.Sequence, max(s.Sequence, 2)-1) // behind the newest, wherever in the stream it is
	}
	s.Seen = append(s.Seen, p)
	slices.SortStableFunc(s.Seen, func(a, b refPush) int { return cmp.Compare(a.Sequence, b.Sequence) })
	s.Seen = last(s.Seen, maxRefs)
}

// lastAfter is the last push before a sequence, if it put the ref at a commit.
// Of a push that was overtaken and never met before there is none.
func (s refState) lastAfter(commit string, sequence uint64) (push string) {
	for _, p := range s.Seen {
		if p.Sequence < sequence && p.After == commit {
			push = p.Push
		}
	}
	return push
}

// ask records that a push asks for benches, or for none any more.
func (s *refState) ask(push string, sequence uint64, benches []refBench) {
	if sequence > s.AskerSequence {
		s.Asker, s.AskerSequence = push, sequence
	}
	for _, b := range benches {
		if !slices.ContainsFunc(s.Benches, func(have refBench) bool { return have.Bench == b.Bench }) {
			s.Benches = append(s.Benches, b)
		}
	}
	s.Benches = last(s.Benches, maxRefs)
}

func last[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }

// settle records that benches have been cancelled.
func (s *refState) settle(benches []refBench) {
	for i, b := range s.Benches {
		if slices.ContainsFunc(benches, func(done refBench) bool { return done.Bench == b.Bench }) {
			s.Benches[i].Superseded = true
		}
	}
}

// refs is the bucket of refs.
type refs struct {
	kv jetstream.KeyValue
}

func refKey(r events.Repo, ref string) string {
	return "ref." + events.Token(r.Forge) + "." + events.HashID(r.Forge, r.Name) + "." + events.HashID(ref)
}

// update changes the state of a ref by compare-and-set and returns what was
// written. The change may run more than once.
func (r *refs) update(ctx context.Context, key string, change func(*refState)) (refState, error) {
	for {
		var state refState
		revision, err := r.load(ctx, key, &state)
		if err != nil {
			return state, err
		}
		change(&state)
		if done, err := r.swap(ctx, key, revision, state); err != nil || done {
			return state, err
		}
	}
}

// load reads a key into v; revision 0 means that it is not there.
func (r *refs) load(ctx context.Context, key string, v any) (revision uint64, err error) {
	e, err := r.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", key, err)
	}
	if err := json.Unmarshal(e.Value(), v); err != nil {
		return 0, fmt.Errorf("read %s: %w", key, err)
	}
	return e.Revision(), nil
}

// swap writes a key if it still has the revision, and tells whether it had.
func (r *refs) swap(ctx context.Context, key string, revision uint64, v any) (done bool, err error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return false, fmt.Errorf("write %s: %w", key, err)
	}
	if revision == 0 {
		_, err = r.kv.Create(ctx, key, raw)
	} else {
		_, err = r.kv.Update(ctx, key, raw, revision)
	}
	if errors.Is(err, jetstream.ErrKeyExists) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write %s: %w", key, err)
	}
	return true, nil
}
