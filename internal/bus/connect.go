package bus

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/nats-io/nuid"
)

// Connection says how to reach NATS.
type Connection struct {
	// URL of the servers, comma-separated.
	URL string
	// Name shown in the server's connection list: fiord-bench on host-1.
	Name string
	// NKeySeedFile holds the seed of the user's nkey, NKeySeed is the seed itself;
	// both are empty without one.
	NKeySeedFile, NKeySeed string
	// CredentialsFile is a .creds file (JWT and nkey); empty without one.
	CredentialsFile string
	// RootCAs are PEM files to trust; CertFile and KeyFile a client certificate.
	RootCAs           []string
	CertFile, KeyFile string
	// InboxPrefix keeps replies to one user where permissions ask for it.
	InboxPrefix string
	// DefaultInbox is the prefix that follows from the user, where InboxPrefix is
	// empty. Where the server does not permit it, NATS's own is used.
	DefaultInbox string
	Log          *slog.Logger
	// Extra options, such as an in-process server in tests.
	Extra []nats.Option
}

// Connect dials NATS and keeps the connection for good: it waits for a server
// that is not up yet until ctx ends, and reconnects forever afterwards. What waiting
// does not mend is an error at once: refused credentials, certificates that are not
// trusted, and a user who may not receive answers.
func Connect(ctx context.Context, c Connection) (*nats.Conn, error) {
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	prefixes := []string{c.InboxPrefix}
	if c.InboxPrefix == "" && c.DefaultInbox != "" {
		prefixes = []string{c.DefaultInbox, ""}
	}
	var errs []error
	for _, prefix := range prefixes {
		c.InboxPrefix = prefix
		nc, err := c.dial(ctx, log)
		if err != nil {
			return nil, err
		}
		if err = receives(nc); err == nil {
			return nc, nil
		}
		nc.Close()
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("connect to NATS at %s: this user may not receive answers: set nats.inbox_prefix to what its rights name, or check whose key it is: %w", c.URL, errors.Join(errs...))
}

// inboxTimeout is how long a server may take to say whether an inbox is permitted.
const inboxTimeout = 5 * time.Second

// receives asks the server whether answers may be received: without that right each
// request would wait in vain. A connection that is lost meanwhile says nothing.
func receives(nc *nats.Conn) error {
	sub, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		return nil //nolint:nilerr // lost, and made again by itself
	}
	defer sub.Unsubscribe() //nolint:errcheck // the connection is closed, or the server forgets it
	if err := nc.FlushTimeout(inboxTimeout); err != nil {
		return nil //nolint:nilerr // the same
	}
	if err := nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return err
	}
	return nil
}

// dial connects, and waits for a server that is not there yet.
func (c Connection) dial(ctx context.Context, log *slog.Logger) (*nats.Conn, error) {
	opts := append(c.options(log), c.Extra...)
	for told := (time.Time{}); ; {
		nc, err := nats.Connect(c.URL, opts...)
		if err == nil {
			return nc, nil
		}
		if refused(err) {
			return nil, fmt.Errorf("connect to NATS at %s: %w: check the user's key and its permissions", c.URL, err)
		}
		if untrusted(err) {
			return nil, fmt.Errorf("connect to NATS at %s: %w: check nats.ca_files, and that the certificate is for the host in nats.url (tls://)", c.URL, err)
		}
		if time.Since(told) > time.Minute { // an outage of an hour is tried 7,200 times
			log.Warn("NATS does not answer yet", "url", c.URL, "error", err)
			told = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to NATS at %s: %w", c.URL, err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (c Connection) options(log *slog.Logger) []nats.Option {
	opts := []nats.Option{
		nats.Name(c.Name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, time.Second),
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(3),
		nats.Timeout(5 * time.Second),
		// A publish during an outage fails at once instead of being buffered:
		// who publishes must know.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("NATS connection lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.Info("NATS connection is back", "server", nc.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			log.Warn("NATS reports", "subject", subject, "error", err)
		}),
	}
	if c.InboxPrefix != "" {
		opts = append(opts, nats.CustomInboxPrefix(c.InboxPrefix))
	}
	if c.CredentialsFile != "" {
		opts = append(opts, nats.UserCredentials(c.CredentialsFile))
	}
	if c.NKeySeedFile != "" {
		opts = append(opts, nkeyFromFile(c.NKeySeedFile))
	}
	if c.NKeySeed != "" {
		opts = append(opts, nkeyFromSeed(c.NKeySeed))
	}
	if len(c.RootCAs) > 0 {
		opts = append(opts, nats.RootCAs(c.RootCAs...))
	}
	if c.CertFile != "" {
		opts = append(opts, nats.ClientCert(c.CertFile, c.KeyFile))
	}
	return opts
}

// nkeyFromFile defers reading the seed to the connect, so that a bad file is
// an error of the connect.
func nkeyFromFile(path string) nats.Option {
	return func(o *nats.Options) error {
		opt, err := nats.NkeyOptionFromSeed(path)
		if err != nil {
			return fmt.Errorf("%w %s: %w", errSeed, path, err)
		}
		return opt(o)
	}
}

// nkeyFromSeed signs with a seed that no file holds. No error shows it.
func nkeyFromSeed(seed string) nats.Option {
	return func(o *nats.Options) error {
		pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(seed)))
		if err != nil {
			return fmt.Errorf("%w: %w", errSeed, err)
		}
		public, err := pair.PublicKey()
		if err != nil {
			return fmt.Errorf("%w: %w", errSeed, err)
		}
		return nats.Nkey(public, pair.Sign)(o)
	}
}

// Seed is the seed of the connection's user, in whatever wrapping; empty where there
// is none.
func (c Connection) Seed() ([]byte, error) {
	file := cmp.Or(c.NKeySeedFile, c.CredentialsFile)
	if file == "" {
		return bytes.TrimSpace([]byte(c.NKeySeed)), nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSeed, err)
	}
	return bytes.TrimSpace(text), nil
}

// GuestName is the public key of a connection's user, or a name of its own where
// there is none.
func (c Connection) GuestName() (string, error) {
	seed, err := c.Seed()
	if err != nil {
		return "", err
	}
	if len(seed) == 0 {
		return nuid.Next(), nil
	}
	pair, err := nkeys.ParseDecoratedUserNKey(seed)
	if err != nil {
		return "", fmt.Errorf("%w %s: %w", errSeed, cmp.Or(c.NKeySeedFile, c.CredentialsFile), err)
	}
	return pair.PublicKey()
}

// errSeed says that there is no key to connect with.
var errSeed = errors.New("read nkey seed")

// untrusted says that both sides do not agree on TLS.
func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate) || errors.Is(err, nats.ErrSecureConnRequired) || errors.Is(err, nats.ErrSecureConnWanted)
}

func refused(err error) bool {
	return errors.Is(err, errSeed) || errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) ||
		errors.Is(err, nats.ErrAuthRevoked) || errors.Is(err, nats.ErrNkeysNotSupported)
}
