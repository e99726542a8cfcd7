package proof

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nkeys"
)

// Mode says what becomes of an event that proves nothing.
type Mode string

const (
	// Required refuses what is not signed, unless it was stored before the
	// installation's events were.
	Required Mode = "required"
	// WhenPresent refuses a proof that is wrong and lets through what has none: for
	// the time in which an installation is brought up to date.
	WhenPresent Mode = "when-present"
	// Off looks at no proof.
	Off Mode = "off"
)

// Fresh is how long after it was signed a message may be stored. Within that time
// JetStream takes its id for a duplicate, so that no copy of it is stored again.
const Fresh = 10 * time.Minute

// ahead is how far a signer's clock may be ahead of the stream's server. Signers go
// by the server's.
const ahead = 2 * time.Minute

// The kinds of refusals; each wraps [ErrUnproven].
var (
	// ErrUnproven says that a message does not prove who made it.
	ErrUnproven = errors.New("the event does not prove who made it")

	ErrUnsigned  = fmt.Errorf("%w: it is not signed", ErrUnproven)
	ErrSignature = fmt.Errorf("%w: the signature is not of this subject, id and content", ErrUnproven)
	ErrGrant     = fmt.Errorf("%w: %w", ErrUnproven, errIssuer)
	ErrSubject   = fmt.Errorf("%w: the grant does not allow it", ErrUnproven)
	ErrStale     = fmt.Errorf("%w: it was stored at another time than it was signed", ErrUnproven)
	ErrVoid      = fmt.Errorf("%w: the grant was taken back", ErrUnproven)
	// ErrClaim is for what an event says of its maker, see [Grant.Vouch].
	ErrClaim = fmt.Errorf("%w: it claims to be another's", ErrUnproven)
)

// Reason is one word for a refusal, for metrics.
func Reason(err error) string {
	for reason, kind := range map[string]error{
		"unsigned": ErrUnsigned, "signature": ErrSignature, "grant": ErrGrant, "subject": ErrSubject, "stale": ErrStale,
		"void": ErrVoid, "claim": ErrClaim,
	} {
		if errors.Is(err, kind) {
			return reason
		}
	}
	return "other"
}

// Verifier verifies what was signed by the grants of one authority. Its methods may
// be called by any goroutine; the services of one process may share it, so that
// each signature is verified once.
type Verifier struct {
	authority string
	mode      Mode
	since     time.Time

	mu      sync.RWMutex
	holders map[string]*holder   // by the grant's text
	void    map[string]time.Time // key → since when grants of before are void
	// recent are hashes that were found to be signed, in two generations.
	recent, older map[[sha256.Size]byte]struct{}
}

// Bounds of what a verifier remembers: holders are as many as users, and recent
// events those that several reactions of a process meet.
const (
	maxHolders = 20_000
	maxRecent  = 4_096
)

// holder is a grant that was verified, ready for use.
type holder struct {
	Grant
	public  ed25519.PublicKey
	filters []string
	mu      sync.Mutex
	allows  map[string]bool // by kind: whether it is allowed with any route
}

// NewVerifier verifies in a mode. Unsigned events that were stored before since are
// taken as they are; the zero time is that of the verifier's own grant.
func NewVerifier(own Issued, mode Mode, since time.Time) (*Verifier, error) {
	if mode != Required && mode != WhenPresent && mode != Off {
		return nil, fmt.Errorf("verify events: mode is %q: want %s, %s or %s", mode, Required, WhenPresent, Off)
	}
	if since.IsZero() {
		since = own.Since
	}
	return &Verifier{
		authority: own.Authority, mode: mode, since: since, holders: map[string]*holder{}, void: map[string]time.Time{},
		recent: map[[sha256.Size]byte]struct{}{},
	}, nil
}

// Mode that it verifies in.
func (v *Verifier) Mode() Mode { return v.mode }

// Void takes note of an entry of the authority's list, see [Authority.Void].
func (v *Verifier) Void(entry string) error {
	key, before, err := readVoid(v.authority, entry)
	if err != nil {
		return fmt.Errorf("read what was taken back: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if before.After(v.void[key]) {
		v.void[key] = before
	}
	return nil
}

// holder reads a grant, once.
func (v *Verifier) holder(wire string) (*holder, error) {
	v.mu.RLock()
	h := v.holders[wire]
	v.mu.RUnlock()
	if h != nil {
		return h, nil
	}
	g, err := verifyGrant(v.authority, wire)
	if err != nil {
		if errors.Is(err, errIssuer) {
			return nil, ErrGrant
		}
		return nil, fmt.Errorf("%w: %w", ErrGrant, err)
	}
	public, err := nkeys.Decode(nkeys.PrefixByteUser, []byte(g.Key))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGrant, err)
	}
	h = &holder{Grant: g, public: public, filters: g.filters(), allows: map[string]bool{}}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.holders) >= maxHolders {
		clear(v.holders)
	}
	v.holders[wire] = h
	return h, nil
}

// voided tells when what a grant allows was taken back.
func (v *Verifier) voided(g *Grant) (time.Time, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	before, is := v.void[g.Key]
	return before, is && g.At.Before(before)
}

// known tells whether a hash was found to be signed, of late.
func (v *Verifier) known(sum [sha256.Size]byte) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if _, is := v.recent[sum]; is {
		return true
	}
	_, is := v.older[sum]
	return is
}

func (v *Verifier) remember(sums ...[sha256.Size]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, sum := range sums {
		if len(v.recent) >= maxRecent {
			v.older, v.recent = v.recent, make(map[[sha256.Size]byte]struct{}, maxRecent)
		}
		v.recent[sum] = struct{}{}
	}
}

// publishes tells whether the holder may publish to a subject. The answer is kept
// for a whole kind of subjects where the holder may publish to all of them.
func (h *holder) publishes(subject string) bool {
	kind := kindOf(subject)
	key, tried := kind, kind
	if subject != kind {
		key, tried = kind+".", kind+"._._" // no route is called so
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	all, is := h.allows[key]
	if !is {
		all = h.allowed(tried)
		if len(h.allows) < maxKinds {
			h.allows[key] = all
		}
	}
	return all || h.allowed(subject)
}

func (h *holder) allowed(subject string) bool {
	return slices.ContainsFunc(h.filters, func(filter string) bool { return matches(filter, subject) })
}

// maxKinds bounds what is kept of one holder; there are as many as types of events.
const maxKinds = 256
