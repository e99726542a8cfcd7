package config_test

import (
	"testing"

	"github.com/fiord-bench/fiord/internal/service/config"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]config.Size{
		"0": 0, "4096": 4096, "12B": 12, "64KiB": 64 << 10, "64 kib": 64 << 10, "1.5GB": 15e8, "2TiB": 2 << 40, "0.5MiB": 1 << 19,
	} {
		if got, err := config.ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "1.5.5", "4 apples", "9999999TiB", "NaN", "1e9TiB", "1K"} {
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", text, got)
		}
	}
}

func FuzzSize(f *testing.F) {
	for _, seed := range []string{"64KiB", "1.5GB", "4096", "8 EiB", "-0.1KB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		size, err := config.ParseSize(text)
		if err != nil {
			return
		}
		if again, err := config.ParseSize(size.String()); err != nil || again != size {
			t.Errorf("%q is %d bytes, written as %s it is %d: %v", text, size, size, again, err)
		}
	})
}
