package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// Bench returns a bench, from memory if it is there.
func (a *Archive) Bench(ctx context.Context, id string) (model.Bench, error) {
	if b, ok := a.model.Bench(id); ok {
		return b, nil
	}
	if a.recent != nil {
		if b, ok, err := a.recent.Bench(ctx, id); ok || err != nil {
			return b, err
		}
	}
	b, err := a.archivedBench(ctx, id)
	return b, unknown(err)
}

// BenchOf returns the bench of a run.
func (a *Archive) BenchOf(ctx context.Context, run string) (string, error) {
	if id, ok := a.model.BenchOf(run); ok {
		return id, nil
	}
	if a.recent != nil {
		if id, ok, err := a.recent.BenchOf(ctx, run); ok || err != nil {
			return id, err
		}
	}
	if !events.IsID(run) {
		return "", model.ErrUnknown
	}
	id, err := a.archivedBenchOf(ctx, run)
	return id, unknown(err)
}

// unknown translates the store's word for it.
func unknown(err error) error {
	if errors.Is(err, artifacts.ErrNotFound) {
		return fmt.Errorf("%w: %w", model.ErrUnknown, err)
	}
	return err
}

// Objects opens artifacts for the page.
type Objects struct {
	archive *Archive
	limit   int64
}

// Objects opens the store's objects, expanded ones up to limit bytes.
func (a *Archive) Objects(limit int64) Objects { return Objects{a, limit} }

// checkedFirst is the size up to which an object is read whole before any of it is
// handed on, so that one which is not what it was can be answered with that sentence.
const checkedFirst = 4 << 20

// Open opens an object by its key; plain expands compressed ones up to the limit. What
// a host stored is held against the end of its run, which names key and hash: what
// was put there later, or changed, is [artifacts.ErrCorrupt] or unknown. Everything
// else is held against what the server says of it.
func (o Objects) Open(ctx context.Context, key string, plain bool) (io.ReadCloser, events.ClaimCheck, error) {
	claim, err := o.claim(ctx, key)
	if err != nil {
		return nil, claim, unknown(err)
	}
	var body io.ReadCloser
	switch {
	case plain:
		body, err = o.archive.store.OpenPlain(ctx, claim, o.limit)
	case claim.Size <= checkedFirst:
		var raw []byte
		raw, err = o.archive.store.ReadAll(ctx, claim, checkedFirst)
		body = io.NopCloser(bytes.NewReader(raw))
	default:
		body, err = o.archive.store.Open(ctx, claim)
	}
	return body, claim, unknown(err)
}

// claim says what the object under a key must be.
func (o Objects) claim(ctx context.Context, key string) (events.ClaimCheck, error) {
	if run := artifacts.RunOf(key); run != "" {
		return o.ofRun(ctx, run, key)
	}
	claim, err := o.archive.store.Claim(ctx, key)
	if sum, isJob := strings.CutPrefix(key, artifacts.PrefixJobs); isJob {
		claim.SHA256 = strings.TrimSuffix(sum, ".fio") // its name says what it holds
	}
	return claim, err
}

// maxLogSet bounds the list of a run's logs, in bytes.
const maxLogSet = 16 << 20

// ofRun finds a key among what the end of its run names.
func (o Objects) ofRun(ctx context.Context, run, key string) (events.ClaimCheck, error) {
	ref, kept, logs, err := o.archive.kept(ctx, run)
	if err != nil {
		return events.ClaimCheck{}, err
	}
	if logs != nil {
		kept = append(kept, events.Artifact{ClaimCheck: *logs})
	}
	named := func(list []events.Artifact) (events.ClaimCheck, bool) {
		i := slices.IndexFunc(list, func(a events.Artifact) bool { return a.Key == key })
		if i < 0 {
			return events.ClaimCheck{}, false
		}
		return list[i].ClaimCheck, true
	}
	claim, found := named(kept)
	if !found && logs != nil {
		if err := artifacts.CheckRun(ref, *logs); err != nil {
			return claim, err
		}
		raw, err := o.archive.store.ReadAll(ctx, *logs, maxLogSet)
		if err != nil {
			return claim, err
		}
		var set events.LogSet
		if err := json.Unmarshal(raw, &set); err != nil {
			return claim, fmt.Errorf("read list of logs: %w", err)
		}
		claim, found = named(set.Logs)
	}
	if !found {
		return claim, fmt.Errorf("the end of run %s names no %s: %w", run, key, model.ErrUnknown)
	}
	return claim, artifacts.CheckRun(ref, claim)
}

// kept are the artifacts that the end of a run names, and the list of its logs.
func (a *Archive) kept(ctx context.Context, run string) (ref events.RunRef, kept []events.Artifact, logs *events.ClaimCheck, err error) {
	bench, err := a.BenchOf(ctx, run)
	if err != nil {
		return ref, nil, nil, err
	}
	if b, ok := a.model.Bench(bench); ok {
		if r := b.Run(run); r != nil && r.State.Ended() {
			if r.Completed != nil {
				logs = r.Completed.Logs
			}
			return r.RunRef, slices.Clone(r.Artifacts), logs, nil
		}
	}
	end, err := a.Get(ctx, bench, RunEnded(run))
	if err != nil {
		return ref, nil, nil, err
	}
	switch d := end.Event.Data.(type) {
	case events.RunCompleted:
		return d.RunRef, d.Artifacts, d.Logs, nil
	case events.RunFailed:
		return d.RunRef, d.Artifacts, nil, nil
	case events.RunCancelled:
		return d.RunRef, d.Artifacts, nil, nil
	}
	return ref, nil, nil, nil
}
