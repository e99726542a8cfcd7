package forge

import (
	"net/http"
	"time"
)

// SoftServe is Charm's Soft Serve. It refuses to deliver to private addresses;
// the post-receive hook in deploy/git serves it there.
type SoftServe struct{}

// Name implements [Forge].
func (SoftServe) Name() string { return "soft-serve" }

// Sent implements [Forge].
func (SoftServe) Sent(h http.Header) bool { return h.Get("X-SoftServe-Event") != "" }

// Verify implements [Forge]. The newline that ends the body is signed as well.
func (SoftServe) Verify(d Delivery, keys []Key, _ time.Time) (Key, error) {
	const header = "X-SoftServe-Signature"
	sum, err := hexDigest(header, d.Header.Get(header), "sha256=")
	if err != nil {
		return Key{}, err
	}
	return matchMAC(keys, sum, d.Body)
}

// Parse implements [Forge]. Soft Serve tells a creation twice, of which the push
// counts, and a deletion as branch_tag_delete, for which it sends no push.
func (f SoftServe) Parse(d Delivery) (Message, error) {
	doc, err := document(d)
	if err != nil {
		return Message{}, err
	}
	var p hubPush
	if err := decode(doc, &p); err != nil {
		return Message{}, err
	}
	m := p.message(f.Name(), d.Header.Get("X-SoftServe-Event"), d.Header.Get("X-SoftServe-Delivery"))
	if m.Event == "push" || m.Event == "branch_tag_delete" {
		return p.push(m)
	}
	return unhandled(m)
}
