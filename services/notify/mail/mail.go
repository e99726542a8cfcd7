// Package mail sends notices by SMTP.
package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
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

// Send delivers one message to the server. The Message-Id is made of the
// notice's id, so that mail systems drop a repetition.
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
	if err := m.converse(conn, m.compose(n)); err != nil {
		return judge(err)
	}
	return nil
}

func (m *Mail) dial(ctx context.Context) (net.Conn, error) {
	if m.cfg.Encryption == Implicit {
		return (&tls.Dialer{Config: m.tls}).DialContext(ctx, "tcp", m.cfg.Server)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", m.cfg.Server)
}

// converse speaks SMTP up to the server's word that it has the message. What
// goes wrong behind that word changes nothing.
func (m *Mail) converse(conn net.Conn, message []byte) error {
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
	if err := c.Mail(m.from.Address); err != nil {
		return err
	}
	for _, to := range m.to {
		if err := c.Rcpt(to.Address); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = c.Quit()
	return nil
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

// compose writes the message. Everything from outside goes through an encoder,
// so that no header and no command can be smuggled in.
func (m *Mail) compose(n notice.Notice) []byte {
	var to []string
	for _, a := range m.to {
		to = append(to, a.String())
	}
	_, domain, _ := strings.Cut(m.from.Address, "@")
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", m.from.String()},
		{"To", strings.Join(to, ",\r\n ")},
		{"Subject", mime.QEncoding.Encode("utf-8", "[fiord] "+notice.OneLine(n.Title, 150))},
		{"Date", n.Event.Time.UTC().Format(time.RFC1123Z)},
		{"Message-Id", "<" + n.ID + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"X-Fiord-Event", string(n.Event.Type)},
		{"Mime-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	_, _ = q.Write([]byte(body(n))) // a bytes.Buffer takes everything
	_ = q.Close()
	return b.Bytes()
}

func body(n notice.Notice) string {
	lines := []string{n.Title, ""}
	if n.Text != "" {
		lines = append(lines, n.Text, "")
	}
	for _, f := range n.Fields {
		lines = append(lines, f.Name+": "+f.Value)
	}
	if n.URL != "" {
		lines = append(lines, "", n.URL)
	}
	return strings.Join(lines, "\n") + "\n"
}
