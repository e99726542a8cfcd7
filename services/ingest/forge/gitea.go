package forge

import (
	"net/http"
	"time"
)

// Gitea signs the JSON with HMAC-SHA256, in hexadecimal without a prefix.
type Gitea struct{}

// Name implements [Forge].
func (Gitea) Name() string { return "gitea" }

// Sent implements [Forge].
func (Gitea) Sent(h http.Header) bool { return h.Get("X-Gitea-Event") != "" }

// Verify implements [Forge].
func (Gitea) Verify(d Delivery, keys []Key, _ time.Time) (Key, error) {
	return verifyDocument(d, keys, "X-Gitea-Signature")
}

// Parse implements [Forge].
func (f Gitea) Parse(d Delivery) (Message, error) {
	return parseGitea(d, f.Name(), "X-Gitea-Event", "X-Gitea-Delivery")
}

// Forgejo is Gitea's fork: the same payloads under headers of its own.
type Forgejo struct{}

// Name implements [Forge].
func (Forgejo) Name() string { return "forgejo" }

// Sent implements [Forge].
func (Forgejo) Sent(h http.Header) bool { return h.Get("X-Forgejo-Event") != "" }

// Verify implements [Forge].
func (Forgejo) Verify(d Delivery, keys []Key, _ time.Time) (Key, error) {
	return verifyDocument(d, keys, "X-Forgejo-Signature")
}

// Parse implements [Forge].
func (f Forgejo) Parse(d Delivery) (Message, error) {
	return parseGitea(d, f.Name(), "X-Forgejo-Event", "X-Forgejo-Delivery")
}

// Gogs is what Gitea was forked from.
type Gogs struct{}

// Name implements [Forge].
func (Gogs) Name() string { return "gogs" }

// Sent implements [Forge].
func (Gogs) Sent(h http.Header) bool { return h.Get("X-Gogs-Event") != "" }

// Verify implements [Forge].
func (Gogs) Verify(d Delivery, keys []Key, _ time.Time) (Key, error) {
	return verifyDocument(d, keys, "X-Gogs-Signature")
}

// Parse implements [Forge]. A pull request names branches without commits, so
// that the commit it is at stays to be found out.
func (f Gogs) Parse(d Delivery) (Message, error) {
	if d.Header.Get("X-Gogs-Event") != "pull_request" {
		return parseGitea(d, f.Name(), "X-Gogs-Event", "X-Gogs-Delivery")
	}
	doc, err := document(d)
	if err != nil {
		return Message{}, err
	}
	var p gogsPull
	if err := decode(doc, &p); err != nil {
		return Message{}, err
	}
	return p.pull(Message{Forge: f.Name(), Event: "pull_request", Delivery: d.Header.Get("X-Gogs-Delivery")})
}

type gogsPull struct {
	hubPull
	Pull struct {
		HeadRef  string   `json:"head_branch"`
		HeadRepo *hubRepo `json:"head_repo"` // null when the fork was deleted
		BaseRef  string   `json:"base_branch"`
	} `json:"pull_request"`
}

// pull reads what Gogs tells with the reading of its kin, which wants head and
// base in places of their own.
func (p gogsPull) pull(m Message) (Message, error) {
	h := p.hubPull
	h.PullRequest.Head = hubTip{Ref: p.Pull.HeadRef, Repo: p.Pull.HeadRepo}
	h.PullRequest.Base = hubTip{Ref: p.Pull.BaseRef}
	return h.pull(m)
}

// verifyDocument checks a bare hexadecimal signature. For form posts these
// forges sign the JSON before it is put into the form, so the form has to be
// unwrapped first; url.ParseQuery is all that touches unverified bytes.
func verifyDocument(d Delivery, keys []Key, header string) (Key, error) {
	sum, err := hexDigest(header, d.Header.Get(header), "")
	if err != nil {
		return Key{}, err
	}
	doc, err := document(d)
	if err != nil {
		return Key{}, err
	}
	return matchMAC(keys, sum, doc)
}

// parseGitea reads the events of the family. A new branch or tag comes as
// create and as push, of which the push counts; a branch that goes away comes
// as delete alone.
func parseGitea(d Delivery, forge, eventHeader, deliveryHeader string) (Message, error) {
	doc, err := document(d)
	if err != nil {
		return Message{}, err
	}
	event, delivery := d.Header.Get(eventHeader), d.Header.Get(deliveryHeader)
	if event == "pull_request" {
		var p hubPull
		if err := decode(doc, &p); err != nil {
			return Message{}, err
		}
		return p.pull(Message{Forge: forge, Event: event, Delivery: delivery})
	}
	var p hubPush
	if err := decode(doc, &p); err != nil {
		return Message{}, err
	}
	m := p.message(forge, event, delivery)
	switch event {
	case "push":
		return p.push(m)
	case "delete":
		return p.deletion(m)
	default:
		return unhandled(m)
	}
}
