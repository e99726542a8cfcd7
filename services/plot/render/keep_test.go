package render

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/internal/gate"
)

func renderer(t *testing.T, atOnce int) (*Renderer, *gate.Gate) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gate")
	open := func() *gate.Gate {
		g, err := gate.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	return New(artifactstest.New(t), nil, nil, open(), Options{AtOnce: atOnce, LogLimit: 1 << 20}), open()
}

func TestFilesAreKeptInTheirOrder(t *testing.T) {
	r, _ := renderer(t, 1)
	pictures := []catalogue.Picture{{Name: "b", SVG: []byte("<svg>b")}, {Name: "a", SVG: []byte("<svg>a"), PNG: []byte("png")}}
	kept, err := r.KeepAll(t.Context(), Files(pictures), func(name string) string { return artifacts.PlotKey("run", name) })
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range kept {
		names = append(names, k.Name)
	}
	if got := strings.Join(names, " "); got != "b.svg a.svg a.png" {
		t.Errorf("kept %s", got)
	}
	text, err := r.store.ReadAll(t.Context(), kept[1].ClaimCheck, 100)
	if err != nil || string(text) != "<svg>a" || kept[1].MediaType != "image/svg+xml" {
		t.Errorf("%q of %s, %v", text, kept[1].MediaType, err)
	}
}

// A redelivered run is drawn again, perhaps by another version: what was announced
// stays as it was.
func TestWhatWasKeptBeforeStands(t *testing.T) {
	r, _ := renderer(t, 1)
	key := artifacts.PlotKey("run", "bandwidth.svg")
	first, err := r.keep(t.Context(), key, "image/svg+xml", []byte("<svg>first"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.keep(t.Context(), key, "image/svg+xml", []byte("<svg>second"))
	if err != nil || second.SHA256 != first.SHA256 || second.Key != first.Key {
		t.Errorf("%+v, then %+v, %v", first, second, err)
	}
}

func TestNothingIsDrawnOnDemandBesideAMeasurement(t *testing.T) {
	r, measuring := renderer(t, 1)
	release, err := measuring.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := r.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("drawn beside a measurement: %v", err)
	}
	release()
	done, err := r.wait(t.Context()) // who waited in vain has left its place
	if err != nil {
		t.Fatal(err)
	}
	done()
}

func TestNoMoreIsDrawnOnDemandThanMayBeAtOnce(t *testing.T) {
	r, _ := renderer(t, 2)
	var last func()
	for range 2 {
		release, err := r.wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last = release
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := r.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a third was drawn: %v", err)
	}
	last()
	release, err := r.wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release()
}

func TestFlagsAreBoundedForTheEvent(t *testing.T) {
	many := make([]string, maxFlags+5)
	for i := range many {
		many[i] = strings.Repeat("é", events.MaxFlag)
	}
	got := clipAll(many)
	if len(got) != maxFlags {
		t.Errorf("%d flags", len(got))
	}
	for _, f := range got {
		if len([]rune(f)) > events.MaxFlag && len(f) > events.MaxFlag {
			t.Fatalf("a flag of %d bytes", len(f))
		}
	}
}
