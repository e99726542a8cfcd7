package page

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// Feed is what happens now: how far runs are, and which benches have changed. Pages
// that are open hear of it by server-sent events. Its methods may be called
// concurrently.
type Feed struct {
	mu        sync.Mutex
	runs      map[string]events.Progress // the last of each run that fio works on
	listeners map[chan message]string    // and the bench that each is about; empty for all
	closed    chan struct{}
	close     sync.Once
}

// message is one server-sent event.
type message struct {
	name, bench string
	data        []byte
}

// Bounds of a feed: how long a run without news counts as running, how many messages
// a slow reader may be behind, and how often an idle connection is spoken on, so that
// proxies keep it.
const (
	staleAfter = 15 * time.Second
	backlog    = 64
	heartbeat  = 15 * time.Second
)

// NewFeed returns a feed without news.
func NewFeed() *Feed {
	return &Feed{runs: map[string]events.Progress{}, listeners: map[chan message]string{}, closed: make(chan struct{})}
}

// Close ends all connections.
func (f *Feed) Close() { f.close.Do(func() { close(f.closed) }) }

// Progress takes how far a run is.
func (f *Feed) Progress(p events.Progress) {
	if time.Since(p.At) > staleAfter {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.Phase == "ended" {
		delete(f.runs, p.Run)
	} else {
		f.runs[p.Run] = p
	}
	if raw, err := json.Marshal(p); err == nil {
		f.send(message{"progress", p.Bench, raw})
	}
}

// Changed takes that something was heard about a bench.
func (f *Feed) Changed(bench string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	raw, err := json.Marshal(map[string]string{"bench": bench})
	if err == nil {
		f.send(message{"changed", bench, raw})
	}
}

// send gives a message to all whom it concerns. Who is too far behind misses it, and
// sees what follows.
func (f *Feed) send(m message) {
	for c, bench := range f.listeners {
		if bench != "" && bench != m.bench {
			continue
		}
		select {
		case c <- m:
		default:
		}
	}
}

// Running lists the runs of a bench that fio works on now, or of all if bench is
// empty, by host.
func (f *Feed) Running(bench string) []events.Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []events.Progress
	for id, p := range f.runs {
		if time.Since(p.At) > staleAfter {
			delete(f.runs, id)
		} else if bench == "" || p.Bench == bench {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b events.Progress) int { return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Run, b.Run)) })
	return out
}

// listen registers a listener until stop is called.
func (f *Feed) listen(bench string) (c chan message, stop func()) {
	c = make(chan message, backlog)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listeners[c] = bench
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.listeners, c)
	}
}

// Follow has pages say what the feed does. It must be called before the first request.
func (h *Handler) Follow(f *Feed) { h.feed = f }

// live sends what happens as server-sent events: progress with an [events.Progress],
// changed with the id of a bench. ?bench= narrows it to one.
func (h *Handler) live(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no") // a proxy must not hold it back
	news, stop := h.feed.listen(r.URL.Query().Get("bench"))
	defer stop()
	out := http.NewResponseController(w)
	if _, err := fmt.Fprint(w, "retry: 3000\n\n"); err != nil || out.Flush() != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-h.feed.closed:
			return
		case <-beat.C:
			_, err = fmt.Fprint(w, ": here\n\n")
		case m := <-news:
			_, err = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", m.name, m.data)
		}
		if err != nil || out.Flush() != nil {
			return
		}
	}
}
