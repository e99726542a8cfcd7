// Package mail sends notices by SMTP.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"time"

	"github.com/fiord-bench/fiord/services/notify/notice"
)

// Encryption says how the connection is protected.
type Encryption string

// The ways: upgraded after the greeting and never without, from the first byte,
// or not at all, for a relay on the same host or in a trusted network.
const (
	StartTLS Encryption = "starttls"
	Implicit Encryption = "implicit"
	None     Encryption = "none"
)

// Config of one mail target.
type Config struct {
	// Server is host:port.
	Server     string
	Encryption Encryption
	// User and Password, if the server wants them; never sent in the clear.
	User, Password string
	// From and To are addresses as in "Fiord <fiord@example.org>".
	From string
	To   []string
	// Timeout of one message, from the connection to the last answer.
	Timeout time.Duration
}

// Mail sends to one list of people.
type Mail struct {
	cfg  Config
	host string
	from *mail.Address
	to   []*mail.Address
	// roots of trust, nil for the system's.
	tls *tls.Config
	// underway are the messages that some have and others are still to get.
	underway underway
}

// New prepares a target and reports what cannot work.
func New(cfg Config) (*Mail, error) {
	m := &Mail{cfg: cfg}
	var errs []error
	var err error
	if m.host, _, err = net.SplitHostPort(cfg.Server); err != nil {
		errs = append(errs, fmt.Errorf("server %q: want host:port", cfg.Server))
	}
	switch cfg.Encryption {
	case StartTLS, Implicit, None:
	default:
		errs = append(errs, fmt.Errorf("encryption %q: want %s, %s or %s", cfg.Encryption, StartTLS, Implicit, None))
	}
	if cfg.Encryption == None && cfg.User != "" {
		errs = append(errs, errors.New("a password is not sent without encryption: use starttls or implicit"))
	}
	if m.from, err = mail.ParseAddress(cfg.From); err != nil {
		errs = append(errs, fmt.Errorf("from %q: %w", cfg.From, err))
	}
	if len(cfg.To) == 0 {
		errs = append(errs, errors.New("to is empty"))
	}
	for _, text := range cfg.To {
		a, err := mail.ParseAddress(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("to %q: %w", text, err))
			continue
		}
		m.to = append(m.to, a)
	}
	m.tls = &tls.Config{ServerName: m.host, MinVersion: tls.VersionTLS12}
	return m, errors.Join(errs...)
}

// Send delivers one message to the server, to each address once: one that is
// refused does not keep it from the others. What is refused for now is tried again, with
// the error that says so, for the addresses concerned alone; what is refused for
// good ends as a [notice.PartError], or as a refusal if none took it. The
// Message-Id is made of the notice's id, so that mail systems drop a repetition.
func (m *Mail) Send(ctx context.Context, n notice.Notice) error {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timeout)
	defer cancel()
	conn, err := m.dial(ctx)
	if err != nil {
		return &notice.SendError{Outcome: notice.Away, Err: fmt.Errorf("connect to mail server: %w", err)}
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return &notice.SendError{Outcome: notice.Away, Err: err}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	d := m.underway.get(n.ID, m.to)
	if err := m.converse(conn, m.compose(n), d); err != nil {
		return judge(err)
	}
	m.underway.drop(n.ID)
	return d.conclude()
}

func (m *Mail) dial(ctx context.Context) (net.Conn, error) {
	if m.cfg.Encryption == Implicit {
		return (&tls.Dialer{Config: m.tls}).DialContext(ctx, "tcp", m.cfg.Server)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", m.cfg.Server)
}

// converse speaks SMTP up to the server's word that it has the message. What
// goes wrong behind that word changes nothing.
func (m *Mail) converse(conn net.Conn, message []byte, d *delivery) error {
	c, err := smtp.NewClient(conn, m.host)
	if err != nil {
		return err
	}
	defer c.Close()
	if m.cfg.Encryption == StartTLS {
		if err := c.StartTLS(m.tls); err != nil {
			return fmt.Errorf("start TLS: %w", err)
		}
	}
	if m.cfg.User != "" {
		if err := c.Auth(smtp.PlainAuth("", m.cfg.User, m.cfg.Password, m.host)); err != nil {
			return fmt.Errorf("authenticate: %w", err)
		}
	}
	// A server may take some of the addresses in one transaction and the rest in
	// the next: 452 is what it says to more than it takes at once.
	for len(d.left) > 0 {
		taken, err := m.transact(c, message, d)
		if err != nil {
			return err
		}
		if taken == 0 && len(d.left) > 0 {
			return d.deferred
		}
	}
	_ = c.Quit()
	return nil
}

// transact sends the message to those that are left and that the server takes.
func (m *Mail) transact(c *smtp.Client, message []byte, d *delivery) (taken int, err error) {
	if err := c.Mail(m.from.Address); err != nil {
		return 0, err
	}
	var accepted, later []*mail.Address
	for _, to := range d.left {
		err := c.Rcpt(to.Address)
		reply, said := errors.AsType[*textproto.Error](err)
		switch {
		case err == nil:
			accepted = append(accepted, to)
		case !said:
			return 0, err
		case reply.Code/100 == 5:
			d.refused = append(d.refused, refusal{to.Address, err})
		default:
			later, d.deferred = append(later, to), fmt.Errorf("%s: %w", to.Address, err)
		}
	}
	if len(accepted) == 0 {
		d.left = later
		return 0, c.Reset()
	}
	w, err := c.Data()
	if err != nil {
		return 0, err
	}
	if _, err := w.Write(message); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	d.left, d.reached = later, d.reached+len(accepted)
	return len(accepted), nil
}

// judge sorts an error by SMTP's own classes: 4yz is for now, 5yz for good.
func judge(err error) error {
	reply, ok := errors.AsType[*textproto.Error](err)
	switch {
	case !ok:
		return &notice.SendError{Outcome: notice.Away, Err: err}
	case reply.Code/100 == 5:
		return &notice.SendError{Outcome: notice.Refused, Err: err}
	default:
		return &notice.SendError{Outcome: notice.Failed, Err: err}
	}
}
