package events_test

import (
	"encoding/json"
	"testing"

	ce "github.com/cloudevents/sdk-go/v2/event"

	"github.com/fiord-bench/fiord/events"
)

// BenchmarkUnmarshal reads a run.completed: as services do, as events from
// outside are, and with the SDK alone, which does not look into the data.
func BenchmarkUnmarshal(b *testing.B) {
	raw, err := events.Example(events.TypeRunCompleted)
	if err != nil {
		b.Fatal(err)
	}
	e, err := events.Unmarshal(raw)
	if err != nil {
		b.Fatal(err)
	}
	if raw, err = events.Marshal(e); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		read func() error
	}{
		{"own", func() error { _, err := events.Unmarshal(raw); return err }},
		{"foreign", func() error { _, err := events.ReadForeign(raw); return err }},
		{"sdk-envelope", func() error { var c ce.Event; return json.Unmarshal(raw, &c) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMarshal writes a run.completed, checked.
func BenchmarkMarshal(b *testing.B) {
	raw, err := events.Example(events.TypeRunCompleted)
	if err != nil {
		b.Fatal(err)
	}
	e, err := events.Unmarshal(raw)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := events.Marshal(e); err != nil {
			b.Fatal(err)
		}
	}
}
