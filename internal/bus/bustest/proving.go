package bustest

import (
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/proof"
)

// Authority issues grants in a test.
type Authority struct {
	*proof.Authority
	t testing.TB
}

// NewAuthority makes one whose installation has signed its events for an hour.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	seed, err := proof.NewAuthoritySeed()
	if err != nil {
		t.Fatal(err)
	}
	a, err := proof.OpenAuthority(seed, time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return &Authority{a, t}
}

// User grants something to a new key and gives the options of the bus of who holds
// it, whose verifier is as strict as a mode.
func (a *Authority) User(g proof.Grant, mode proof.Mode) bus.Options {
	a.t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		a.t.Fatal(err)
	}
	if g.Key, err = pair.PublicKey(); err != nil {
		a.t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		a.t.Fatal(err)
	}
	return a.Options(g, seed, mode)
}

// Options are those of a bus of who holds a key, by its seed.
func (a *Authority) Options(g proof.Grant, seed []byte, mode proof.Mode) bus.Options {
	a.t.Helper()
	text, err := a.Issue(g, time.Now())
	if err != nil {
		a.t.Fatal(err)
	}
	issued, err := proof.Read(text)
	if err != nil {
		a.t.Fatal(err)
	}
	signer, err := proof.NewSigner(issued, seed)
	if err != nil {
		a.t.Fatal(err)
	}
	verifier, err := proof.NewVerifier(issued, mode, time.Time{})
	if err != nil {
		a.t.Fatal(err)
	}
	o := bus.Options{Source: "fiord/" + g.Name, Signer: signer, Verifier: verifier}
	switch g.Kind {
	case proof.Host:
		o.Source = "fiord/bench"
	case proof.Person:
		o.Source = "fiord/cli"
	}
	return o
}
