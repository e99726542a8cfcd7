package model_test

import (
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
)

func TestABenchAndItsSecondLookKnowEachOther(t *testing.T) {
	m, now := model.New(100), time.Now()
	request := events.BenchRequested{Name: "randread"}
	e := events.New("fiord/test", "first", nil, request)
	request.Confirms = events.BenchID(e)
	again := events.New("fiord/plot", "confirm", nil, request)
	m.Apply(e, now)
	m.Apply(again, now)
	first, _ := m.Bench(events.BenchID(e))
	second, _ := m.Bench(events.BenchID(again))
	if first.Second != second.ID || second.Confirms != first.ID || first.Confirms != "" {
		t.Errorf("first has %q, second confirms %q", first.Second, second.Confirms)
	}
}

// A bench that was forgotten must not come back as an empty one with its second
// look, and one that is read from the archive has its own end alone.
func TestASecondLookIsKnownWithoutTheOther(t *testing.T) {
	m := model.New(100)
	m.Apply(events.New("fiord/plot", "end", nil, events.BenchReported{Bench: "second", Confirms: "first"}), time.Now())
	if _, ok := m.Bench("first"); ok {
		t.Error("the first bench is there, and nobody has heard of it")
	}
	m.Apply(events.New("fiord/plot", "end", nil, events.BenchReported{Bench: "third", Confirmation: &events.Confirmation{Bench: "fourth"}}), time.Now())
	if b, _ := m.Bench("third"); b.Second != "fourth" {
		t.Errorf("measured again as %q", b.Second)
	}
}
