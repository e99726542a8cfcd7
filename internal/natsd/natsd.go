// Package natsd runs a NATS server with JetStream inside this process: what
// fiord up serves, and what tests run against. It is the real server with the
// real protocol, so every external client works with it.
package natsd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/fiord-bench/fiord/internal/listen"
)

// Options of an embedded server.
type Options struct {
	// Name of the server; default fiord.
	Name string
	// StoreDir holds the streams.
	StoreDir string
	// Host and Port to listen on. Port 0 takes any free one, a negative port
	// listens on none: only clients in this process connect.
	Host string
	Port int
	// Synced makes JetStream sync to disk before it acknowledges. Without it a
	// power cut may lose the last two minutes.
	Synced bool
	// Users with their rights; none lets everybody in.
	Users []User
	// MaxStore bounds the disk used, in bytes; 0 is three quarters of what is free.
	MaxStore int64
	// Cluster makes this server part of a cluster; nil for one on its own.
	Cluster *server.ClusterOpts
	// Routes to the other servers of the cluster.
	Routes string
	// TLS is how clients are spoken to; nil for in the clear. Clients that do not
	// speak TLS are refused then.
	TLS *tls.Config
	Log *slog.Logger
}

// Server is a running embedded server.
type Server struct {
	ns   *server.Server
	opts Options // as started
}

// startTimeout covers recovery of a large store.
const startTimeout = 60 * time.Second

// tlsTimeout is how long a handshake may take: a busy machine needs more than the
// server's own two seconds.
const tlsTimeout = 10 * time.Second

// Start runs a server and returns when it takes connections.
func Start(o Options) (*Server, error) {
	if o.StoreDir == "" {
		return nil, errors.New("start NATS: StoreDir is required")
	}
	if err := os.MkdirAll(o.StoreDir, 0o700); err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	opts, err := o.server()
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	if len(o.Users) > 0 {
		if err := moveHome(o.StoreDir); err != nil {
			return nil, fmt.Errorf("start NATS: %w", err)
		}
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	if o.Log != nil {
		ns.SetLoggerV2(&logger{o.Log}, false, false, false)
	}
	ns.Start()
	if !ns.ReadyForConnections(startTimeout) {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, fmt.Errorf("start NATS on %s:%d: not ready: is the port taken, or %s in use by another server?", o.Host, o.Port, o.StoreDir)
	}
	return &Server{ns: ns, opts: o}, nil
}

func (o Options) server() (*server.Options, error) {
	opts := &server.Options{
		ServerName:            o.Name,
		Host:                  o.Host,
		Port:                  o.Port,
		JetStream:             true,
		StoreDir:              o.StoreDir,
		SyncAlways:            o.Synced,
		JetStreamMaxStore:     o.MaxStore,
		NoSigs:                true,
		DisableShortFirstPing: true,
		JetStreamLimits:       server.JSLimitOpts{},
	}
	if opts.ServerName == "" {
		opts.ServerName = "fiord"
	}
	switch {
	case o.Port < 0:
		opts.DontListen, opts.Port = true, 0
	case o.Port == 0:
		opts.Port = server.RANDOM_PORT
	}
	if o.TLS != nil {
		opts.TLS, opts.TLSConfig, opts.TLSTimeout = true, o.TLS, tlsTimeout.Seconds()
	}
	if o.Cluster != nil {
		opts.Cluster = *o.Cluster
		opts.Routes = server.RoutesFromStr(o.Routes)
	}
	if len(o.Users) == 0 {
		return opts, nil
	}
	text, err := Config(o.Users)
	if err != nil {
		return nil, err
	}
	return opts, opts.ProcessConfigString(string(text))
}

// moveHome gives the streams of a store to [Home]. Before guests had accounts of
// their own they lay in the server's default one.
func moveHome(store string) error {
	streams := filepath.Join(store, server.JetStreamStoreDir)
	old, home := filepath.Join(streams, server.DEFAULT_GLOBAL_ACCOUNT), filepath.Join(streams, Home)
	if _, err := os.Stat(home); err == nil {
		return nil
	}
	if err := os.Rename(old, home); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("give streams to account %s: %w", Home, err)
	}
	return nil
}

// SetUsers replaces all users: who is new is let in at once, whose rights changed
// has the new ones, and who is gone loses the connection. Everybody else's goes on.
func (s *Server) SetUsers(users []User) error {
	// The server starts the imports of an account that is new with the reload after
	// the one that made it.
	for range 2 {
		if err := s.setUsers(users); err != nil {
			return fmt.Errorf("set users of NATS: %w", err)
		}
	}
	return nil
}

func (s *Server) setUsers(users []User) error {
	o := s.opts
	o.Users = users
	opts, err := o.server()
	if err != nil {
		return err
	}
	// A port that was any free one stays what it became.
	if addr, ok := s.ns.Addr().(*net.TCPAddr); ok && opts.Port == server.RANDOM_PORT {
		opts.Port = addr.Port
	}
	return s.ns.ReloadOptions(opts)
}

// URL for clients on this machine.
func (s *Server) URL() string {
	scheme, address, _ := strings.Cut(s.ns.ClientURL(), "://")
	return scheme + "://" + listen.Reached(address)
}

// InProcess is an option that connects without a port.
func (s *Server) InProcess() nats.Option { return nats.InProcessServer(s.ns) }

// NATS is the server itself, for what this package does not wrap.
func (s *Server) NATS() *server.Server { return s.ns }

// Close stops the server after its streams are flushed. It may be called twice.
func (s *Server) Close() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
}

// logger hands the server's lines to slog. Its notices are our debug: they
// speak of routine.
type logger struct{ log *slog.Logger }

func (l *logger) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }
func (l *logger) Warnf(format string, v ...any)   { l.write(slog.LevelWarn, format, v) }
func (l *logger) Errorf(format string, v ...any)  { l.write(slog.LevelError, format, v) }
func (l *logger) Fatalf(format string, v ...any)  { l.write(slog.LevelError, format, v) }
func (l *logger) Debugf(string, ...any)           {}
func (l *logger) Tracef(string, ...any)           {}

// write keeps the message constant, so that lines can be grouped by it.
func (l *logger) write(level slog.Level, format string, v []any) {
	l.log.Log(context.Background(), level, "NATS server", "says", fmt.Sprintf(format, v...))
}
