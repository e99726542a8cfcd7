package silence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrNotFound says that there is no silence of that id.
var ErrNotFound = errors.New("no such silence (fiord silence ls lists them)")

// Store is the bucket that silences are kept in.
type Store struct{ kv jetstream.KeyValue }

// Opener opens buckets, as a bus does.
type Opener interface {
	KeyValue(ctx context.Context, bucket string) (jetstream.KeyValue, error)
}

// Open binds the bucket.
func Open(ctx context.Context, from Opener, bucket string) (*Store, error) {
	kv, err := from.KeyValue(ctx, bucket)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bucket, err)
	}
	return &Store{kv}, nil
}

// Add keeps a silence that [New] made.
func (s *Store) Add(ctx context.Context, one Silence) error {
	if err := one.Validate(); err != nil {
		return err
	}
	body, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("encode silence: %w", err)
	}
	if _, err := s.kv.Create(ctx, one.ID, body); err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
		return fmt.Errorf("keep silence: %w", err)
	}
	return nil
}

// List returns all silences that the bucket still has, over ones included, the
// newest first.
func (s *Store) List(ctx context.Context) ([]Silence, error) {
	w, err := s.kv.WatchAll(ctx)
	if err != nil {
		return nil, fmt.Errorf("list silences: %w", err)
	}
	defer func() { _ = w.Stop() }()
	list := []Silence{}
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("list silences: %w", ctx.Err())
		case e, open := <-w.Updates():
			if !open {
				return nil, errors.New("list silences: ended early")
			}
			if e != nil && e.Operation() != jetstream.KeyValuePut {
				continue
			}
			if e == nil {
				slices.SortFunc(list, func(a, b Silence) int { return b.From.Compare(a.From) })
				return list, nil
			}
			one, err := decode(e)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
	}
}

// Expire ends a silence now and notes by whom. One that is over stays as it was.
func (s *Store) Expire(ctx context.Context, id, by string, now time.Time) (Silence, error) {
	for {
		e, err := s.kv.Get(ctx, id)
		if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrInvalidKey) {
			return Silence{}, fmt.Errorf("expire %q: %w", id, ErrNotFound)
		}
		if err != nil {
			return Silence{}, fmt.Errorf("look up silence: %w", err)
		}
		one, err := decode(e)
		if err != nil || !one.Active(now) {
			return one, err
		}
		one.Until, one.ExpiredBy = now.UTC(), by
		body, err := json.Marshal(one)
		if err != nil {
			return one, fmt.Errorf("encode silence: %w", err)
		}
		_, err = s.kv.Update(ctx, id, body, e.Revision())
		if err == nil {
			return one, nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return one, fmt.Errorf("expire silence: %w", err)
		}
	}
}

func decode(e jetstream.KeyValueEntry) (Silence, error) {
	var one Silence
	if err := json.Unmarshal(e.Value(), &one); err != nil {
		return one, fmt.Errorf("read silence %s: %w", e.Key(), err)
	}
	return one, nil
}

// View is the bucket as it is now, in memory.
type View struct {
	mu   sync.RWMutex
	held map[string]Silence
	skip func(error)
}

// Watch fills a view and keeps it up to date until ctx ends. It returns when the
// view has what the bucket holds. skip is told of what cannot be read; nobody is
// silenced by that.
func (s *Store) Watch(ctx context.Context, skip func(error)) (*View, error) {
	w, err := s.kv.WatchAll(ctx)
	if err != nil {
		return nil, fmt.Errorf("watch silences: %w", err)
	}
	v := &View{held: map[string]Silence{}, skip: skip}
	for e := range w.Updates() {
		if e == nil {
			go v.follow(w)
			return v, nil
		}
		v.see(e)
	}
	return nil, fmt.Errorf("watch silences: ended early: %w", context.Cause(ctx))
}

func (v *View) follow(w jetstream.KeyWatcher) {
	for e := range w.Updates() {
		if e != nil {
			v.see(e)
		}
	}
}

func (v *View) see(e jetstream.KeyValueEntry) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e.Operation() != jetstream.KeyValuePut {
		delete(v.held, e.Key())
		return
	}
	one, err := decode(e)
	if err != nil {
		v.skip(err)
		return
	}
	v.held[e.Key()] = one
}

// For returns the silence that withholds this at a moment, the one that lasts
// longest if there are several.
func (v *View) For(a About, at time.Time) (found Silence, ok bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, one := range v.held {
		if one.Active(at) && one.Matches(a) && (!ok || one.Until.After(found.Until)) {
			found, ok = one, true
		}
	}
	return found, ok
}
