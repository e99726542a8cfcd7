package catalogue

import (
	"bytes"
	"context"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
)

// measured reads what a real fio 3.33 left of four jobs with every kind of log.
func measured(t *testing.T, depth string, iops float64) *Run {
	t.Helper()
	const folder = "../../fio/testdata/fio-3.33/averaged"
	report, err := os.Open(filepath.Join(folder, "fio.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close()
	out, err := result.Read(report)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.log"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d logs, %v", len(paths), err)
	}
	var logs []reading.Log
	for _, p := range paths {
		logs = append(logs, reading.Log{Name: filepath.Base(p), Open: func(context.Context) (io.ReadCloser, error) { return os.Open(p) }})
	}
	doc := out.Document()
	joined := *doc
	joined.Summary.Sections = nil // one series a direction
	run, err := reading.Read(t.Context(), &joined, logs, reading.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ref := events.RunRef{Run: "run-" + depth, Name: "bench", Job: "job.fio", Point: events.Point{"iodepth": depth}}
	return &Run{RunRef: ref, Document: doc, Reading: run, Completed: &events.RunCompleted{
		RunRef: ref,
		Summary: events.Summary{FioVersion: doc.FioVersion, Read: &events.Figures{
			IOPS: iops, BandwidthBytes: iops * 4096, TotalIOs: 1000, Latency: &events.Latency{Mean: 1e5, P99: new(float64(2e5))},
		}},
		Integrity: events.Integrity{State: events.IntegrityOK},
	}}
}

// drawn checks that all pictures can be read, and lists their names.
func drawn(t *testing.T, list []Picture) []string {
	t.Helper()
	var out []string
	for _, p := range list {
		if !bytes.HasPrefix(p.SVG, []byte("<svg")) && !bytes.HasPrefix(p.SVG, []byte("<?xml")) {
			t.Errorf("%s.svg begins with %.20q", p.Name, p.SVG)
		}
		if _, err := png.DecodeConfig(bytes.NewReader(p.PNG)); err != nil {
			t.Errorf("%s.png: %v", p.Name, err)
		}
		out = append(out, p.Name)
	}
	return out
}

func TestARunIsDrawnWithoutAStore(t *testing.T) {
	m := measured(t, "1", 1000)
	list, _, err := All(m, PNG)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"iops", "bandwidth", "latency", "heatmap", "percentiles", "histogram", "cdf", "steady", "cpu"}
	if diff := cmp.Diff(want, drawn(t, list)); diff != "" {
		t.Error(diff)
	}
}

func TestARunIsDrawnFromWhatThereIs(t *testing.T) {
	m := measured(t, "1", 1000)
	list, flags, err := All(&Run{RunRef: m.RunRef, Completed: m.Completed}, PNG)
	if err != nil || len(list) != 0 || len(flags) != 0 {
		t.Errorf("%v, flags %q, %v; want nothing of nothing", drawn(t, list), flags, err)
	}
	list, _, err = All(&Run{RunRef: m.RunRef, Completed: m.Completed, Reading: m.Reading}, PNG)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"iops", "bandwidth", "latency", "heatmap", "steady"}
	if diff := cmp.Diff(want, drawn(t, list)); diff != "" {
		t.Error(diff)
	}
}

func TestRunsAreDrawnTogether(t *testing.T) {
	list, err := AllOf("bench", []*Run{measured(t, "1", 1000), measured(t, "8", 3000)}, PNG)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"iops-by-point", "bandwidth-by-point", "p99-by-point", "load", "by-iodepth",
		"compare-difference", "compare-percentiles", "compare-cdf", "compare-iops",
	}
	if diff := cmp.Diff(want, drawn(t, list)); diff != "" {
		t.Error(diff)
	}
}

func TestMoreRunsThanAnybodyComparesAreNotDrawnOverEachOther(t *testing.T) {
	m := measured(t, "1", 1000)
	all := make([]*Run, maxCompared+1)
	for i := range all {
		all[i] = &Run{RunRef: m.RunRef, Completed: m.Completed}
	}
	list, err := AllOf("bench", all, PNG)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"iops-by-point", "bandwidth-by-point", "p99-by-point"}, drawn(t, list)); diff != "" {
		t.Error(diff)
	}
}
