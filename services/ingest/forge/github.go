package forge

import (
	"net/http"
	"time"
)

// GitHub is github.com and GitHub Enterprise: HMAC-SHA256 of the raw body in
// X-Hub-Signature-256.
type GitHub struct{}

// Name implements [Forge].
func (GitHub) Name() string { return "github" }

// Sent implements [Forge].
func (GitHub) Sent(h http.Header) bool { return h.Get("X-GitHub-Event") != "" }

// Verify implements [Forge]. For form posts, too, GitHub signs the raw body.
// The SHA-1 signature that GitHub still sends beside it is never looked at.
func (GitHub) Verify(d Delivery, keys []Key, _ time.Time) (Key, error) {
	const header = "X-Hub-Signature-256"
	sum, err := hexDigest(header, d.Header.Get(header), "sha256=")
	if err != nil {
		return Key{}, err
	}
	return matchMAC(keys, sum, d.Body)
}

// Parse implements [Forge]. The create and delete events are ignored because
// the push event that comes with them says more.
func (f GitHub) Parse(d Delivery) (Message, error) {
	doc, err := document(d)
	if err != nil {
		return Message{}, err
	}
	event := d.Header.Get("X-GitHub-Event")
	if event == "pull_request" {
		var p hubPull
		if err := decode(doc, &p); err != nil {
			return Message{}, err
		}
		return p.pull(Message{Forge: f.Name(), Event: event, Delivery: d.Header.Get("X-GitHub-Delivery")})
	}
	var p hubPush
	if err := decode(doc, &p); err != nil {
		return Message{}, err
	}
	m := p.message(f.Name(), event, d.Header.Get("X-GitHub-Delivery"))
	switch event {
	case "ping":
		m.Ping = true
		return m, nil
	case "push":
		return p.push(m)
	default:
		return unhandled(m)
	}
}
