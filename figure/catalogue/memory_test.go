package catalogue

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
)

// forms of a log on disk, all of which are to be read within the same memory.
type form struct {
	name   string
	suffix string // of the file
	pack   func(io.Writer) (io.WriteCloser, error)
	kinds  []string
	binary bool // fio's samples instead of text
}

func forms() []form {
	kinds := []string{"bw", "iops", "slat", "clat", "lat"}
	return []form{
		{"text", "", func(w io.Writer) (io.WriteCloser, error) { return plain{w}, nil }, append(kinds, "clat_hist"), false},
		{"gzip", ".gz", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestSpeed) }, append(kinds, "clat_hist"), false},
		{"zstd", ".zst", func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)) }, append(kinds, "clat_hist"), false},
		{"fz", ".fz", func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriterLevel(w, zlib.BestSpeed) }, kinds, true},
	}
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// writeLogs writes logs of one form that expand to so many bytes in all, and
// returns their kinds' number.
func writeLogs(t testing.TB, dir string, f form, size int64) {
	t.Helper()
	for _, kind := range f.kinds {
		file, err := os.Create(filepath.Join(dir, "fio_"+kind+".1.log"+f.suffix))
		if err != nil {
			t.Fatal(err)
		}
		packed, err := f.pack(file)
		if err != nil {
			t.Fatal(err)
		}
		w := bufio.NewWriterSize(packed, 1<<20)
		if err := writeRows(w, kind, f.binary, size/int64(len(f.kinds))); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := packed.Close(); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// writeRows writes rows of a kind of log until their text, or the samples of
// fio's own form, have the size: a line for each I/O, and of histograms one with
// all of its bins for each 100 ms.
func writeRows(w io.Writer, kind string, samples bool, size int64) error {
	var line []byte
	for row := 0; size > 0; row++ {
		line = line[:0]
		switch {
		case samples: // struct io_sample of fio 3.33: time, value, direction, priority, block size
			line = binary.LittleEndian.AppendUint64(line, uint64(row/100))
			line = binary.LittleEndian.AppendUint64(line, uint64(2000+row%1000))
			line = binary.LittleEndian.AppendUint32(line, uint32(row&1))
			line = binary.LittleEndian.AppendUint32(line, 0)
			line = binary.LittleEndian.AppendUint64(line, 4096)
		case kind == "clat_hist":
			line = fmt.Appendf(line, "%d, %d, 4096", 100*(row/2+1), row&1)
			for bin := range 1856 {
				line = fmt.Appendf(line, ", %d", (bin*7+row)%11)
			}
			line = append(line, '\n')
		default:
			line = fmt.Appendf(line, "%d, %d, %d, 4096, 0\n", row/100, 2000+row%1000, row&1)
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
		size -= int64(len(line))
	}
	return nil
}

// environment variable that makes TestDrawLogsAlone draw a folder.
const logsVariable = "FIORD_FIGURE_TEST_LOGS"

// TestDrawLogsAlone is no test of its own: it draws the logs of a folder in a
// process that does nothing else, and prints the most memory that it had.
func TestDrawLogsAlone(t *testing.T) {
	dir := os.Getenv(logsVariable)
	if dir == "" {
		t.Skip("runs as a part of tests and benchmarks of memory")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var logs []reading.Log
	for _, e := range entries {
		logs = append(logs, reading.Log{Name: strings.TrimSuffix(e.Name(), ".gz"), Open: func(context.Context) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, e.Name())) }})
	}
	side := result.Direction{RuntimeMS: 600_000}
	doc := &result.Document{FioVersion: "fio-3.33", Jobs: []result.Job{{Name: "job", Read: side, Write: side, Options: []result.Setting{{Name: "log_hist_msec", Value: "100"}}}}}
	run, err := reading.Read(t.Context(), doc, logs, reading.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := &events.Figures{TotalIOs: 1}
	drawn, err := AtOnce(OfRun, Subject{Run: &Run{Completed: &events.RunCompleted{Summary: events.Summary{Read: f, Write: f}}, Document: doc, Reading: run}})
	if err != nil || len(drawn) < 4 {
		t.Fatalf("%d figures: %v", len(drawn), err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("only Linux tells a process its greatest memory")
	}
	fmt.Printf("%d figures of %d lines\n%s\n", len(drawn), run.Lines, regexp.MustCompile(`VmHWM:.*`).Find(status))
}

// peak draws a folder in a process of its own and returns the most memory that
// it had resident: program, decompression, grids and drawing.
func peak(t testing.TB, dir string) int64 {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDrawLogsAlone$")
	c.Env = append(os.Environ(), logsVariable+"="+dir)
	said, err := c.CombinedOutput()
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(said)
	if err != nil || m == nil {
		t.Fatalf("draw alone: %v\n%s", err, said)
	}
	kB, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return kB << 10
}

// maxResident is what a replica may take to draw a run, whatever the size of
// its logs.
const maxResident = 128 << 20

// 16 MB of each form stand for any size here.
func TestDrawingIsBoundedInMemoryWhateverTheFormOfTheLogs(t *testing.T) {
	for _, f := range forms() {
		t.Run(f.name, func(t *testing.T) {
			dir := t.TempDir()
			writeLogs(t, dir, f, 16<<20)
			if most := peak(t, dir); most > maxResident {
				t.Errorf("%d MiB were resident", most>>20)
			}
		})
	}
}

// BenchmarkGigabyte draws 1 GB of logs of all kinds, in each form that they are
// kept in, and reports the most memory that was resident.
func BenchmarkGigabyte(b *testing.B) {
	for _, f := range forms() {
		b.Run(f.name, func(b *testing.B) {
			dir := b.TempDir()
			writeLogs(b, dir, f, 1<<30)
			b.SetBytes(1 << 30)
			most := int64(0)
			for b.Loop() {
				most = max(most, peak(b, dir))
			}
			b.ReportMetric(float64(most)/(1<<20), "MiB-resident")
			if most > maxResident {
				b.Errorf("%d MiB were resident, more than %d", most>>20, maxResident>>20)
			}
		})
	}
}
