package catalogue

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
)

// perIO writes the four logs of a job of n I/Os in two directions with a line
// for each, as `write_bw_log`, `write_iops_log` and `write_lat_log` leave them.
func perIO(b *testing.B, dir string, n int) (logs []reading.Log, bytes int64) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for _, kind := range []string{"bw", "iops", "clat", "lat"} {
		path := filepath.Join(dir, "fio_"+kind+".1.log")
		f, err := os.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		w := bufio.NewWriterSize(f, 1<<20)
		for i := range n {
			value := map[string]int{"bw": 400_000 + r.IntN(600_000), "iops": 1, "clat": 2000 + r.IntN(90_000), "lat": 2500 + r.IntN(90_000)}[kind]
			fmt.Fprintf(w, "%d, %d, %d, 4096, 0\n", i/100, value, i&1)
		}
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
		info, _ := f.Stat()
		bytes += info.Size()
		f.Close()
		logs = append(logs, reading.Log{Name: filepath.Base(path), Open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }})
	}
	return logs, bytes
}

// million is the case that plotters are compared by: a job of 1,000,000 I/Os
// with a line for each in the logs of bandwidth, IOPS and both latencies.
const million = 1_000_000

// millionRun is fio's result and the end of that run.
func millionRun() (*result.Document, events.RunCompleted) {
	const n = million
	half := &result.Figures{TotalIOs: n / 2, Bytes: n / 2 * 4096, RuntimeMS: n / 100, IOPS: 50_000, BWBytes: 50_000 * 4096}
	side := result.Direction{IOs: n / 2, Bytes: n / 2 * 4096, RuntimeMS: n / 100}
	f := &events.Figures{IOPS: 50_000, BandwidthBytes: 50_000 * 4096, TotalIOs: n / 2}
	return &result.Document{
			FioVersion: "fio-3.33", Summary: result.Summary{Read: half, Write: half},
			Jobs: []result.Job{{Name: "job", Read: side, Write: side}},
		}, events.RunCompleted{
			RunRef:  events.RunRef{Name: "bench", Job: "job.fio", Host: "node-a"},
			Summary: events.Summary{Read: f, Write: f}, Logs: &events.ClaimCheck{},
		}
}

// timeFigures draws the figures over time of the run, as SVG and PNG.
func timeFigures(b *testing.B, logs []reading.Log) []Picture {
	doc, c := millionRun()
	run, err := reading.Read(b.Context(), doc, logs, reading.Options{})
	if err != nil {
		b.Fatal(err)
	}
	r := &Run{RunRef: c.RunRef, Completed: &c, Document: doc, Reading: run}
	drawn, err := AtOnce(OfRun, Subject{Run: r})
	flags := Flags(r)
	if err != nil || len(drawn) != 4 || len(flags) > 0 || run.Lines != 4*million {
		b.Fatalf("%d figures of %d lines, flags %v, error %v", len(drawn), run.Lines, flags, err)
	}
	return drawn
}

// BenchmarkTimeFigures draws 4 million lines, 85 MB, to all of the time figures
// as SVG and PNG.
func BenchmarkTimeFigures(b *testing.B) {
	logs, bytes := perIO(b, b.TempDir(), million)
	b.SetBytes(bytes)
	b.ReportAllocs()
	for b.Loop() {
		timeFigures(b, logs)
	}
}
