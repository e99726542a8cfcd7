package screen_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
)

// While a bench is measured again, its one line says so, and how far that is.
func TestASecondLookIsShownAsTheBenchsOwn(t *testing.T) {
	request := events.BenchRequested{Name: "randread"}
	e := events.New("fiord/test", "first", nil, request)
	b := follow.New(events.BenchID(e))
	run := func(bench string) events.RunRef {
		return events.RunRef{Bench: bench, Run: events.RunID(bench, 0, "", 0), Job: "j.fio", Host: "h"}
	}
	apply := func(list ...events.Data) {
		for _, d := range list {
			b.Apply(events.New("fiord/test", "k", nil, d))
		}
	}
	b.Apply(e)
	apply(events.BenchPlaced{Bench: b.ID, Name: "randread", Slots: 1, Runs: 1}, events.RunFailed{RunRef: run(b.ID), Reason: "r"})
	request.Confirms = b.ID
	again := events.New("fiord/plot", "confirm", nil, request)
	second := events.BenchID(again)
	b.Apply(again)
	show := func() string {
		var bars, lines bytes.Buffer
		screen.Bars(&bars, func() int { return 120 }).Show(b)
		screen.Lines(&lines, time.Second, time.Now).Show(b)
		return bars.String() + lines.String()
	}
	for _, want := range []string{"randread: regressed at first, measuring again to confirm: waiting to be placed", "measuring again to confirm, as bench " + second} {
		if got := show(); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	apply(events.BenchPlaced{Bench: second, Name: "randread", Slots: 1, Runs: 2, Confirms: b.ID}, events.RunStarted{RunRef: run(second)})
	for _, want := range []string{"measuring again to confirm: 0 of 2 runs ended", "j.fio on h: started"} {
		if got := show(); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	apply(events.BenchReported{Bench: second, Confirms: b.ID})
	if got := show(); !strings.Contains(got, "drawing and comparing") {
		t.Errorf("afterwards:\n%s", got)
	}
	apply(events.BenchReported{
		Bench: b.ID, Verdict: events.VerdictRegressed, Headline: "Still regressed.",
		Confirmation: &events.Confirmation{Bench: second, Outcome: events.OutcomeConfirmed, Reason: "seen again"},
		Shift:        &events.Shift{Since: "earlier", Reports: 3},
	})
	var out bytes.Buffer
	if err := screen.Summary(&out, b, ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"measured again as bench " + second + ": seen again", "told for the first time by bench earlier, 2 reports ago"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
