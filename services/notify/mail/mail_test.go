package mail

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify/notice"
)

// relay is a mail server that takes one message per connection.
type relay struct {
	addr  string
	cert  tls.Certificate
	roots *x509.CertPool
	// replies overrides the answer to a command, such as RCPT.
	replies map[string]string
	// rcpt, if set, answers RCPT; got are those taken in this transaction.
	rcpt     func(line string, got int) string
	implicit bool
	silent   bool

	mu       sync.Mutex
	commands []string
	messages []string
}

func newRelay(t *testing.T, change func(*relay)) *relay {
	t.Helper()
	// httptest has a certificate for 127.0.0.1 at hand.
	https := httptest.NewTLSServer(nil)
	defer https.Close()
	r := &relay{cert: https.TLS.Certificates[0], roots: x509.NewCertPool()}
	r.roots.AddCert(https.Certificate())
	change(r)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { r.serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return r
}

func (r *relay) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	if r.silent {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	config := &tls.Config{Certificates: []tls.Certificate{r.cert}, MinVersion: tls.VersionTLS12}
	if r.implicit {
		c = tls.Server(c, config)
	}
	in := bufio.NewReader(c)
	say := func(text string) { _, _ = io.WriteString(c, text+"\r\n") }
	say("220 relay")
	taken := 0
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.Fields(line + " x")[0])
		r.mu.Lock()
		r.commands = append(r.commands, strings.TrimSpace(line))
		r.mu.Unlock()
		switch reply, odd := r.replies[verb]; {
		case odd:
			say(reply)
		case verb == "RCPT" && r.rcpt != nil:
			reply := r.rcpt(line, taken)
			if reply[0] == '2' {
				taken++
			}
			say(reply)
		case verb == "EHLO":
			say("250-relay\r\n250-AUTH PLAIN\r\n250 STARTTLS")
		case verb == "STARTTLS":
			say("220 go on")
			c = tls.Server(c, config)
			in = bufio.NewReader(c)
		case verb == "AUTH":
			say("235 welcome")
		case verb == "DATA":
			say("354 go on")
			r.receive(in)
			taken = 0
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (r *relay) receive(in *bufio.Reader) {
	var message strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		message.WriteString(strings.TrimPrefix(line, "."))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, message.String())
}

func (r *relay) got() (commands string, messages []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.commands, "\n"), r.messages
}

func (r *relay) open(t *testing.T, change func(*Config)) *Mail {
	t.Helper()
	cfg := Config{
		Server: r.addr, Encryption: StartTLS, From: "Fiord <fiord@example.org>",
		To: []string{"ops@example.org", "Dév <dev@example.org>"}, Timeout: 5 * time.Second,
	}
	change(&cfg)
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.tls.RootCAs = r.roots
	return m
}

func message() notice.Notice {
	return notice.Notice{
		ID: "7i4hymiau5gjjnaaz5nd3bhzzy", Title: "randread: größer\r\nBcc: everybody@example.org",
		Text: "first line\n.\n.hidden\nlast line", URL: "https://bench.example.com/benches/b",
		Fields: []notice.Field{{Name: "repository", Value: "acme/storage"}, {Name: "ref", Value: "<b>"}},
		Event:  events.Event{Type: events.TypeBenchReported, Time: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)},
	}
}

func TestMessageArrivesEncryptedAndWhole(t *testing.T) {
	for _, encryption := range []Encryption{StartTLS, Implicit} {
		t.Run(string(encryption), func(t *testing.T) {
			r := newRelay(t, func(r *relay) { r.implicit = encryption == Implicit })
			m := r.open(t, func(c *Config) { c.Encryption, c.User, c.Password = encryption, "fiord", "hush" })
			if err := m.Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			commands, messages := r.got()
			for _, want := range []string{
				"AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00fiord\x00hush")),
				"MAIL FROM:<fiord@example.org>", "RCPT TO:<ops@example.org>", "RCPT TO:<dev@example.org>",
			} {
				if !strings.Contains(commands, want) {
					t.Errorf("%q is not among the commands:\n%s", want, commands)
				}
			}
			if len(messages) != 1 {
				t.Fatalf("%d messages", len(messages))
			}
			checkMessage(t, messages[0])
		})
	}
}

func checkMessage(t *testing.T, text string) {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil || subject != "[fiord] randread: größer  Bcc: everybody@example.org" {
		t.Errorf("subject %q, %v", subject, err)
	}
	if bcc := msg.Header.Get("Bcc"); bcc != "" {
		t.Errorf("a header was smuggled in: %q", bcc)
	}
	for name, want := range map[string]string{
		"Message-Id": "<7i4hymiau5gjjnaaz5nd3bhzzy@example.org>", "Date": "Sat, 14 Mar 2026 15:09:26 +0000",
		"Auto-Submitted": "auto-generated", "X-Fiord-Event": string(events.TypeBenchReported),
	} {
		if got := msg.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	to, err := msg.Header.AddressList("To")
	if err != nil || len(to) != 2 || to[1].Name != "Dév" {
		t.Errorf("To is %v, %v", to, err)
	}
	mediaType, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/alternative" {
		t.Fatalf("content type %q, %v", mediaType, err)
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for _, form := range []struct {
		mediaType string
		wants     []string
	}{
		{"text/plain; charset=utf-8", []string{"first line\r\n.\r\n.hidden\r\nlast line", "repository: acme/storage", "https://bench.example.com/benches/b"}},
		{"text/html; charset=utf-8", []string{"last line</p>", "<td style=\"padding:2px 0\">acme/storage</td>", `<a href="https://bench.example.com/benches/b">`, "&lt;b&gt;"}},
	} {
		p, err := parts.NextPart() // decodes quoted-printable
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil || p.Header.Get("Content-Type") != form.mediaType {
			t.Fatalf("part of type %q, %v", p.Header.Get("Content-Type"), err)
		}
		for _, want := range form.wants {
			if !strings.Contains(string(body), want) {
				t.Errorf("%q is not in the body:\n%s", want, body)
			}
		}
	}
}

// One address that is refused does not keep the message from the others.
func TestARefusedAddressIsNamedAndTheOthersHaveIt(t *testing.T) {
	r := newRelay(t, func(r *relay) {
		r.rcpt = func(line string, _ int) string {
			if strings.Contains(line, "ops@") {
				return "550 5.1.1 no such user"
			}
			return "250 ok"
		}
	})
	err := r.open(t, func(*Config) {}).Send(t.Context(), message())
	part, ok := errors.AsType[*notice.PartError](err)
	if !ok || len(part.Missing) != 1 || !strings.Contains(part.Error(), "ops@example.org: 550") {
		t.Errorf("error is %v, want the address that was refused", err)
	}
	if _, messages := r.got(); len(messages) != 1 {
		t.Errorf("%d messages, want one to the other address", len(messages))
	}
}

// Who is refused for now gets the message later, and who has it gets no second.
func TestAnAddressThatIsGreylistedIsTriedAgainAlone(t *testing.T) {
	listed := true
	r := newRelay(t, func(r *relay) {
		r.rcpt = func(line string, _ int) string {
			if strings.Contains(line, "dev@") && listed {
				return "451 greylisted"
			}
			return "250 ok"
		}
	})
	m := r.open(t, func(*Config) {})
	err := m.Send(t.Context(), message())
	failure, ok := errors.AsType[*notice.SendError](err)
	if !ok || failure.Outcome != notice.Failed || !strings.Contains(err.Error(), "dev@example.org: 451") {
		t.Fatalf("error is %v, want another try for dev", err)
	}
	listed = false
	if err := m.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	commands, messages := r.got()
	if len(messages) != 2 || strings.Count(commands, "RCPT TO:<ops@example.org>") != 1 {
		t.Errorf("%d messages, want one to each address:\n%s", len(messages), commands)
	}
}

func TestAServerThatTakesOneAddressAtATime(t *testing.T) {
	r := newRelay(t, func(r *relay) {
		r.rcpt = func(_ string, got int) string {
			if got == 1 {
				return "452 too many recipients"
			}
			return "250 ok"
		}
	})
	if err := r.open(t, func(*Config) {}).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if _, messages := r.got(); len(messages) != 2 {
		t.Errorf("%d messages, want one for each address", len(messages))
	}
}

func TestServersWordsDecideWhatComesNext(t *testing.T) {
	for reply, want := range map[string]notice.Outcome{
		"550 no such user": notice.Refused, "451 greylisted": notice.Failed, "421 shutting down": notice.Failed,
	} {
		r := newRelay(t, func(r *relay) { r.replies = map[string]string{"RCPT": reply} })
		err := r.open(t, func(*Config) {}).Send(t.Context(), message())
		failure, ok := errors.AsType[*notice.SendError](err)
		if !ok || failure.Outcome != want || !strings.Contains(err.Error(), reply[4:]) {
			t.Errorf("%s: error is %v, want %s", reply, err, want)
		}
	}
}

func TestNothingIsSentWithoutTheEncryptionAskedFor(t *testing.T) {
	r := newRelay(t, func(r *relay) {
		r.replies = map[string]string{"EHLO": "250 relay without TLS", "STARTTLS": "502 not here"}
	})
	if err := r.open(t, func(*Config) {}).Send(t.Context(), message()); err == nil {
		t.Error("the message was sent in the clear")
	}
	stranger := newRelay(t, func(*relay) {})
	m := stranger.open(t, func(*Config) {})
	m.tls.RootCAs = x509.NewCertPool()
	if err := m.Send(t.Context(), message()); err == nil {
		t.Error("an unknown authority was trusted")
	}
	for _, r := range []*relay{r, stranger} {
		if commands, messages := r.got(); len(messages) != 0 || strings.Contains(commands, "MAIL") {
			t.Errorf("commands:\n%s", commands)
		}
	}
}

func TestSilentServerIsAwayInTime(t *testing.T) {
	r := newRelay(t, func(r *relay) { r.silent = true })
	m := r.open(t, func(c *Config) { c.Timeout = 200 * time.Millisecond })
	start := time.Now()
	err := m.Send(t.Context(), message())
	failure, ok := errors.AsType[*notice.SendError](err)
	if !ok || failure.Outcome != notice.Away || time.Since(start) > 30*time.Second {
		t.Errorf("error is %v after %v", err, time.Since(start))
	}
}

func TestConfigurationNamesEverythingThatIsWrong(t *testing.T) {
	_, err := New(Config{Server: "host", Encryption: "maybe", From: "nobody", To: []string{"x@y", "@"}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"want host:port", `"maybe"`, `from "nobody"`, `to "@"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
	if _, err := New(Config{Server: "h:25", Encryption: None, User: "u", From: "a@b", To: []string{"c@d"}}); err == nil {
		t.Error("a password without encryption is accepted")
	}
}
