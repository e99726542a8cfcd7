package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/proof"
)

// grantFile lies beside the seed of a user's nkey, as fiord creds writes both.
const grantFile = "nats.grant"

// Proving is how a user of the bus proves what it publishes, and what it makes of
// what others publish.
type Proving struct {
	Signer   *proof.Signer
	Verifier *proof.Verifier
	// Mode in which it verifies.
	Mode proof.Mode
	// Lax says what is not proven and how to have it proven; empty if all is.
	Lax string
}

// Proving reads the user's grant. Without one nothing is signed and nothing verified.
func (n NATS) Proving() (Proving, error) {
	text, err := n.grant()
	if err != nil {
		return Proving{}, err
	}
	if text == "" {
		if n.Proof == string(proof.Required) || n.Proof == string(proof.WhenPresent) {
			return Proving{}, fmt.Errorf("nats.proof is %s, and there is no grant: name the file %s of this user's bundle with nats.grant_file", n.Proof, grantFile)
		}
		return Proving{Mode: proof.Off, Lax: "off: events do not prove who made them, since this user has no grant (nats.grant_file, from fiord creds)"}, nil
	}
	issued, err := proof.Read(text)
	if err != nil {
		return Proving{}, fmt.Errorf("nats.grant: %w", err)
	}
	return n.proving(issued)
}

func (n NATS) proving(issued proof.Issued) (Proving, error) {
	p := Proving{Mode: proof.Required}
	if n.Proof != "" {
		p.Mode = proof.Mode(n.Proof)
	}
	switch p.Mode {
	case proof.WhenPresent:
		p.Lax = "when-present: events without a signature are believed (nats.proof)"
	case proof.Off:
		p.Lax = "off: events are signed and not verified (nats.proof)"
	}
	since, err := n.proofSince()
	if err != nil {
		return p, err
	}
	seed, err := n.Connection("", nil).Seed()
	if err != nil {
		return p, err
	}
	if p.Signer, err = proof.NewSigner(issued, seed); err != nil {
		return p, err
	}
	p.Verifier, err = proof.NewVerifier(issued, p.Mode, since)
	return p, err
}

// grant is the text of the user's grant: as it is set, or of the file beside its
// seed; empty without.
func (n NATS) grant() (string, error) {
	if !n.Grant.IsZero() || n.NKeyFile == "" {
		return n.Grant.Reveal(), nil
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(n.NKeyFile), grantFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read grant: %w", err)
	}
	return string(text), nil
}

func (n NATS) proofSince() (time.Time, error) {
	if n.ProofSince == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, n.ProofSince)
	if err != nil {
		return at, fmt.Errorf("nats.proof_since is %q: want a time as 2026-01-31T12:00:00Z", n.ProofSince)
	}
	return at, nil
}

func (n NATS) validateProof() error {
	var errs []error
	switch proof.Mode(n.Proof) {
	case "", proof.Required, proof.WhenPresent, proof.Off:
	default:
		errs = append(errs, fmt.Errorf("nats.proof is %q: want %s, %s or %s", n.Proof, proof.Required, proof.WhenPresent, proof.Off))
	}
	_, err := n.proofSince()
	return errors.Join(append(errs, err)...)
}

// Prove adds to the options of a bus what a user proves.
func (p Proving) Prove(o bus.Options) bus.Options {
	o.Signer, o.Verifier = p.Signer, p.Verifier
	return o
}
