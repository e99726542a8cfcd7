package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/proof"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// proven is what proves who made an archived event: its message without the content.
type proven struct {
	Subject     string `json:"subject"`
	ID          string `json:"id"`
	ContentType string `json:"content_type"`
	Proof       string `json:"proof"`
	Grant       string `json:"grant"`
	// Body is the content as it was signed, if it is written otherwise than Event.
	Body []byte `json:"body,omitempty"`
}

// ErrNoProof says that an event was archived without what proves who made it: by a version that
// dropped it, or on a server where nothing is signed.
var ErrNoProof = errors.New("archived without a proof of who made it: nothing can be said of it")

// ErrMisplaced says that an archived event is not the one that its key stands for.
var ErrMisplaced = errors.New("another event than the one that belongs there")

// withProof makes the record of an event.
func withProof(o bus.Original, event json.RawMessage) record {
	r := record{Stored: o.Stored.UTC(), Event: event}
	m := o.Message
	if m.Proof == "" {
		return r
	}
	r.Proof = &proven{Subject: m.Subject, ID: m.ID, ContentType: m.ContentType, Proof: m.Proof, Grant: m.Grant}
	r.Event = m.Body
	raw, err := json.Marshal(r)
	if err != nil { // the content is no JSON, which no signed event's is
		r.Event = event
	}
	var read record
	if err != nil || json.Unmarshal(raw, &read) != nil || string(read.Event) != string(m.Body) {
		r.Proof.Body = m.Body
	}
	return r
}

// IsEvent reports whether a key in the store is that of an archived event: the archive also has
// pointers and histories, which plot derives from events.
func IsEvent(key string) bool {
	rest, is := strings.CutPrefix(key, artifacts.PrefixArchive)
	bench, _, nested := strings.Cut(rest, "/")
	return is && nested && events.IsID(bench)
}

// Check holds an archived event, as it lies under its key, against who may have made it. The
// grant is nil for an event of before events were signed.
func Check(v *proof.Verifier, key string, raw []byte) (*proof.Grant, error) {
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	shown, err := events.Unmarshal(r.Event)
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	if at := keyOf(shown); at != key {
		return nil, fmt.Errorf("%w: it is that of %s", ErrMisplaced, at)
	}
	if r.Proof == nil {
		return nil, ErrNoProof
	}
	m := proof.Message{
		Subject: r.Proof.Subject, ID: r.Proof.ID, ContentType: r.Proof.ContentType,
		Proof: r.Proof.Proof, Grant: r.Proof.Grant, Body: r.Event, Stored: r.Stored,
	}
	if r.Proof.Body != nil {
		m.Body = r.Proof.Body
		if err := sameEvent(m.Body, shown); err != nil {
			return nil, err
		}
	}
	_, g, err := bus.CheckOriginal(v, m)
	return g, err
}

// sameEvent holds what is shown of an event against what was signed.
func sameEvent(signed []byte, shown events.Event) error {
	e, err := events.Unmarshal(signed)
	if err != nil {
		return fmt.Errorf("read signed content: %w", err)
	}
	a, errA := events.Marshal(e)
	b, errB := events.Marshal(shown)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if string(a) != string(b) {
		return fmt.Errorf("%w: what was signed is another event than what is shown", proof.ErrSignature)
	}
	return nil
}

// keyOf is where an event lies in the archive.
func keyOf(e events.Event) string {
	bench, _ := model.Of(e)
	if d, ok := e.Data.(events.BaselineAccepted); ok {
		bench = d.Bench
	}
	return artifacts.ArchiveKey(bench, name(e))
}
