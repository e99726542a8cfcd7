package up

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/cmd/fiord/gc"
	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/internal/proof"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/config"
)

// operator is the user who makes streams and owns the bucket. Nothing uses it
// once everything is up.
const operator = "operator"

// Janitor is the S3 user who may remove artifacts and write none. Nobody but
// fiord gc uses it: people's own keys go to scripts and shells, where what was
// written once must stay.
const Janitor = "janitor"

// webhookFile is the file of the secret that forges sign with, in the folder
// of ingest's credentials.
const webhookFile = "webhook"

// janitorsRights are those of whoever collects garbage.
func janitorsRights() artifacts.Rights {
	return artifacts.Rights{Read: []string{artifacts.Everywhere}, Delete: gc.Prefixes()}
}

// openUsers makes or reads the credentials of everybody, and of those on other
// machines who were let in.
func (s *Stack) openUsers() error {
	s.users = map[string]keys.User{}
	for _, name := range append(service.Names(), events.People, Janitor, operator) {
		u, err := keys.Open(s.credentials(), name)
		if err != nil {
			return err
		}
		s.users[name] = u
	}
	var err error
	s.issued, err = creds.All(s.credentials())
	return err
}

// open reads the credentials of everybody and makes those that are missing.
func (s *Stack) open() error {
	if err := s.openUsers(); err != nil {
		return err
	}
	if err := s.complete(); err != nil {
		return err
	}
	return s.openGrants()
}

func (s *Stack) credentials() string { return filepath.Join(s.dir, folderCredentials) }

// folderCredentials is the folder of all users' credentials in the data folder.
const folderCredentials = "credentials"

// JanitorOf reads the credentials of the janitor of the fiord in a data folder.
// The error wraps fs.ErrNotExist if none has been started there.
func JanitorOf(dataDir string) (keys.User, error) {
	folder := filepath.Join(dataDir, folderCredentials)
	if _, err := os.Stat(filepath.Join(folder, Janitor)); err != nil {
		return keys.User{}, fmt.Errorf("read credentials: %w", err)
	}
	return keys.Open(folder, Janitor)
}

// webhookSecret makes the secret that forges sign with, or reads it.
func (s *Stack) webhookSecret() (config.Secret, error) {
	_, value, err := keys.Secret(s.credentials(), "ingest", webhookFile)
	return config.NewSecret(value), err
}

// startNATS serves the bus and makes its streams.
func (s *Stack) startNATS(ctx context.Context) error {
	if p := s.cfg.Servers.NATS.Proof; p != string(proof.Required) && p != string(proof.WhenPresent) {
		return fmt.Errorf("up.nats.proof is %q: want %s or %s", p, proof.Required, proof.WhenPresent)
	}
	host, port, err := splitAddr("nats.listen", s.cfg.Servers.NATS.Listen)
	if err != nil {
		return err
	}
	secure, err := s.cfg.Servers.NATS.TLS.Server(s.log)
	if err != nil {
		return fmt.Errorf("up.nats.tls: %w", err)
	}
	s.nats, err = natsd.Start(natsd.Options{
		TLS:  secure,
		Name: "fiord", StoreDir: filepath.Join(s.dir, "nats"), Host: host, Port: port,
		Synced: s.cfg.Servers.NATS.Synced, Users: s.natsUsers(), Log: s.log.With("server", "nats"),
	})
	if err != nil {
		return err
	}
	s.undo(func() error { s.nats.Close(); return nil })
	return s.provision(ctx)
}

// provision makes the streams as the operator, who alone needs that right.
func (s *Stack) provision(ctx context.Context) error {
	return s.asOperator(ctx, func(b *bus.Bus) error {
		if err := b.Provision(ctx); err != nil {
			return err
		}
		return TakeBack(ctx, b, creds.TakenBackFile(s.credentials()))
	})
}

func (s *Stack) asOperator(ctx context.Context, do func(*bus.Bus) error) error {
	c := bus.Connection{URL: s.nats.URL(), Name: "fiord-up", NKeySeedFile: s.users[operator].NKeyFile, Log: s.log}
	if ca := s.ca(); ca != "" {
		c.RootCAs = []string{ca}
	}
	nc, err := bus.Connect(ctx, c)
	if err != nil {
		return err
	}
	defer nc.Close()
	topology := bus.DefaultTopology()
	topology.Volatile = true // this server never starts without what follows
	b, err := bus.New(bus.Options{Conn: nc, Source: "fiord/up", Topology: topology, Log: s.log})
	if err != nil {
		return err
	}
	return do(b)
}

// startS3 serves the artifacts.
func (s *Stack) startS3(ctx context.Context) error {
	if _, _, err := splitAddr("s3.listen", s.cfg.Servers.S3.Listen); err != nil {
		return err
	}
	root := s.users[operator]
	var err error
	s.s3, err = embedded.Start(ctx, embedded.Options{
		Dir: filepath.Join(s.dir, "s3"), Addr: s.cfg.Servers.S3.Listen, Bucket: s.cfg.Servers.S3.Bucket,
		CertFile: s.cfg.Servers.S3.TLS.CertFile, KeyFile: s.cfg.Servers.S3.TLS.KeyFile, CAFile: s.ca(),
		AccessKey: root.AccessKey, SecretKey: root.SecretKey.Reveal(), Users: s.s3Users(), Log: s.log.With("server", "s3"),
	})
	if err != nil {
		return taken("s3.listen", s.cfg.Servers.S3.Listen, err)
	}
	s.undo(s.s3.Close)
	return nil
}

// splitAddr checks that the address is free before a server is started on it,
// so that the error can name the setting.
func splitAddr(setting, addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("%s is %q: want host:port", setting, addr)
	}
	if port, err = strconv.Atoi(text); err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("%s is %q: the port must be 0 to 65535", setting, addr)
	}
	if port == 0 {
		return host, 0, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", 0, taken(setting, addr, err)
	}
	return host, port, l.Close()
}

// taken adds the remedy to the error of a port that is in use.
func taken(setting, addr string, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s %s: %w", setting, addr, err)
	}
	return fmt.Errorf("%s: %s is in use: stop what listens there, or choose another address with --%s (port 0 takes any free one)", setting, addr, setting)
}
