package events_test

import (
	"testing"

	"github.com/fiord-bench/fiord/events"
)

func TestSizesAreReadInBothKindsOfUnits(t *testing.T) {
	for text, want := range map[string]events.Bytes{
		"0": 0, "4096": 4096, "12B": 12, "64KiB": 64 << 10, "64 kib": 64 << 10, "1.5GB": 15e8, "2TiB": 2 << 40, "0.5MiB": 1 << 19,
	} {
		var got events.Bytes
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "1.5.5", "4 apples", "9999999999EiB", "NaN"} {
		var got events.Bytes
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
}

func FuzzBytes(f *testing.F) {
	for _, seed := range []string{"64KiB", "1.5GB", "4096", "8 EiB", "-0.1KB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var size, again events.Bytes
		if size.UnmarshalText([]byte(text)) != nil {
			return
		}
		written, err := size.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		// A number is read as floating point: beyond 2^53 only what it can hold
		// comes back.
		if err := again.UnmarshalText(written); err != nil || again != size && size < 1<<53 {
			t.Errorf("%q is %d bytes, written as %s it is %d: %v", text, size, written, again, err)
		}
	})
}
