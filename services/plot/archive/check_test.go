package archive

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/proof"
)

// signedEnd has a host end a run on a real server, and returns the event as plot gets it, with
// how others verify it.
func signedEnd(t *testing.T, data events.Data) (bus.Original, *proof.Verifier, *bustest.Authority) {
	t.Helper()
	server, authority := bustest.NewServer(t), bustest.NewAuthority(t)
	reader := authority.User(proof.Grant{Kind: proof.Service, Name: "plot"}, proof.Required)
	plot := server.BusWith(reader)
	host := server.BusWith(authority.User(proof.Grant{Kind: proof.Host, Name: "host-1"}, proof.Required))
	got := make(chan bus.Original, 1)
	sub, err := plot.React(t.Context(), bus.Reaction{
		Service: "plot", Name: "draw", Types: []events.Type{data.EventType()},
		Handle: func(_ context.Context, d *bus.Delivery) error { got <- d.Original(); return nil },
		OnDead: func(_ context.Context, _ *bus.Delivery, cause error) error { t.Error(cause); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Stop()
	if _, err := host.Emit(t.Context(), "k", nil, data); err != nil {
		t.Fatal(err)
	}
	select {
	case o := <-got:
		return o, reader.Verifier, authority
	case <-time.After(time.Minute):
		t.Fatal("the event did not come")
	}
	return bus.Original{}, nil, nil
}

func failedRun(reason string) events.RunFailed {
	ref := events.RunRef{Bench: bench, Run: runID, Name: "randread", Job: "a.fio", Host: "host-1", Attempt: 1}
	return events.RunFailed{RunRef: ref, Reason: reason, EndedAt: stored}
}

// kept stores an event and reads what lies under its key.
func kept(t *testing.T, a *Archive, o bus.Original) (key string, raw []byte) {
	t.Helper()
	if err := a.Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	key = artifacts.ArchiveKey(bench, RunEnded(runID))
	claim, err := a.store.Claim(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = a.store.ReadAll(t.Context(), claim, maxRecord); err != nil {
		t.Fatal(err)
	}
	return key, raw
}

func TestAnArchivedEventProvesWhoMadeIt(t *testing.T) {
	// Characters that JSON may write in several ways.
	o, v, _ := signedEnd(t, failedRun("<b> & \u2028 ü \"quoted\""))
	a := memoryless(t)
	key, raw := kept(t, a, o)
	by, err := Check(v, key, raw)
	if err != nil || by == nil || by.Name != "host-1" {
		t.Fatalf("made by %v, %v\n%s", by, err, raw)
	}
	seen, err := a.Get(t.Context(), bench, RunEnded(runID))
	if err != nil || seen.Event.ID != o.Event.ID {
		t.Errorf("read back %+v, %v", seen, err)
	}
}

// Every part of an archived event is bound to the proof.
func TestAChangedArchiveProvesNothing(t *testing.T) {
	o, v, _ := signedEnd(t, failedRun("fio failed"))
	key, raw := kept(t, memoryless(t), o)
	other, _, _ := signedEnd(t, failedRun("fio failed"))
	_, foreign := kept(t, memoryless(t), other)
	change := func(f func(r *record)) []byte {
		var r record
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		f(&r)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	otherRun := events.RunID(bench, 7, "", 0)
	for name, c := range map[string]struct {
		key string
		raw []byte
		err error
	}{
		"content":          {key, []byte(strings.Replace(string(raw), "fio failed", "fio passed", 1)), proof.ErrSignature},
		"time of storing":  {key, change(func(r *record) { r.Stored = r.Stored.Add(24 * time.Hour) }), proof.ErrStale},
		"subject":          {key, change(func(r *record) { r.Proof.Subject = strings.Replace(r.Proof.Subject, "failed", "completed", 1) }), proof.ErrUnproven},
		"id":               {key, change(func(r *record) { r.Proof.ID += "x" }), proof.ErrSignature},
		"another's grant":  {key, foreign, proof.ErrGrant},
		"proof taken away": {key, change(func(r *record) { r.Proof = nil }), ErrNoProof},
		"other content is shown than was signed": {key, change(func(r *record) {
			r.Proof.Body = r.Event
			r.Event = []byte(strings.Replace(string(r.Event), "fio failed", "fio passed", 1))
		}), proof.ErrSignature},
		"under another run's key":   {artifacts.ArchiveKey(bench, RunEnded(otherRun)), raw, ErrMisplaced},
		"under another bench's key": {artifacts.ArchiveKey(events.HashID("other"), RunEnded(runID)), raw, ErrMisplaced},
		"under another name":        {artifacts.ArchiveKey(bench, Ended), raw, ErrMisplaced},
	} {
		if _, err := Check(v, c.key, c.raw); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
}

// What was signed by a key that was taken back stays proven if it was stored before.
func TestWhatWasArchivedBeforeAKeyWasTakenBackStaysProven(t *testing.T) {
	o, v, authority := signedEnd(t, failedRun("fio failed"))
	key, raw := kept(t, memoryless(t), o)
	by, err := Check(v, key, raw)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := authority.Void(by.Key, o.Stored.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	later := fresh(t, authority)
	if err := later.Void(entry); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(later, key, raw); err != nil {
		t.Error(err)
	}
}

func fresh(t *testing.T, authority *bustest.Authority) *proof.Verifier {
	t.Helper()
	return authority.User(proof.Grant{Kind: proof.Service, Name: "plot"}, proof.Required).Verifier
}
