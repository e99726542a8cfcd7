package notify_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/notify"
	"github.com/prometheus/client_golang/prometheus"
)

// patience is how long a test waits for what must happen; quiet is how long it
// watches that something doesn't. An event that the request of a replica took while
// it stopped comes again after the queue's 30 s for an acknowledgement.
const (
	patience = 2 * time.Minute
	quiet    = 400 * time.Millisecond
)

// connects is a server: one without users, or one with each party's own rights.
type connects interface {
	Bus(source string) *bus.Bus
	BusWith(o bus.Options) *bus.Bus
}

// site is a NATS server and what a test sees on it.
type site struct {
	t     testing.TB
	nats  connects
	bus   *bus.Bus // publishes as the other services would
	seen  chan events.Event
	log   *lockedBuffer
	start uint64 // keys of published events
}

func newSite(t testing.TB) *site { t.Helper(); return newSiteOn(t, bustest.NewServer(t)) }

func newSiteOn(t testing.TB, nats connects) *site {
	t.Helper()
	s := &site{t: t, nats: nats, bus: nats.Bus("fiord/test"), seen: make(chan events.Event, 1000), log: &lockedBuffer{}}
	sub, err := s.bus.Watch(t.Context(), bus.View{
		Types: []events.Type{events.TypeNoticeSent, events.TypeNoticeFailed, events.TypeNoticeWithheld},
		See: func(_ context.Context, seen bus.Seen) {
			select {
			case s.seen <- seen.Event:
			case <-t.Context().Done(): // nobody reads what is left
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Stop)
	return s
}

// replica runs one notify until the test ends or stop is called. It returns
// when the targets' queues are there.
func (s *site) replica(targets ...notify.Target) (stop func()) {
	s.t.Helper()
	log := slog.New(slog.NewJSONHandler(s.log, nil))
	svc, err := notify.New(notify.Config{Targets: targets, PageURL: "https://bench.example.com"}, service.Deps{
		Bus: s.nats.BusWith(bus.Options{Source: "fiord/notify", Log: log}), Log: log, Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx) }()
	for _, t := range targets {
		s.eventually("queue of "+t.Name, func() bool {
			_, err := s.bus.JetStream().Consumer(s.t.Context(), bus.StreamEvents, "notify-"+t.Name)
			return err == nil
		})
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				s.t.Errorf("Run: %v", err)
			}
		})
	}
	s.t.Cleanup(stop)
	return stop
}

func (s *site) eventually(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("did not happen: %s\nlog:\n%s", what, s.log)
		}
	}
}

// publish publishes data as an event of its own.
func (s *site) publish(data events.Data) events.Event {
	s.t.Helper()
	s.start++
	e := events.New("fiord/test", string(rune('a'+s.start)), nil, data)
	if _, err := s.bus.Publish(s.t.Context(), e); err != nil {
		s.t.Fatal(err)
	}
	return e
}

// notice waits for the next word of notify about its work.
func (s *site) notice() events.Data {
	s.t.Helper()
	select {
	case e := <-s.seen:
		return e.Data
	case <-time.After(patience):
		s.t.Fatalf("no notice.sent or notice.failed\nlog:\n%s", s.log)
		return nil
	}
}

// sent waits for notices of n events, and sees to it that no more come.
func (s *site) sent(n int) (sent []events.NoticeSent) {
	s.t.Helper()
	for range n {
		data, ok := s.notice().(events.NoticeSent)
		if !ok {
			s.t.Fatalf("a notice failed\nlog:\n%s", s.log)
		}
		sent = append(sent, data)
	}
	s.silence()
	return sent
}

func (s *site) silence() {
	s.t.Helper()
	select {
	case e := <-s.seen:
		s.t.Fatalf("one more: %+v", e.Data)
	case <-time.After(quiet):
	}
}

// delivery is one request that a receiver got.
type delivery struct {
	method, path string
	header       http.Header
	body         []byte
	at           time.Time
}

// receiver is the far edge: it takes what notify sends, and answers as told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []delivery
	answer func(n int, w http.ResponseWriter) // n counts from 0
}

func newReceiver(t testing.TB, answer func(n int, w http.ResponseWriter)) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		n := len(r.got)
		r.got = append(r.got, delivery{req.Method, req.URL.EscapedPath(), req.Header, body, time.Now()})
		r.mu.Unlock()
		if r.answer != nil {
			r.answer(n, w)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) deliveries() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]delivery(nil), r.got...)
}

func statusCode(codes ...int) func(int, http.ResponseWriter) {
	return func(n int, w http.ResponseWriter) { w.WriteHeader(codes[min(n, len(codes)-1)]) }
}

func hook(name, url string) notify.Target {
	return notify.Target{Name: name, Kind: "webhook", URL: url}
}

func secret(text string) config.Secret { return config.NewSecret(text) }

// example returns the data of one of the contract's example events.
func example[T events.Data](t testing.TB, file string) T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../events/examples", file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := events.Unmarshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return e.Data.(T)
}

func lost(host string) events.HostLost {
	return events.HostLost{Host: host, LastSeen: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)}
}

// lockedBuffer collects the log of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
