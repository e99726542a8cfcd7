package gc_test

import (
	"testing"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/gc"
)

func TestAges(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * day, "0d": 0, "36h": 36 * time.Hour, "90m": 90 * time.Minute, "-1h": -time.Hour} {
		var a gc.Age
		if err := a.Set(text); err != nil || time.Duration(a) != want {
			t.Errorf("%q is %v, %v; want %v", text, time.Duration(a), err, want)
		}
	}
	for _, text := range []string{"", "d", "90", "-1d", "1.5d", "106752d", "1w", "90 d"} {
		var a gc.Age
		if err := a.Set(text); err == nil {
			t.Errorf("%q is taken, as %v", text, a)
		}
	}
}

// What is printed is read back as the same age.
func FuzzAge(f *testing.F) {
	for _, text := range []string{"90d", "36h", "1h30m", "106751d", "-5m", "0d", "1d", "x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var a, b gc.Age
		if a.Set(text) != nil {
			return
		}
		if err := b.Set(a.String()); a >= 0 && (err != nil || a != b) {
			t.Errorf("%q is %v, printed as %q, is %v: %v", text, time.Duration(a), a, time.Duration(b), err)
		}
	})
}
