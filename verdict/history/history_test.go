package history_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict/history"
)

func of(verdicts ...events.Verdict) history.History {
	var h history.History
	for i, v := range verdicts {
		h.Add(history.Entry{Bench: fmt.Sprint(i), Verdict: v})
	}
	return h
}

func TestTheNewestBenchThatNeitherFailedNorRegressedServes(t *testing.T) {
	for _, c := range []struct {
		verdicts []events.Verdict
		want     string
	}{
		{nil, ""},
		{[]events.Verdict{events.VerdictBaseline}, "0"},
		{[]events.Verdict{events.VerdictBaseline, events.VerdictUnchanged, events.VerdictRegressed, events.VerdictFailed, events.VerdictInvalid}, "1"},
		{[]events.Verdict{events.VerdictBaseline, events.VerdictInconclusive}, "1"},
		{[]events.Verdict{events.VerdictFailed}, ""},
	} {
		if got := of(c.verdicts...).Newest(""); got != c.want {
			t.Errorf("%v: %q, want %q", c.verdicts, got, c.want)
		}
	}
}

func TestABenchIsNeverItsOwnBaseline(t *testing.T) {
	if got := of(events.VerdictBaseline, events.VerdictUnchanged).Newest("1"); got != "0" {
		t.Errorf("%q", got)
	}
}

func TestWhatAPersonAcceptedServesAndStays(t *testing.T) {
	h := of(events.VerdictBaseline, events.VerdictRegressed, events.VerdictImproved, events.VerdictRegressed)
	if !h.Accept("1") || h.Accept("1") || h.Accept("9") {
		t.Error("accepting twice, or what is not there, changes nothing")
	}
	if got := h.Newest(""); got != "2" {
		t.Errorf("baseline %q: something newer serves without anybody's word", got)
	}
	if got := h.Baselines(); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("%v stay", got)
	}
	h.Accept("3")
	if got := h.Newest(""); got != "3" {
		t.Errorf("baseline %q, want the accepted regression", got)
	}
}

// What is collected follows from what may be compared with.
func TestWhateverServesStays(t *testing.T) {
	all := []events.Verdict{events.VerdictBaseline, events.VerdictUnchanged, events.VerdictImproved, events.VerdictRegressed, events.VerdictInconclusive, events.VerdictInvalid, events.VerdictFailed}
	for a := range all {
		for b := range all {
			for c := range all {
				for accepted := range 4 {
					h := of(all[a], all[b], all[c])
					if accepted < 3 {
						h.Accept(fmt.Sprint(accepted))
					}
					if id := h.Newest(""); id != "" && !slices.Contains(h.Baselines(), id) {
						t.Fatalf("%+v: %s serves and does not stay", h.Entries, id)
					}
				}
			}
		}
	}
}

func TestAHistoryIsBoundedAndForgetsTheOldest(t *testing.T) {
	var h history.History
	for i := range history.Max + 3 {
		h.Add(history.Entry{Bench: fmt.Sprint(i), Verdict: events.VerdictUnchanged})
	}
	if len(h.Entries) != history.Max || h.Entries[0].Bench != "3" {
		t.Errorf("%d entries from %s on", len(h.Entries), h.Entries[0].Bench)
	}
	if h.Add(h.Entries[7]) {
		t.Error("a bench is remembered twice")
	}
}
