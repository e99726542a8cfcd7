package proof

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// Message is what a verifier looks at.
type Message struct {
	Subject string
	// ID is the message's id, ContentType its header of that name.
	ID, ContentType string
	// Proof and Grant are the headers that [Signer.Sign] gave; empty without.
	Proof, Grant string
	Body         []byte
	// Stored is when the stream stored the message; zero if that is not known, when
	// neither its age nor its date is looked at.
	Stored time.Time
}

// Claim is a message whose proof is verified when it is asked for.
type Claim struct {
	v      *Verifier
	holder *holder // nil without a proof
	err    error   // found without looking at the signature
	sum    [sha256.Size]byte
	sig    string
	tree   *tree // nil if the signature need not be looked at
	namer  *Claim
	signed bool // known once the tree was verified
}

// tree are events of one signer, each of which is named by one of those before it
// in the list.
type tree struct {
	once   sync.Once
	claims []*Claim
}

// Examine looks at a group of messages. What each of them proves is found out when
// its claim is verified; a group that one signer made one after the other is
// verified by one signature.
func (v *Verifier) Examine(messages []Message) []*Claim {
	claims := make([]*Claim, len(messages))
	list := make([]Claim, len(messages))
	named := make(map[string]*Claim, naming*len(messages))
	for i := range messages {
		c := &list[i]
		claims[i] = c
		before := v.read(c, &messages[i])
		if c.err != nil || c.holder == nil || v.known(c.sum) {
			continue
		}
		c.tree = &tree{}
		for before != "" && len(messages) > 1 {
			var hash string
			hash, before, _ = strings.Cut(before, ",")
			if named[hash] == nil {
				named[hash] = c
			}
		}
	}
	for _, c := range claims {
		if c.tree != nil && len(named) > 0 {
			// Only what the same holder signed is vouched for.
			if n := named[name(c.sum)]; n != nil && n != c && n.holder == c.holder {
				c.namer = n
			}
		}
	}
	for _, c := range claims {
		if c.tree != nil {
			c.plant()
		}
	}
	return claims
}

// plant puts a claim into the tree of the one that names it, behind it. No two
// events name each other: they would have to know each other's hash.
func (c *Claim) plant() {
	if len(c.tree.claims) > 0 {
		return
	}
	if c.namer != nil {
		c.namer.plant()
		c.tree = c.namer.tree
	}
	c.tree.claims = append(c.tree.claims, c)
}

// read takes a message's proof apart and returns the hashes of the events that
// it names.
func (v *Verifier) read(c *Claim, m *Message) (before string) {
	c.v = v
	if v.mode == Off {
		return ""
	}
	if m.Proof == "" {
		if v.mode == Required && (m.Stored.IsZero() || !m.Stored.Before(v.since)) {
			c.err = ErrUnsigned
		}
		return ""
	}
	if c.err = v.readProof(c, m, &before); c.err != nil {
		c.holder = nil
	}
	return before
}

func (v *Verifier) readProof(c *Claim, m *Message, before *string) error {
	h, err := v.holder(m.Grant)
	if err != nil {
		return err
	}
	c.holder = h
	stamp, rest, _ := strings.Cut(m.Proof, ";")
	var ok bool
	if *before, c.sig, ok = strings.Cut(rest, ";"); !ok || m.ContentType != events.MediaType {
		return ErrSignature
	}
	if !h.publishes(m.Subject) {
		return fmt.Errorf("%w: %s may not publish to %s", ErrSubject, h.Who(), m.Subject)
	}
	if err := v.dated(h, stamp, m.Stored); err != nil {
		return err
	}
	c.sum = digest(m.Grant, m.Subject, m.ID, stamp, *before, m.Body)
	return nil
}

// dated holds the time of signing against that of storing.
func (v *Verifier) dated(h *holder, stamp string, stored time.Time) error {
	if before, void := v.voided(&h.Grant); void && (stored.IsZero() || !stored.Before(before)) {
		return fmt.Errorf("%w: that of %s of %s, at %s: who still is let in writes the bundle anew with fiord creds", ErrVoid,
			h.Who(), h.At.Format(time.RFC3339), before.UTC().Format(time.RFC3339))
	}
	if stored.IsZero() {
		return nil
	}
	millis, err := strconv.ParseInt(stamp, 36, 64)
	if err != nil {
		return ErrSignature
	}
	if age := stored.Sub(time.UnixMilli(millis)); age > Fresh || age < -ahead {
		return fmt.Errorf("%w: %s signed it at %s, it was stored at %s", ErrStale, h.Who(),
			time.UnixMilli(millis).UTC().Format(time.RFC3339), stored.UTC().Format(time.RFC3339))
	}
	return nil
}

// Verify returns the grant of who made the message. The grant is nil if the message
// proves nothing and the verifier's mode lets that through. The error wraps
// [ErrUnproven].
func (c *Claim) Verify() (*Grant, error) {
	if c.err != nil {
		return nil, c.err
	}
	if c.holder == nil {
		return nil, nil //nolint:nilnil // documented: an event of an installation that does not sign
	}
	if c.tree != nil {
		c.tree.once.Do(func() { c.v.verify(c.tree) })
		if !c.signed {
			return nil, ErrSignature
		}
	}
	return &c.holder.Grant, nil
}

// verify finds out which claims of a tree are signed: whoever signed one has signed
// those that it names.
func (v *Verifier) verify(t *tree) {
	sums := make([][sha256.Size]byte, 0, len(t.claims))
	for _, c := range t.claims {
		if c.signed = c.namer != nil && c.namer.signed || c.hasSignature(); c.signed {
			sums = append(sums, c.sum)
		}
	}
	v.remember(sums...)
}

func (c *Claim) hasSignature() bool {
	signature, err := encoding.DecodeString(c.sig)
	return err == nil && ed25519.Verify(c.holder.public, signed(c.sum), signature)
}
