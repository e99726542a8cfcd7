package forge

import (
	"net/http"
	"time"
)

// Git is a plain repository whose post-receive hook (deploy/git) signs and
// posts each ref that moved. The timestamp is signed with the body, so that a
// delivery that leaked cannot be sent again later.
type Git struct{}

// Name implements [Forge].
func (Git) Name() string { return "git" }

// Sent implements [Forge].
func (Git) Sent(h http.Header) bool { return h.Get("X-Fiord-Event") != "" }

// Verify implements [Forge]: X-Fiord-Signature is sha256=<hex> of HMAC-SHA256
// over "<X-Fiord-Timestamp>.<body>".
func (Git) Verify(d Delivery, keys []Key, now time.Time) (Key, error) {
	const header = "X-Fiord-Signature"
	sum, err := hexDigest(header, d.Header.Get(header), "sha256=")
	if err != nil {
		return Key{}, err
	}
	stamp := d.Header.Get("X-Fiord-Timestamp")
	if err := fresh(stamp, now); err != nil {
		return Key{}, err
	}
	return matchMAC(keys, sum, []byte(stamp+"."), d.Body)
}

type gitHook struct {
	Repo Repo   `json:"repo"`
	User string `json:"user"`
	Push
}

// Parse implements [Forge].
func (f Git) Parse(d Delivery) (Message, error) {
	var h gitHook
	if err := decode(d.Body, &h); err != nil {
		return Message{}, err
	}
	m := Message{
		Forge:    f.Name(),
		Event:    d.Header.Get("X-Fiord-Event"),
		Delivery: d.Header.Get("X-Fiord-Delivery"),
		Repo:     h.Repo,
		Sender:   h.User,
	}
	if m.Delivery == h.After {
		m.Delivery = "" // hooks installed long ago name the commit, which may come again
	}
	switch m.Event {
	case "ping":
		m.Ping = true
		return m, nil
	case "push":
		m.Pushes = []Push{h.Push}
		return m, m.check()
	default:
		return unhandled(m)
	}
}
