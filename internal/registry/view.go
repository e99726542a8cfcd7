package registry

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ViewConfig sets a View up. The zero value is ready for use.
type ViewConfig struct {
	// LostAfter is how long a host may be silent and still count as alive.
	LostAfter time.Duration
	// Log receives records that can't be read. Nil discards them.
	Log *slog.Logger
	// OnBeat, if set, is called after each beat has been taken in, with the
	// lock released.
	OnBeat func(token string)
}

// Sighting is a host and when it was last heard of.
type Sighting struct {
	Host
	// Seen is when the newest beat arrived, and Revision its number in the
	// bucket: the same for every reader.
	Seen     time.Time `json:"seen"`
	Revision uint64    `json:"revision"`
	// Alive says whether that was less than LostAfter ago.
	Alive bool `json:"alive"`
}

// A View follows the bucket and answers from memory. Run must be running.
type View struct {
	kv  jetstream.KeyValue
	cfg ViewConfig

	mu     sync.RWMutex
	hosts  map[string]*entry
	ready  chan struct{}
	loaded bool
}

// entry is what is known of one token. Either record may come first.
type entry struct {
	host  Host
	known bool // a beat has been seen
	seen  time.Time
	rev   uint64
}

// NewView reads from the bucket.
func NewView(kv jetstream.KeyValue, cfg ViewConfig) *View {
	if cfg.LostAfter <= 0 {
		cfg.LostAfter = LostAfter
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &View{kv: kv, cfg: cfg, hosts: map[string]*entry{}, ready: make(chan struct{})}
}

// Ready is closed once everything that was in the bucket has been read.
func (v *View) Ready() <-chan struct{} { return v.ready }

// Run follows the bucket until the context ends, and returns its error. A
// watch that fails or falls silent is opened again.
func (v *View) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := v.follow(ctx); err != nil && ctx.Err() == nil {
			v.cfg.Log.Warn("watch hosts", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
	return ctx.Err()
}

// follow watches until the watch ends or has been silent for LostAfter. An
// ordered consumer resumes behind the last sequence it saw: when the server
// lost its memory, that sequence is far in the future and nothing would
// arrive, so silence means a new watch.
func (v *View) follow(ctx context.Context) error {
	w, err := v.kv.WatchAll(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.Stop() }()
	silence := time.NewTimer(v.cfg.LostAfter)
	defer silence.Stop()
	fresh := false // until everything found on opening has been delivered
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-silence.C:
			return nil
		case e, open := <-w.Updates():
			if !open {
				return errors.New("watch ended")
			}
			silence.Reset(v.cfg.LostAfter)
			if e == nil {
				fresh = true
				v.markLoaded()
				continue
			}
			v.apply(e, fresh)
		}
	}
}

func (v *View) markLoaded() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.loaded {
		v.loaded = true
		close(v.ready)
	}
}

// apply takes one record in. A fresh one arrived just now; others were found
// in the bucket.
func (v *View) apply(e jetstream.KeyValueEntry, fresh bool) {
	kind, token, _ := strings.Cut(e.Key(), ".")
	kind += "."
	if kind != beatPrefix && kind != detailPrefix {
		return
	}
	if e.Operation() != jetstream.KeyValuePut {
		if kind == beatPrefix {
			v.forget(token)
		}
		return
	}
	err := v.take(kind, token, e, fresh)
	switch {
	case err != nil:
		v.cfg.Log.Warn("read host record", "host", token, "error", err)
	case kind == beatPrefix && v.cfg.OnBeat != nil:
		v.cfg.OnBeat(token)
	}
}

func (v *View) take(kind, token string, e jetstream.KeyValueEntry, fresh bool) error {
	if kind == detailPrefix {
		var d Details
		if err := json.Unmarshal(e.Value(), &d); err != nil {
			return err
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.entryOf(token).host.Details = d
		return nil
	}
	var b Beat
	if err := json.Unmarshal(e.Value(), &b); err != nil {
		return err
	}
	if err := b.Validate(); err != nil {
		return err
	}
	if b.Token != token {
		return errors.New("record under another host's key")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	h := v.entryOf(token)
	h.host.Beat, h.known = b, true
	h.seen, h.rev = arrival(e.Created(), fresh), e.Revision()
	return nil
}

// arrival is when a record arrived: now for news, whatever the clocks say, or
// the server's time for what was found in the bucket and may be old.
func arrival(created time.Time, fresh bool) time.Time {
	now := time.Now()
	if fresh || created.After(now) {
		return now
	}
	return created
}

func (v *View) entryOf(token string) *entry {
	h := v.hosts[token]
	if h == nil {
		h = &entry{}
		v.hosts[token] = h
	}
	return h
}

func (v *View) forget(token string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.hosts, token)
}

// Hosts returns every host heard of within ForgetAfter, ordered by name.
func (v *View) Hosts() []Sighting {
	now := time.Now()
	v.mu.RLock()
	all := make([]Sighting, 0, len(v.hosts))
	for _, h := range v.hosts {
		if h.known && now.Sub(h.seen) < ForgetAfter {
			all = append(all, v.sighting(h, now))
		}
	}
	v.mu.RUnlock()
	slices.SortFunc(all, func(a, b Sighting) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Host returns the host of a token, if it has been heard of.
func (v *View) Host(token string) (Sighting, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	h := v.hosts[token]
	if h == nil || !h.known {
		return Sighting{}, false
	}
	return v.sighting(h, time.Now()), true
}

func (v *View) sighting(h *entry, now time.Time) Sighting {
	return Sighting{Host: h.host, Seen: h.seen, Revision: h.rev, Alive: now.Sub(h.seen) < v.cfg.LostAfter}
}
