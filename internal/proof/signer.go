package proof

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/fiord-bench/fiord/events"
)

// Headers of a signed message: the proof is the time, the hash of the signer's
// event before and the signature.
const (
	HeaderProof = "Fiord-Proof"
	HeaderGrant = "Fiord-Grant"
)

// Signer signs events in the name of a grant's holder. Its methods may be called by
// any goroutine.
type Signer struct {
	issued Issued
	key    ed25519.PrivateKey

	mu   sync.Mutex
	last map[string][]string // names of the last events by the kind of their subjects, the newest first
}

// NewSigner signs with the seed whose public key the grant is about.
func NewSigner(issued Issued, seed []byte) (*Signer, error) {
	pair, err := nkeys.ParseDecoratedUserNKey(seed)
	if err != nil {
		return nil, fmt.Errorf("sign events: read nkey seed: %w", err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("sign events: read nkey seed: %w", err)
	}
	if public != issued.Key {
		return nil, fmt.Errorf("sign events: the grant of %s is about another key than this user's: write both anew with fiord creds", issued.Who())
	}
	plain, err := pair.Seed()
	if err != nil {
		return nil, fmt.Errorf("sign events: read nkey seed: %w", err)
	}
	_, raw, err := nkeys.DecodeSeed(plain)
	if err != nil {
		return nil, fmt.Errorf("sign events: read nkey seed: %w", err)
	}
	return &Signer{issued: issued, key: ed25519.NewKeyFromSeed(raw), last: map[string][]string{}}, nil
}

// Grant that the signer signs by.
func (s *Signer) Grant() Grant { return s.issued.Grant }

// Sign gives the headers that prove who made a message. At is the time of the
// stream's server, which stores the message within [Fresh] of it.
func (s *Signer) Sign(subject, id string, body []byte, at time.Time) (proof, grant string) {
	stamp := strconv.FormatInt(at.UnixMilli(), 36)
	kind := kindOf(subject)
	s.mu.Lock()
	last := s.last[kind]
	before := strings.Join(last, ",")
	sum := digest(s.issued.wire, subject, id, stamp, before, body)
	s.last[kind] = append([]string{name(sum)}, last[:min(len(last), naming-1)]...)
	s.mu.Unlock()
	signature := ed25519.Sign(s.key, signed(sum))
	return stamp + ";" + before + ";" + encoding.EncodeToString(signature), s.issued.wire
}

// naming is how many events before its own each event names: one would do, did not
// replicas, and the requests of one replica, get them in turn.
const naming = 4

// name is the part of a hash by which an event is named: 128 bits, which no other
// content is found for.
func name(sum [sha256.Size]byte) string { return encoding.EncodeToString(sum[:16]) }

// kindOf is a subject without its route: who reads events reads whole types.
func kindOf(subject string) string {
	const words = 5 // fiord.events.<noun>.<verb>.v1
	end := 0
	for range words {
		i := strings.IndexByte(subject[end:], '.')
		if i < 0 {
			return subject
		}
		end += i + 1
	}
	return subject[:end-1]
}

// signed is what the key signs.
func signed(sum [sha256.Size]byte) []byte { return append([]byte(signsEvent), sum[:]...) }

// digest is the hash of all that a proof is about, each field with its length.
func digest(grant, subject, id, stamp, before string, body []byte) [sha256.Size]byte {
	var room [768]byte
	b := room[:0]
	for _, field := range [...]string{grant, subject, id, stamp, before, events.MediaType} {
		b = strconv.AppendInt(b, int64(len(field)), 10)
		b = append(b, ':')
		b = append(b, field...)
	}
	h := sha256.New()
	h.Write(b)
	h.Write(body)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}
