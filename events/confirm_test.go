package events_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// confirming is a request as plot makes it, to be spoilt by tests.
func confirming() events.BenchRequested {
	return events.BenchRequested{
		Name: "randread",
		Jobs: []events.Job{
			{Name: events.SideBefore.File("a.fio"), Inline: "[a]\nrw=read\n", Side: events.SideBefore},
			{Name: events.SideAfter.File("a.fio"), Inline: "[a]\nrw=randread\n", Side: events.SideAfter},
		},
		Only: []events.Sample{
			{Job: "before/a.fio", Point: events.Point{"bs": "4k"}},
			{Job: "after/a.fio", Point: events.Point{"bs": "4k"}},
		},
		Repeat:   5,
		Confirms: events.HashID("first"),
	}
}

func TestAConfirmingRequestNamesWhatItMeasures(t *testing.T) {
	if err := confirming().Validate(); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(*events.BenchRequested){
		"only":              func(d *events.BenchRequested) { d.Matrix = map[string][]events.Scalar{"bs": {"4k"}} },
		"only[1].job":       func(d *events.BenchRequested) { d.Only[1].Job = "a.fio" },
		"only[1]":           func(d *events.BenchRequested) { d.Only[1] = d.Only[0] },
		"only[0].point.bs":  func(d *events.BenchRequested) { d.Only[0].Point["bs"] = "" },
		"jobs[0].side":      func(d *events.BenchRequested) { d.Jobs[0].Side = "left" },
		"confirms":          func(d *events.BenchRequested) { d.Confirms = "randread" },
		"only[0].point.big": func(d *events.BenchRequested) { d.Only[0].Point["big"] = strings.Repeat("x", 1025) },
	} {
		d := confirming()
		spoil(&d)
		var invalid *events.Invalid
		if err := d.Validate(); !errors.As(err, &invalid) || invalid.Fields[0].Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestAJobsSideIsInItsNameOnlyIfItSaysSo(t *testing.T) {
	for _, c := range []struct {
		job  events.Job
		side events.Side
		name string
	}{
		{events.Job{Name: "after/a.fio", Side: events.SideAfter}, events.SideAfter, "a.fio"},
		{events.Job{Name: "after/a.fio"}, "", "after/a.fio"},
		{events.Job{Name: "a.fio", Side: events.SideBefore}, "", "a.fio"},
	} {
		if side, name := c.job.Cut(); side != c.side || name != c.name {
			t.Errorf("%+v: got %q, %q", c.job, side, name)
		}
	}
}

func TestAReportSaysWhatItIsPartOf(t *testing.T) {
	report := func() events.BenchReported {
		return events.BenchReported{
			Bench: events.HashID("b"), Name: "randread", Verdict: events.VerdictRegressed, Headline: "Regressed.",
			Shift:        &events.Shift{Since: events.HashID("b"), Commit: strings.Repeat("a", 40), Reports: 1},
			Confirmation: &events.Confirmation{Bench: events.HashID("c"), Outcome: events.OutcomeConfirmed, Reason: "again"},
		}
	}
	if err := report().Validate(); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(*events.BenchReported){
		"shift.since":          func(d *events.BenchReported) { d.Shift.Since = "" },
		"shift.commit":         func(d *events.BenchReported) { d.Shift.Commit = "HEAD" },
		"shift.reports":        func(d *events.BenchReported) { d.Shift.Reports = 0 },
		"recovered.since":      func(d *events.BenchReported) { d.Recovered = &events.Shift{Reports: 1} },
		"confirmation.outcome": func(d *events.BenchReported) { d.Confirmation.Outcome = "perhaps" },
		"confirmation.reason":  func(d *events.BenchReported) { d.Confirmation.Reason = "" },
		"confirms":             func(d *events.BenchReported) { d.Confirms = "x" },
	} {
		d := report()
		spoil(&d)
		var invalid *events.Invalid
		if err := d.Validate(); !errors.As(err, &invalid) || invalid.Fields[0].Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
