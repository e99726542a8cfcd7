package status

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/registry"
)

func TestTheRecordSaysWhatTheWorkerIsDoing(t *testing.T) {
	s := New("host-1", facts.Host{})
	if !s.Idle() {
		t.Error("busy before any run")
	}
	second, first := s.Runs("bench", "b"), s.Runs("bench", "a")
	waited := s.Waits()
	var r registry.Host
	s.Fill(&r)
	if diff := cmp.Diff([]registry.Running{{Bench: "bench", Run: "a"}, {Bench: "bench", Run: "b"}}, r.Running); diff != "" || r.Waiting != 1 || s.Idle() {
		t.Errorf("%d waiting; %s", r.Waiting, diff)
	}
	first()
	second()
	waited()
	s.Fill(&r)
	if len(r.Running) != 0 || r.Waiting != 0 || !s.Idle() || r.Name != "host-1" || r.Incarnation == "" {
		t.Errorf("%+v", r)
	}
}

func TestAChangeIsSignalledOnceUntilItIsSeen(t *testing.T) {
	s := New("host-1", facts.Host{})
	s.Runs("bench", "a")()
	<-s.Changed()
	select {
	case <-s.Changed():
		t.Error("signalled twice")
	default:
	}
}

func TestTheLoadIsOfNowAndOtherFactsAsLearned(t *testing.T) {
	s := New("host-1", facts.Host{})
	var changing string
	for changing = range s.Facts() {
		if changing != "host" {
			break
		}
	}
	s.Learn(map[string]string{"kernel": "1", changing: "stale", "host": "other"}, runner.Description{Kind: "process"})
	got := s.Facts()
	if got["kernel"] != "1" || got[changing] == "stale" || got["host"] != "host-1" {
		t.Errorf("kernel %q, %s %q, host %q", got["kernel"], changing, got[changing], got["host"])
	}
}
