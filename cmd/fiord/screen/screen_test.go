package screen_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), run with -update when it is right:\n%s", name, diff)
	}
}

func TestQuantities(t *testing.T) {
	for want, got := range map[string]string{
		"0": screen.IOPS(0), "950": screen.IOPS(950), "0.50": screen.IOPS(0.5), "85.3k": screen.IOPS(85_300),
		"1.00k": screen.IOPS(999.9), "1.25M": screen.IOPS(1.25e6), "312k": screen.IOPS(312_345),
		"333 MiB/s": screen.Bandwidth(333 << 20), "1.00 GiB/s": screen.Bandwidth(1 << 30), "12 B/s": screen.Bandwidth(12),
		"870 ns": screen.Nanoseconds(870), "93.1 µs": screen.Nanoseconds(93_123), "4.20 ms": screen.Nanoseconds(4.2e6), "90.0 s": screen.Nanoseconds(9e10),
		"42s": screen.Seconds(41500 * time.Millisecond), "3m05s": screen.Seconds(185 * time.Second), "2h00m": screen.Seconds(2 * time.Hour),
		"1 run": screen.Plural(1, "run"), "0 runs": screen.Plural(0, "run"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestControlCharactersNeverReachTheTerminal(t *testing.T) {
	if got := screen.Clean("a\x1b[2Jb\r\nc\u009b\u202e\u2028d"); got != "a [2Jb  c   d" {
		t.Errorf("got %q", got)
	}
	if got := screen.CleanLines("a\x1b\nb\r"); got != "a \nb " {
		t.Errorf("got %q", got)
	}
}

// sample is a bench with every kind of run.
func sample() *follow.Bench {
	id := events.HashID("bench")
	b := follow.New(id)
	apply := func(d events.Data) { b.Apply(events.New("fiord/test", "k", nil, d)) }
	ref := func(index int, depth string, repeat int) events.RunRef {
		return events.RunRef{
			Bench: id, Run: events.HashID("run", depth, string(rune('0'+repeat))), Name: "sweep", Job: "randread.fio", Index: index,
			Point: events.Point{"iodepth": depth}, Repeat: repeat, Host: "host-1", Attempt: 1,
		}
	}
	apply(events.BenchPlaced{Bench: id, Name: "sweep", Slots: 1, Runs: 5})
	done := func(r events.RunRef, iops float64, i events.Integrity) {
		apply(events.RunCompleted{RunRef: r, Integrity: i, Summary: events.Summary{
			Read:  &events.Figures{IOPS: iops, BandwidthBytes: iops * 4096, Latency: &events.Latency{Of: "lat", Mean: 1e9 / iops, P99: new(float64(3e9 / iops))}},
			Write: &events.Figures{IOPS: iops / 3, BandwidthBytes: iops / 3 * 4096, Latency: &events.Latency{Of: "lat", Mean: 2e9 / iops, P99: new(float64(9e9 / iops))}},
		}})
	}
	done(ref(0, "1", 0), 12_345, events.Integrity{State: events.IntegrityOK})
	done(ref(1, "32", 0), 312_345, events.Integrity{State: events.IntegritySuspect, Findings: []events.Finding{
		{Check: "stall", State: events.IntegritySuspect, Evidence: "no I/O for 3.2 s at 14 s"},
	}})
	apply(events.RunFailed{RunRef: ref(2, "1", 1), Reason: "fio: pid=7, err=28\nfile:filesetup.c:240, func=write, error=No space left on device"})
	apply(events.RunStarted{RunRef: ref(3, "32", 1)})
	b.Show(events.Progress{
		Bench: id, Run: ref(3, "32", 1).Run, Host: "host-1", Phase: "running", Percent: 41.7, ETA: events.Duration(12 * time.Second), At: time.Now(),
		IOPS: map[string]float64{"read": 85_300, "write": 28_100}, BandwidthBytes: map[string]float64{"read": 85_300 * 4096, "write": 28_100 * 4096},
		LatencyNS: map[string]float64{"read": 93_100},
	})
	return b
}

func TestSummary(t *testing.T) {
	b := sample()
	b.End = events.BenchReported{
		Bench: b.ID, Verdict: events.VerdictRegressed, Headline: "read.iops -12.3% at iodepth=32",
		URL: "http://127.0.0.1:8000/benches/x",
	}
	var out bytes.Buffer
	if err := screen.Summary(&out, b, ""); err != nil {
		t.Fatal(err)
	}
	golden(t, "summary.txt", out.String())
}

func TestSummaryOfWhatWasNeverMeasured(t *testing.T) {
	b := follow.New(events.HashID("bench"))
	b.End = events.BenchUnplaced{Bench: b.ID, Problems: []events.Problem{{Rule: "where", Message: "kernel==9.* matches no host: 2 have 6.1"}}}
	var out bytes.Buffer
	if err := screen.Summary(&out, b, "http://127.0.0.1:8000/"); err != nil {
		t.Fatal(err)
	}
	golden(t, "unplaced.txt", out.String())
}

func TestBarsRedrawInPlaceAndCleanUp(t *testing.T) {
	var out bytes.Buffer
	p := screen.Bars(&out, func() int { return 80 })
	p.Show(follow.New("b"))
	p.Show(sample())
	p.Done()
	golden(t, "bars.txt", strings.ReplaceAll(out.String(), "\x1b", "<ESC>"))
	for line := range strings.Lines(out.String()) {
		if visible := strings.ReplaceAll(strings.TrimSpace(line), "\x1b[K", ""); len([]rune(visible)) > 80+10 {
			t.Errorf("line is longer than the terminal: %q", visible)
		}
	}
}

func TestLinesSayEachThingOnce(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	p := screen.Lines(&out, 10*time.Second, func() time.Time { return now })
	b := sample()
	p.Show(b)
	p.Show(b)
	now = now.Add(11 * time.Second)
	p.Show(b)
	p.Done()
	golden(t, "lines.txt", out.String())
}

func TestATableDropsEmptyColumns(t *testing.T) {
	table := screen.Table{Header: []string{"A", "B", "C"}, Right: map[string]bool{"C": true}}
	table.Add("x", "", "1")
	table.Add("longer", "", "100")
	var out bytes.Buffer
	if err := table.Write(&out); err != nil {
		t.Fatal(err)
	}
	if want := "A         C\nx         1\nlonger  100\n"; out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}

// fiord watch showed nothing but ids for events that no bench belongs to.
func TestEveryTypeOfEventHasAGist(t *testing.T) {
	for _, e := range events.Examples() {
		line := screen.EventLine(bus.Seen{Event: e, Stored: e.Time})
		if fields := strings.Fields(line); len(fields) < 4 {
			t.Errorf("%s: %q says no more than the id", e.Type, line)
		}
	}
}

// A cancelled matrix of ten thousand points filled the terminal, and its end
// was nowhere to be seen.
func TestManyRunsThatDidNotCompleteAreBounded(t *testing.T) {
	id := events.HashID("many")
	b := follow.New(id)
	for i := range 1000 {
		ref := events.RunRef{Bench: id, Run: events.RunID(id, 0, "", i), Job: "a.fio", Index: i, Repeat: i}
		b.Apply(events.New("fiord/test", ref.Run, nil, events.RunCancelled{RunRef: ref, Reason: "enough", By: "ann"}))
	}
	var out bytes.Buffer
	if err := screen.Summary(&out, b, ""); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines > 50 || !strings.Contains(out.String(), "and 960 more") {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
}
