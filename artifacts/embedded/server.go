package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

// Limits of one server. Each request holds at most a few buffers of 64 kB to
// 1 MB; requests above the limit are answered SlowDown, which clients retry.
const (
	maxConnections = 4096
	maxRequests    = 512
	maxParts       = 10_000
	ioBuffer       = 256 << 10
)

// Server is a running S3 server.
type Server struct {
	opts    Options
	addr    string
	disk    *disk
	users   *accounts
	gateway *s3api.S3ApiServer
	cert    *certificate // nil without TLS
	working underway
	done    chan struct{}
	err     error // why serving ended; read after done
}

// Start runs a server until Close. When it returns, the port answers, the
// bucket exists and the users have their rights.
func Start(ctx context.Context, o Options) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("configure S3 server: %w", err)
	}
	o = o.withDefaults()
	users := &accounts{bucket: o.Bucket}
	d, err := openDisk(o.Dir, users, o.Log)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: o, disk: d, users: users}
	if err := s.users.set(s.root(), o.Users); err != nil {
		d.Shutdown()
		return nil, fmt.Errorf("configure S3 server: %w", err)
	}
	if s.cert, err = openCertificate(o); err != nil {
		d.Shutdown()
		return nil, fmt.Errorf("start S3 server: %w", err)
	}
	if err := s.listen(ctx); err != nil {
		s.cert.close()
		d.Shutdown()
		return nil, fmt.Errorf("start S3 server: %w", err)
	}
	if err := s.prepareBucket(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start S3 server: %w", err), s.Close())
	}
	o.Log.Info("S3 server ready", "endpoint", s.Endpoint(), "bucket", o.Bucket, "users", len(o.Users))
	return s, nil
}

// openDisk prepares the folder. Its objects are readable by the owner alone:
// reading them is what credentials are for.
func openDisk(dir string, users *accounts, log *slog.Logger) (*disk, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open object folder: %w", err)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("open object folder: %w", err)
	}
	if err := checkXattrs(root); err != nil {
		return nil, err
	}
	opts := posix.PosixOpts{IOBufferSize: ioBuffer, ValidateBucketNames: false}
	opts.SetNewDirPerm(0o700)
	opts.SetNewFilePerm(0o600)
	p, err := newPosix(root, opts)
	if err != nil {
		return nil, fmt.Errorf("open object folder: %w", err)
	}
	return &disk{posix: p, root: root, users: users, log: log, policies: map[string][]byte{}}, nil
}

// listen binds the address. The gateway cannot be handed a listener, so that a
// free port is found first and bound again; should another process take it in
// between, the next one is tried.
func (s *Server) listen(ctx context.Context) error {
	for try := 0; ; try++ {
		addr, picked, err := pickAddr(ctx, s.opts.Addr)
		if err != nil {
			return err
		}
		err = s.serve(ctx, addr)
		if err == nil || !picked || try == 9 || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
}

// pickAddr replaces port 0 by a free port.
func pickAddr(ctx context.Context, addr string) (picked string, wasFree bool, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port != "0" {
		return addr, false, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", false, err
	}
	free := l.Addr().(*net.TCPAddr).Port
	return net.JoinHostPort(host, strconv.Itoa(free)), true, l.Close()
}

// serve starts the gateway and returns once it listens.
func (s *Server) serve(ctx context.Context, addr string) error {
	ready := make(chan struct{})
	root := middlewares.RootUserConfig{Access: s.opts.AccessKey, Secret: s.opts.SecretKey}
	options := []s3api.Option{
		s3api.WithConcurrencyLimiter(maxConnections, maxRequests),
		s3api.WithMpMaxParts(maxParts),
		s3api.WithQuiet(),
		s3api.WithKeepAlive(),
		s3api.WithMiddleware("/", s.working.handle),
		s3api.WithMiddleware("/", lingering().handle),
		s3api.WithMiddleware("/", front(s.opts.Log)),
		s3api.WithOnListen(func() { close(ready) }),
	}
	if s.cert != nil {
		options = append(options, s3api.WithTLS(s.cert.storage))
	}
	gateway, err := s3api.New(s.disk, root, s.opts.Region, s.users, nil, nil, nil, nil, options...)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.err = gateway.ServeMultiPort([]string{addr})
	}()
	select {
	case <-ready:
		s.gateway, s.addr, s.done = gateway, addr, done
		return nil
	case <-done:
		if s.err == nil {
			return errors.New("gateway ended before it listened")
		}
		return s.err
	case <-ctx.Done():
		_ = gateway.ShutDown()
		<-done
		return ctx.Err()
	}
}

// prepareBucket makes the bucket through the front door, so that it has been checked
// by the gateway.
func (s *Server) prepareBucket(ctx context.Context) error {
	store, err := artifacts.Open(ctx, s.Config())
	if err != nil {
		return err
	}
	store.Close()
	return nil
}

func (s *Server) root() auth.Account {
	return auth.Account{Access: s.opts.AccessKey, Secret: s.opts.SecretKey, Role: auth.RoleAdmin}
}

// SetUsers replaces all users but root, with effect on the next request.
func (s *Server) SetUsers(users []User) error {
	o := s.opts
	o.Users = users
	if err := o.Validate(); err != nil {
		return fmt.Errorf("configure S3 server: %w", err)
	}
	if err := s.users.set(s.root(), users); err != nil {
		return fmt.Errorf("configure S3 server: %w", err)
	}
	return nil
}

// Endpoint is the URL of the server, as this machine reaches it.
func (s *Server) Endpoint() string {
	if s.cert != nil {
		return "https://" + s.reached()
	}
	return "http://" + s.reached()
}

// Config is what a Store needs to be root here.
func (s *Server) Config() artifacts.Config {
	return artifacts.Config{
		Endpoint: s.Endpoint(), Region: s.opts.Region, Bucket: s.opts.Bucket,
		AccessKey: s.opts.AccessKey, SecretKey: s.opts.SecretKey, CAFile: s.opts.CAFile,
	}
}

// Done is closed when the server no longer serves, by Close or by a failure.
func (s *Server) Done() <-chan struct{} { return s.done }

// Close lets requests under way finish, for some seconds, and stops. What was
// acknowledged is on the disk already.
func (s *Server) Close() error {
	var failed error
	select {
	case <-s.done:
		failed = s.err // it ended by itself
	default:
		failed = s.gateway.ShutDown()
		<-s.done // with an error that says that its listener was closed
		if errors.Is(failed, context.DeadlineExceeded) {
			s.working.cut()
			failed = nil
		}
	}
	s.cert.close()
	s.disk.Shutdown()
	if failed != nil {
		return fmt.Errorf("stop S3 server: %w", failed)
	}
	return nil
}
