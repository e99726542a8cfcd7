package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nkeys"
)

// What is signed starts with a word for what it is, and that with a byte that no
// text has: the same keys sign what a NATS server sends at the connect, which is
// text, and must not sign an event by that.
const (
	signsGrant = "\xfffiord grant\n"
	signsVoid  = "\xfffiord void\n"
	signsEvent = "\xfffiord event\n"
)

// encoding of signatures and hashes in headers.
var encoding = base64.RawURLEncoding

// Authority issues grants. Its methods may be called by any goroutine.
type Authority struct {
	pair   nkeys.KeyPair
	public string
	since  time.Time
}

// NewAuthoritySeed makes the seed of a new authority.
func NewAuthoritySeed() (string, error) {
	pair, err := nkeys.CreateAccount()
	if err != nil {
		return "", fmt.Errorf("make authority: %w", err)
	}
	defer pair.Wipe()
	seed, err := pair.Seed()
	return string(seed), err
}

// OpenAuthority reads an authority's seed. Since is from when on the installation's
// events are signed.
func OpenAuthority(seed string, since time.Time) (*Authority, error) {
	pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(seed)))
	if err != nil {
		return nil, fmt.Errorf("read seed of the authority: %w", err)
	}
	public, err := pair.PublicKey()
	if err != nil || !nkeys.IsValidPublicAccountKey(public) {
		return nil, errors.New("read seed of the authority: it is not of an account")
	}
	return &Authority{pair, public, since.UTC().Truncate(time.Second)}, nil
}

// Public is the authority's public key.
func (a *Authority) Public() string { return a.public }

// Issue signs a grant; its times are set here. The holder gets the text, which is
// no secret: the authority's public key, and what goes into each event.
func (a *Authority) Issue(g Grant, at time.Time) (string, error) {
	g.At, g.Since = at.UTC().Truncate(time.Second), a.since
	if err := g.validate(); err != nil {
		return "", fmt.Errorf("issue grant to %s: %w", g.Who(), err)
	}
	signed, err := a.sign(signsGrant, g.text())
	if err != nil {
		return "", fmt.Errorf("issue grant to %s: %w", g.Who(), err)
	}
	return a.public + " " + signed, nil
}

// Void takes back what was granted to a key before a time, as a text for the list
// that verifiers read. Events that were stored before that stay proven.
func (a *Authority) Void(key string, before time.Time) (string, error) {
	return a.sign(signsVoid, key+";"+strconv.FormatInt(before.Unix(), 36))
}

func (a *Authority) sign(what, text string) (string, error) {
	signature, err := a.pair.Sign([]byte(what + text))
	if err != nil {
		return "", err
	}
	return text + ";" + encoding.EncodeToString(signature), nil
}

// Issued is a grant as its holder keeps it.
type Issued struct {
	Grant
	// Authority that issued it, by its public key.
	Authority string
	// wire is what goes into the header.
	wire string
}

// Read reads what [Authority.Issue] wrote. The holder trusts the authority that it
// names: whoever could write the file could replace the holder's key as well.
func Read(text string) (Issued, error) {
	authority, wire, ok := strings.Cut(strings.TrimSpace(text), " ")
	if !ok || !nkeys.IsValidPublicAccountKey(authority) {
		return Issued{}, errors.New("read grant: want an authority's public key and a grant, as fiord creds writes them")
	}
	g, err := verifyGrant(authority, wire)
	if err != nil {
		return Issued{}, fmt.Errorf("read grant: %w", err)
	}
	return Issued{g, authority, wire}, nil
}

var errIssuer = errors.New("the grant was not issued by this installation's authority")

// verifyGrant reads a grant from the wire, if the authority has issued it.
func verifyGrant(authority, wire string) (Grant, error) {
	text, err := verifySigned(authority, signsGrant, wire)
	if err != nil {
		return Grant{}, err
	}
	return parseGrant(text)
}

// verifySigned takes the authority's signature off a text.
func verifySigned(authority, what, wire string) (string, error) {
	i := strings.LastIndexByte(wire, ';')
	if i < 0 {
		return "", errIssuer
	}
	signature, err := encoding.DecodeString(wire[i+1:])
	if err != nil {
		return "", errIssuer
	}
	public, err := nkeys.FromPublicKey(authority)
	if err != nil {
		return "", err
	}
	if public.Verify([]byte(what+wire[:i]), signature) != nil {
		return "", errIssuer
	}
	return wire[:i], nil
}

// readVoid reads what [Authority.Void] wrote.
func readVoid(authority, wire string) (key string, before time.Time, err error) {
	text, err := verifySigned(authority, signsVoid, wire)
	if err != nil {
		return "", time.Time{}, err
	}
	key, at, _ := strings.Cut(text, ";")
	seconds, err := strconv.ParseInt(at, 36, 64)
	return key, time.Unix(seconds, 0), err
}
