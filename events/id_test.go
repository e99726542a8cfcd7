package events_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/events"
)

func TestHashIDTellsPartsApart(t *testing.T) {
	if events.HashID("ab", "c") == events.HashID("a", "bc") {
		t.Error("parts run together")
	}
	if id := events.HashID("x"); !events.IsID(id) || id != events.HashID("x") {
		t.Errorf("%q is no stable id", id)
	}
}

func TestEmittedIDDependsOnCauseTypeAndKey(t *testing.T) {
	cause := events.New("fiord/a", "1", nil, events.HostLost{Host: "h"})
	base := events.New("fiord/b", "k", &cause, events.DiscoveryRequested{})
	if again := events.New("fiord/b", "k", &cause, events.DiscoveryRequested{By: "other data"}); again.ID != base.ID {
		t.Error("reacting again makes another event")
	}
	other := events.New("fiord/a", "2", nil, events.HostLost{Host: "h"})
	for name, e := range map[string]events.Event{
		"key":   events.New("fiord/b", "l", &cause, events.DiscoveryRequested{}),
		"type":  events.New("fiord/b", "k", &cause, events.PushApproved{}),
		"cause": events.New("fiord/b", "k", &other, events.DiscoveryRequested{}),
	} {
		if e.ID == base.ID {
			t.Errorf("another %s makes the same id", name)
		}
	}
	if base.CausationID != cause.ID || base.CorrelationID != cause.ID {
		t.Error("the chain is broken")
	}
}

func TestTokenIsInjectiveAndLegal(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"db1.example.com", "db1_2eexample_2ecom", "db1-example-com", "DB1", "db1", "a b", "*", ">", "é", "_", "."} {
		token := events.Token(name)
		if strings.ContainsAny(token, ".*> \t") || token == "" {
			t.Errorf("%q becomes %q, which is no NATS token", name, token)
		}
		if before, ok := seen[token]; ok {
			t.Errorf("%q and %q share token %q", before, name, token)
		}
		seen[token] = name
	}
}

func TestPointKeyIsCanonical(t *testing.T) {
	a := events.Point{"iodepth": "8", "bs": "4k"}
	if got := a.Key(); got != "bs=4k,iodepth=8" {
		t.Errorf("key %q", got)
	}
	b, c := events.Point{"a": "1,b=2"}, events.Point{"a": "1", "b": "2"}
	if b.Key() == c.Key() {
		t.Error("two points share a key")
	}
}

func TestSubjectsCarryTheirRoutes(t *testing.T) {
	run := events.RunRef{Run: "r", Host: "h.x"}
	pooled := events.RunRef{Run: "r", Host: "h.x", Pool: "p"}
	for _, c := range []struct {
		data events.Data
		want string
	}{
		{events.HostLost{}, "fiord.events.host.lost.v1"},
		{events.RunsRequested{Host: "h.x"}, "fiord.events.runs.requested.v1.host.h_2ex"},
		{events.RunsRequested{Pool: "default"}, "fiord.events.runs.requested.v1.pool.default"},
		{events.RunStarted{RunRef: pooled}, "fiord.events.run.started.v1.host.h_2ex"},
		{events.RunCompleted{RunRef: run}, "fiord.events.run.completed.v1.end.host.h_2ex.r"},
		{events.RunExpired{RunRef: pooled}, "fiord.events.run.expired.v1.end.pool.p.r"},
		{events.CancelRequested{Bench: "b"}, "fiord.events.cancel.requested.v1.b"},
		{events.BenchReported{Bench: "b"}, "fiord.events.bench.reported.v1.end.b"},
	} {
		e := events.New("fiord/x", "k", nil, c.data)
		if got := e.NATSSubject(); got != c.want {
			t.Errorf("%s: subject %s, want %s", e.Type, got, c.want)
		}
		if filter := e.Type.Filter(); strings.HasSuffix(filter, ">") != (c.want != e.Type.Subject()) {
			t.Errorf("%s: filter %s does not fit subject %s", e.Type, filter, c.want)
		}
	}
	if got := run.EndFilter(); got != "fiord.events.run.*.v1.end.host.h_2ex.r" {
		t.Errorf("end filter %s", got)
	}
	if got := events.BenchEndFilter("b"); got != "fiord.events.bench.*.v1.end.b" {
		t.Errorf("end filter %s", got)
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, t := range events.Types() {
		raw, err := events.Example(t)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := events.Unmarshal(raw)
		if err != nil {
			return
		}
		// The reader for speed and the one for errors read the same.
		thorough, err := events.UnmarshalThoroughly(raw)
		if err != nil {
			t.Fatalf("accepted by one reader only: %v", err)
		}
		if diff := cmp.Diff(thorough, e); diff != "" {
			t.Fatalf("the readers differ:\n%s", diff)
		}
		again, err := events.Marshal(e)
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		if _, err := events.Unmarshal(again); err != nil {
			t.Fatalf("written but not read: %v", err)
		}
	})
}

func FuzzReadForeign(f *testing.F) {
	raw, err := events.Example(events.TypeBenchRequested)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := events.ReadForeign(raw); err == nil && e.Validate() != nil {
			t.Fatal("accepted and invalid")
		}
	})
}
