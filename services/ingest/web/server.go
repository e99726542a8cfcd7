package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/keys"
)

// Publisher stores events; [bus.Bus] is one.
type Publisher interface {
	// Source of the events that are made here.
	Source() string
	// Publish returns once the event is on disk.
	Publish(context.Context, events.Event) (bus.Receipt, error)
}

// Options of a Server. All are required but Metrics.
type Options struct {
	Publisher Publisher
	// Keys and Policy give what is valid at the moment; they are asked for every
	// request.
	Keys   func() *keys.Ring
	Policy func() *repos.Policy
	Limits Limits
	Log    *slog.Logger
	// Metrics takes the server's collectors; nil keeps them to itself.
	Metrics prometheus.Registerer
	// Now is the clock that signed timestamps are held against; nil for time.Now.
	Now func() time.Time
}

// Server is the HTTP door. Make it with New, then Serve on a listener.
type Server struct {
	opts    Options
	gate    *gate
	http    *http.Server
	metrics *metrics
}

// New prepares a server.
func New(o Options) (*Server, error) {
	if err := o.Limits.Validate(); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m, err := newMetrics(o.Metrics)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: o, gate: newGate(o.Limits), metrics: m}
	s.http = &http.Server{
		Handler:        s.Handler(),
		MaxHeaderBytes: o.Limits.Header,
		ReadTimeout:    o.Limits.Read, ReadHeaderTimeout: o.Limits.Read,
		WriteTimeout: o.Limits.Write, IdleTimeout: o.Limits.Idle,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Handler routes requests. It is what Serve serves.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /hooks", s.endpoint("hooks", s.hook))
	mux.Handle("POST /hooks/{forge}", s.endpoint("hooks", s.hook))
	mux.Handle("POST /events", s.endpoint("events", s.events))
	mux.Handle("OPTIONS /events", http.HandlerFunc(s.handshake))
	mux.Handle("POST /eventbridge", s.endpoint("eventbridge", s.eventBridge))
	for path, allow := range map[string]string{"/hooks": "POST", "/hooks/{forge}": "POST", "/events": "POST, OPTIONS", "/eventbridge": "POST"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			problem("method", r.Method+" is not taken here: use POST").write(w)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem("not-found", "there are /hooks, /hooks/{forge}, /events and /eventbridge").write(w)
	})
	return mux
}

// Serve answers on a listener until ctx ends; requests under way are finished.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Limits.Publish+time.Second)
	defer cancel()
	err := s.http.Shutdown(grace)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop serving: %w", err), s.http.Close())
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// answer is what a handler tells a sender who did nothing wrong.
type answer struct {
	status int
	body   any
}

type handler func(ctx context.Context, w http.ResponseWriter, r *http.Request) (answer, error)

// endpoint is what every handler stands behind: the gate, a log line, metrics,
// and problems as answers.
func (s *Server) endpoint(name string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		a, err := s.admit(h, w, r)
		status := a.status
		if err != nil {
			p := problemOf(err)
			status = p.Status
			if status == http.StatusUnauthorized || status == http.StatusForbidden {
				s.gate.refused(r)
			}
			p.write(w)
		} else {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			writeJSON(w, a.body)
		}
		s.metrics.answered(name, status, time.Since(start))
		s.log(r, name, status, err)
	})
}

func (s *Server) admit(h handler, w http.ResponseWriter, r *http.Request) (answer, error) {
	leave, err := s.gate.enter(r)
	if err != nil {
		return answer{}, err
	}
	defer leave()
	// The sender's disconnect must not tear a publish in two: what was read is
	// stored.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), s.opts.Limits.Publish)
	defer cancel()
	return h(ctx, w, r)
}

func (s *Server) log(r *http.Request, name string, status int, err error) {
	level := slog.LevelDebug
	if err != nil {
		level = slog.LevelInfo
	}
	if status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("endpoint", name), slog.Int("status", status), slog.String("remote", r.RemoteAddr)}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	s.opts.Log.LogAttrs(r.Context(), level, "answered", attrs...)
}
