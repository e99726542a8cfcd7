package reading_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
)

// text is a log with a content.
func text(name, content string) reading.Log {
	return reading.Log{Name: name, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

// rows writes a row per window of 1 s, for each value; a negative one is a
// silent window, for which fio writes nothing.
func rows(values ...int) string {
	var b strings.Builder
	for i, v := range values {
		if v >= 0 {
			fmt.Fprintf(&b, "%d, %d, 0, 0, 0\n", (i+1)*1000, v)
		}
	}
	return b.String()
}

// doc is the result of a job that read so many I/Os of 4 KiB in so many
// seconds, with logs averaged over a second.
func doc(ios, seconds int64, jobs int) *result.Document {
	d := &result.Document{FioVersion: "fio-3.33", Globals: [][]result.Setting{{{Name: "log_avg_msec", Value: "1000"}}}}
	for range jobs {
		d.Jobs = append(d.Jobs, result.Job{Name: "r", Read: result.Direction{IOs: ios / int64(jobs), Bytes: ios / int64(jobs) * 4096, RuntimeMS: seconds * 1000}})
	}
	d.Summary.Read = &result.Figures{TotalIOs: ios, Bytes: ios * 4096, RuntimeMS: seconds * 1000, IOPS: float64(ios) / float64(seconds), BWBytes: float64(ios) * 4096 / float64(seconds)}
	return d
}

func read(t *testing.T, d *result.Document, logs ...reading.Log) *reading.Run {
	t.Helper()
	run, err := reading.Read(t.Context(), d, logs, reading.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// mean is the average of a series, and n its length.
func mean(s figure.Series) (m float64, n int) {
	for _, v := range s.Values {
		m += v / float64(len(s.Values))
	}
	return m, len(s.Values)
}

func flagged(t *testing.T, run *reading.Run, want string) {
	t.Helper()
	if !strings.Contains(strings.Join(run.Flags, "\n"), want) {
		t.Errorf("no flag says %q: %q", want, run.Flags)
	}
}

// The case that fio itself gets wrong: with stalls its own average is that of
// the seconds in which something completed.
func TestStallsCountAsZero(t *testing.T) {
	values := []int{2000, 2000, -1, -1, -1, -1, 2000, -1, 2000, 2000}
	run := read(t, doc(10_000, 10, 1), text("fio_iops.1.log", rows(values...)))
	s := run.IOPS["read"]
	if m, _ := mean(s); math.Abs(m-1000) > 1 {
		t.Errorf("mean of %v IOPS, want the true 1000", m)
	}
	zeros := 0
	for _, v := range s.Values {
		if v == 0 {
			zeros++
		}
	}
	if silent := float64(zeros) * s.Step.Seconds(); math.Abs(silent-5) > 0.01 {
		t.Errorf("%v s are silent, want 5", silent)
	}
	if len(run.Flags) > 0 {
		t.Errorf("flags on logs that add up: %q", run.Flags)
	}
}

// A job that hangs to its end logs nothing any more.
func TestASilentEndIsShown(t *testing.T) {
	run := read(t, doc(6000, 10, 1), text("fio_iops.1.log", rows(2000, 2000, 2000)))
	if m, _ := mean(run.IOPS["read"]); math.Abs(m-600) > 1 {
		t.Errorf("mean of %v IOPS over the run, want 600", m)
	}
}

// fio does not log a last window that is not full: no drop at the end.
func TestAPartialLastIntervalIsNoDrop(t *testing.T) {
	d := doc(21_000, 11, 1)
	content := rows(2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000) + "10300, 2000, 0, 0, 0\n"
	for _, v := range read(t, d, text("fio_iops.1.log", content)).IOPS["read"].Values {
		if math.Abs(v-2000) > 1 {
			t.Fatalf("an interval of %v IOPS, want 2000 throughout", v)
		}
	}
}

// Completion alone leaves out what a buffered job waits for.
func TestTheTotalLatencyIsReadWhereItWasLogged(t *testing.T) {
	run := read(t, doc(4000, 4, 1), text("fio_iops.1.log", rows(1000, 1000, 1000, 1000)),
		text("fio_clat.1.log", rows(9, 9, 9, 9)), text("fio_lat.1.log", rows(900, 900, 900, 900)))
	if m, _ := mean(run.Means["read"]); math.Abs(m-900) > 1 || run.MeansOf != result.TotalLatency {
		t.Errorf("latency %v ns of %s, want 900 of lat", m, run.MeansOf)
	}
}

func TestJobsAddUpAndLatenciesAreWeighted(t *testing.T) {
	run := read(t, doc(44_000, 4, 2),
		text("fio_iops.1.log", rows(10_000, 10_000, 10_000, 10_000)), text("fio_iops.2.log", rows(1000, 1000, 1000, 1000)),
		text("fio_bw.1.log", rows(40_000, 40_000, 40_000, 40_000)), text("fio_bw.2.log", rows(4000, 4000, 4000, 4000)),
		text("fio_clat.1.log", rows(100, 100, 100, 100)), text("fio_clat.2.log", rows(1200, 1200, 1200, 1200)),
		text("fio_lat.1.log", rows(9, 9, 9, 9)))
	if m, _ := mean(run.IOPS["read"]); math.Abs(m-11_000) > 1 {
		t.Errorf("IOPS %v, want 11000", m)
	}
	if m, _ := mean(run.Bandwidth["read"]); math.Abs(m-44_000*1024) > 1024 {
		t.Errorf("bandwidth %v, want %v", m, 44_000*1024)
	}
	// not 650, the mean of means
	if m, _ := mean(run.Means["read"]); math.Abs(m-200) > 1 {
		t.Errorf("latency %v ns, want 200: the slow job did a tenth of the I/Os", m)
	}
	if run.MeansOf != result.CompletionLatency {
		t.Errorf("means of %s: the total was logged of one job only", run.MeansOf)
	}
	if len(run.Flags) > 0 {
		t.Errorf("flags: %q", run.Flags)
	}
}

func TestWhatDoesNotAddUpIsFlagged(t *testing.T) {
	run := read(t, doc(20_000, 10, 1), text("fio_iops.1.log", rows(1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000)))
	flagged(t, run, "log and summary disagree: the read log adds up to 10,000 I/Os, fio counted 20,000 (-50%)")
	run = read(t, nil, text("fio_iops.1.log", rows(1000, 1000)))
	flagged(t, run, "not checked")
}

func TestOddLogsAreFlaggedAndRead(t *testing.T) {
	good := rows(1000, 1000, 1000, 1000)
	run := read(t, doc(4000, 4, 1), text("fio_iops.1.log", good+"rubbish\n2500, x, 0, 0, 0\n"), text("notes.txt", "?"))
	flagged(t, run, "fio_iops.1.log: 2 of 6 lines could not be read; line 5")
	if !strings.Contains(strings.Join(run.Notes, ""), "notes.txt") {
		t.Errorf("a foreign file goes unmentioned: %q", run.Notes)
	}
	flagged(t, read(t, doc(4000, 4, 1), text("fio_iops.1.log", good+good)), "time goes back")
}

// fio logs no unfinished window: what a job that speeds up does in its last one
// is more than its mean tells.
func TestAFastEndIsNoDisagreement(t *testing.T) {
	run := read(t, doc(100+200+900+920, 4, 1), text("fio_iops.1.log", rows(100, 200, 900)))
	if len(run.Flags) > 0 {
		t.Errorf("flags %q", run.Flags)
	}
	flagged(t, read(t, doc(100+200+900+1900, 4, 1), text("fio_iops.1.log", rows(100, 200, 900))), "log and summary disagree")
}

func TestJobsMayLogDifferentColumns(t *testing.T) {
	d := doc(600, 3, 2)
	d.Jobs[1].Options = append(d.Jobs[1].Options, result.Setting{Name: "log_offset", Value: "1"})
	run := read(t, d,
		text("fio_iops.1.log", "1000, 100, 0, 0, 0\n2000, 100, 0, 0, 0\n3000, 100, 0, 0, 0\n"),
		text("fio_iops.2.log", "1000, 100, 0, 0, 0, 0\n2000, 100, 0, 0, 0, 0\n3000, 100, 0, 0, 0, 0\n"))
	if m, n := mean(run.IOPS["read"]); m != 200 || n == 0 || len(run.Flags) > 0 {
		t.Errorf("%v IOPS in %d intervals, flags %q; want 200 of both jobs", m, n, run.Flags)
	}
}

func TestHostileLogsCostNoMemory(t *testing.T) {
	run := read(t, doc(1000, 1, 1), text("fio_iops.1.log", "1000, 5, 0, 0, 0\n9000000000000000, 5, 0, 0, 0\n"))
	flagged(t, run, "log spans too much time")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for range 3000 {
		fmt.Fprint(z, rows(1, 2, 3, 4, 5, 6))
	}
	z.Close()
	run, err := reading.Read(t.Context(), doc(1000, 1, 1), []reading.Log{text("fio_iops.1.log", packed.String())}, reading.Options{MaxBytes: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	flagged(t, run, "larger than allowed")
}

func TestUnixTimesStartAtZero(t *testing.T) {
	var b strings.Builder
	for i := range 5 {
		fmt.Fprintf(&b, "%d, 1000, 0, 0, 0\n", 1_790_000_000_000+i*1000)
	}
	s := read(t, nil, text("fio_iops.1.log", b.String())).IOPS["read"]
	if s.Start > time.Second || s.Start < 0 {
		t.Errorf("the series starts at %s", s.Start)
	}
}

// A stretch is shown on a finer grid than the whole, and nothing but it.
func TestZoom(t *testing.T) {
	var b strings.Builder
	for ms := range 600_000 { // ten minutes, an I/O each millisecond, two in the seventh minute
		fmt.Fprintf(&b, "%d, 1, 0, 4096, 0\n", ms)
		if ms >= 360_000 && ms < 420_000 {
			fmt.Fprintf(&b, "%d, 1, 0, 4096, 0\n", ms)
		}
	}
	d := doc(660_000, 600, 1)
	d.Globals = nil // a line for each I/O
	whole := read(t, d, text("fio_iops.1.log", b.String())).IOPS["read"]
	run, err := reading.Read(t.Context(), d, []reading.Log{text("fio_iops.1.log", b.String())}, reading.Options{From: 350 * time.Second, To: 370 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s := run.IOPS["read"]
	if s.Step >= whole.Step || s.Start != 350*time.Second || time.Duration(len(s.Values))*s.Step != 20*time.Second {
		t.Fatalf("%d intervals of %s from %s; the whole has %s", len(s.Values), s.Step, s.Start, whole.Step)
	}
	if first, last := s.Values[0], s.Values[len(s.Values)-1]; math.Abs(first-1000) > 60 || math.Abs(last-2000) > 60 {
		t.Errorf("from %v to %v IOPS, want 1000 to 2000", first, last)
	}
	if len(run.Flags) > 0 {
		t.Errorf("flags: %q", run.Flags)
	}
}

// histRow is a row of a histogram log with one bin filled.
func histRow(ms, bin, count int) string {
	bins := make([]string, 1856)
	for i := range bins {
		bins[i] = "0"
	}
	bins[bin] = fmt.Sprint(count)
	return fmt.Sprintf("%d, 0, 4096, %s\n", ms, strings.Join(bins, ", "))
}

// Percentiles of windows come from the windows' own counts, over all jobs, and
// a row a millisecond late counts in its own window. Of one that came a window late
// only the last I/O completed then.
func TestPercentilesComeFromMergedHistograms(t *testing.T) {
	d := doc(4000, 4, 2)
	d.Globals[0] = append(d.Globals[0], result.Setting{Name: "log_hist_msec", Value: "1000"})
	run := read(t, d,
		text("fio_clat_hist.1.log", histRow(1001, 100, 980)+histRow(2001, 100, 980)+histRow(4001, 100, 3)),
		text("fio_clat_hist.2.log", histRow(1000, 120, 20)+histRow(2000, 120, 5)))
	p := run.Percentiles("read", 0.5, 0.99, 0.999)
	if got := p[0].Values; len(got) != 5 || got[0] != 100 || got[2] != 100 || !math.IsNaN(got[3]) {
		t.Errorf("p50 %v, want 100 in the first and none in the fourth of five windows", got)
	}
	if got := p[1].Values; got[0] != 120 || got[1] != 100 {
		t.Errorf("p99 %v, want 120 where the slow job did 2%% and 100 where it did 0.5%%", got)
	}
	if got := p[2].Values[2]; !math.IsNaN(got) {
		t.Errorf("p99.9 of three I/Os is %v: it cannot be known", got)
	}
	if run.HeatFrom != 0 || run.HeatStep != time.Second {
		t.Errorf("windows of %s from %s", run.HeatStep, run.HeatFrom)
	}
	mean := run.HeatMeans("read")
	if want := (980*100 + 20*120) / 1000.0; mean.Step != time.Second || math.Abs(mean.Values[0]-want) > want/64 || !math.IsNaN(mean.Values[3]) {
		t.Errorf("means %v, want %v in the first and none in the fourth window", mean.Values, want)
	}
}

func TestErrorsAreTold(t *testing.T) {
	away := errors.New("the store is away")
	_, err := reading.Read(t.Context(), doc(1, 1, 1), []reading.Log{{Name: "fio_bw.1.log", Open: func(context.Context) (io.ReadCloser, error) { return nil, away }}}, reading.Options{})
	if !errors.Is(err, away) {
		t.Errorf("got %v", err)
	}
	cut := reading.Log{Name: "fio_clat.1.log", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(rows(1, 2)), broken{away})), nil
	}}
	if _, err = reading.Read(t.Context(), doc(1, 1, 1), []reading.Log{cut}, reading.Options{}); !errors.Is(err, away) {
		t.Errorf("a log that breaks off: %v", err)
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// endless is a log of a size, made as it is read: one row for each I/O.
type endless struct {
	left int64
	line []byte
	row  int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) {
		if len(e.line) == 0 {
			e.row++
			e.line = fmt.Appendf(e.line[:0], "%d, %d, %d, 4096, 0\n", e.row/100, 2000+e.row%1000, e.row&1)
		}
		k := copy(p[n:], e.line)
		e.line = e.line[k:]
		n += k
	}
	e.left -= int64(n)
	return n, nil
}

// Memory must not grow with the logs. 64 MB stand for any size here; a
// benchmark of the service draws a gigabyte in every form.
func TestMemoryIsBounded(t *testing.T) {
	if grown := grownBy(t, 64<<20); grown > 32<<20 {
		t.Errorf("64 MB of logs took %d MB", grown>>20)
	}
}

// grownBy returns how much memory the process takes from the system to read so
// many bytes of logs.
func grownBy(t testing.TB, size int64) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var logs []reading.Log
	for _, kind := range []string{"bw", "iops", "clat"} {
		logs = append(logs, reading.Log{Name: "fio_" + kind + ".1.log", Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(&endless{left: size / 3}), nil
		}})
	}
	if _, err := reading.Read(t.Context(), nil, logs, reading.Options{}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.Sys - before.Sys
}

// Total and completion latencies are told apart where fio logged both.
func TestBothLatenciesAreRead(t *testing.T) {
	run := read(t, doc(30, 3, 1), text("fio_lat.1.log", rows(5000, 5000, 5000)), text("fio_clat.1.log", rows(2000, 2000, 2000)))
	if run.MeansOf != result.TotalLatency {
		t.Errorf("the means are of %s", run.MeansOf)
	}
	total, _ := mean(run.Means["read"])
	completion, n := mean(run.Completion["read"])
	if total != 5000 || completion != 2000 || n != 3 {
		t.Errorf("total %g, completion %g over %d intervals", total, completion, n)
	}
	alone := read(t, doc(30, 3, 1), text("fio_clat.1.log", rows(2000, 2000, 2000)))
	if only, _ := mean(alone.Means["read"]); only != 2000 || alone.MeansOf != result.CompletionLatency || len(alone.Completion) > 0 {
		t.Errorf("completion alone: mean %g of %s, %v beside it", only, alone.MeansOf, alone.Completion)
	}
}

// Of a log whose archive was cut short, as after a full disk, a folder that
// nobody can mend still shows what is there. What a store keeps is whole: there
// it is an error.
func TestALogThatBreaksOffShowsWhatCameBefore(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for i := range 20_000 {
		fmt.Fprintf(z, "%d, %d, 0, 0, 0\n", (i+1)*1000, 1000+i*7919%1000)
	}
	z.Close()
	cut := text("fio_iops.1.log", packed.String()[:packed.Len()/2])
	whole := text("fio_bw.1.log", rows(4000, 4000, 4000))
	d := doc(20_000_000, 20_000, 1)
	run, err := reading.Read(t.Context(), d, []reading.Log{cut, whole}, reading.Options{Damaged: true})
	if err != nil {
		t.Fatal(err)
	}
	flagged(t, run, "fio_iops.1.log: breaks off after ")
	flagged(t, run, "log and summary disagree")
	if len(run.IOPS["read"].Values) < 100 || len(run.Bandwidth["read"].Values) == 0 {
		t.Errorf("%d intervals of IOPS, %d of bandwidth", len(run.IOPS["read"].Values), len(run.Bandwidth["read"].Values))
	}
	if _, err := reading.Read(t.Context(), d, []reading.Log{cut, whole}, reading.Options{}); err == nil {
		t.Error("a log of the store that breaks off was taken for whole")
	}
}
