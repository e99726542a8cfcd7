// Package admin serves what operators and their machines ask a program:
//
//	/healthz       200 as long as the process answers: restart it when not
//	/readyz        200 when every named check passes, else 503; JSON reasons
//	/metrics       the program's own registry, for Prometheus
//	/debug/pprof/  profiles, when switched on
//
// It has no access control of its own and listens on the loopback address
// unless told otherwise. There it answers to loopback's names only.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/fiord-bench/fiord/internal/listen"
)

// Config says where to listen.
type Config struct {
	Listen string     `config:"listen" help:"address of health, readiness and metrics; empty for none"`
	TLS    listen.TLS `config:"tls"`
	Hosts  []string   `config:"hosts" help:"host names by which the address is asked; empty for any, or on loopback for this machine's"`
	Pprof  bool       `config:"pprof" help:"serve profiles under /debug/pprof/"`
}

// DefaultConfig listens on the loopback address, port 9090.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:9090"} }

const (
	headerTimeout   = 5 * time.Second
	requestTimeout  = 2 * time.Minute // a CPU profile takes 30 s by default
	shutdownTimeout = 2 * time.Second
)

// Server answers the administrative requests of one program.
type Server struct {
	checks   *Checks
	listener net.Listener
	scheme   string
	http     *http.Server
	closing  sync.Once
	closed   error
}

// Listen opens the address, so that a port taken by others is told at once,
// and returns a server that has yet to [Server.Serve]. checks are asked at each
// request to /readyz, metrics is what /metrics shows.
// plaintext permits an address beyond loopback without TLS, which log warns of.
func Listen(c Config, checks *Checks, metrics prometheus.Gatherer, plaintext bool, log *slog.Logger) (*Server, error) {
	address := listen.Address{Setting: "admin.listen", Listen: c.Listen, TLS: c.TLS, AllowPlaintext: plaintext, Log: log}
	listener, err := address.Open()
	if err != nil {
		return nil, fmt.Errorf("listen on admin address: %w", err)
	}
	s := &Server{checks: checks, listener: listener, scheme: c.TLS.HTTP()}
	handler := s.routes(c, metrics)
	if len(c.Hosts) > 0 || listen.Loopback(c.Listen) {
		handler = listen.NewHosts("admin.hosts", c.Listen, nil, c.Hosts...).Check(handler)
	}
	s.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
	}
	return s, nil
}

func (s *Server) routes(c Config, metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	if c.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	report := s.checks.Report(r.Context())
	w.Header().Set("Content-Type", "application/json")
	if !report.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(report) // the client went away
}

// Addr is the address listened on, with the port that :0 became.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is where this machine reaches the address.
func (s *Server) URL() string { return s.scheme + "://" + listen.Reached(s.Addr()) }

// Serve answers until Close is called, and returns nil then.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve admin requests: %w", err)
	}
	return nil
}

// Close lets requests under way end, for two seconds at most, and frees the
// port. It may be called again, and before Serve.
func (s *Server) Close() error {
	s.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		if err := s.http.Shutdown(ctx); err != nil {
			s.closed = s.http.Close()
		}
		// Shutdown knows the listener only once Serve has been called.
		if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.closed = errors.Join(s.closed, err)
		}
	})
	return s.closed
}
