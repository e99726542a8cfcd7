package log_test

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/log"
	"github.com/fiord-bench/fiord/fio/result"
)

// corpus are the folders that real fio versions wrote; see testdata/generate.sh.
var corpus = map[string]log.Version{"fio-3.33": {3, 33}, "fio-3.39": {3, 39}}

// each calls fn for every log of the corpus with its job's result and options.
func each(t *testing.T, kind string, fn func(t *testing.T, path string, cfg log.Config, r *result.Job)) {
	t.Helper()
	for dir, version := range corpus {
		paths, err := filepath.Glob("../testdata/" + dir + "/*/*.log*")
		if err != nil || len(paths) == 0 {
			t.Fatalf("no corpus: %v", err)
		}
		for _, path := range paths {
			name, ok := job.ParseLogName(filepath.Base(path))
			if !ok || !strings.HasSuffix(name.Kind, kind) || name.Number == 0 {
				continue
			}
			t.Run(strings.TrimPrefix(path, "../testdata/"), func(t *testing.T) {
				out := readResult(t, filepath.Dir(path))
				r := &out.Jobs[name.Number-1]
				options := optionsOf(out, r)
				fn(t, path, log.Config{Version: &version, Options: &options}, r)
			})
		}
	}
}

func readResult(t *testing.T, dir string) *result.Output {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "fio.json"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := result.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// optionsOf reads what shapes a job's logs out of fio's own account of it.
func optionsOf(out *result.Output, r *result.Job) log.Options {
	value := func(name string) string {
		if v, ok := r.Option(name); ok {
			return v
		}
		for _, s := range out.Globals[0] {
			if s.Name == name {
				return s.Value
			}
		}
		return ""
	}
	window := 0
	for _, c := range value("log_avg_msec") {
		window = window*10 + int(c-'0')
	}
	return log.Options{
		Offset: value("log_offset") == "1", BothValues: value("log_window_value") == "both",
		IssueTime: value("log_issue_time") == "1", WindowMS: window,
	}
}

func TestRealLogsAreReadWithoutAMalformedLine(t *testing.T) {
	each(t, "", func(t *testing.T, path string, cfg log.Config, _ *result.Job) {
		if strings.Contains(path, "_hist") {
			t.Skip("read by another reader")
		}
		sure, unsure := drain(t, path, cfg), drain(t, path, log.Config{})
		if s := sure.Stats(); s.Malformed != 0 || s.Rewinds != 0 {
			t.Errorf("%+v", s)
		}
		if got := unsure.Stats(); got.Samples > 0 && (got.Samples != sure.Stats().Samples || unsure.Layout().Guess == "") {
			t.Errorf("unknown version: %+v, layout %+v", got, unsure.Layout())
		}
		if sure.Layout().Guess != "" {
			t.Errorf("guessed though all is known: %s", sure.Layout().Guess)
		}
	})
}

func drain(t *testing.T, path string, cfg log.Config) *log.Log {
	t.Helper()
	l, err := log.OpenFile(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var dst [16]log.Sample
	for {
		_, err := l.Read(dst[:])
		if errors.Is(err, io.EOF) {
			return l
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The integral of a rate over time is what fio counted, stalls and single I/Os
// included: at most an unfinished window is missing.
func TestLogsAddUpToTheSummary(t *testing.T) {
	for kind, k := range map[string]log.Kind{"_bw": log.Bandwidth, "_iops": log.IOPS} {
		each(t, strings.TrimPrefix(kind, "_"), func(t *testing.T, path string, cfg log.Config, r *result.Job) {
			for _, window := range []int{cfg.Options.WindowMS, log.WindowUnknown} {
				grid, err := log.NewRates(k, log.GridConfig{StepMS: 50})
				if err != nil {
					t.Fatal(err)
				}
				l, err := log.OpenFile(path, cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				if err := grid.Add(l, log.Track{WindowMS: window}); err != nil {
					t.Fatal(err)
				}
				for d, reported := range map[log.Direction]result.Direction{log.Read: r.Read, log.Write: r.Write} {
					want := float64(reported.IOs)
					if k == log.Bandwidth {
						want = float64(reported.Bytes)
					}
					slack := want / float64(max(reported.RuntimeMS, 1)) * float64(cfg.Options.WindowMS)
					if c := log.Compare(grid.Total(d), want, 0.05, slack); !c.Agree {
						t.Errorf("window %d, %s: log %v, summary %v (%+.1f%%)", window, d, c.Logged, c.Reported, 100*c.Deviation)
					}
				}
			}
		})
	}
}

func TestHistogramLogsHoldWhatTheSummaryCounted(t *testing.T) {
	each(t, "clat_hist", func(t *testing.T, path string, cfg log.Config, r *result.Job) {
		h, err := log.OpenHistFile(path, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		var counted [3]float64
		err = log.WalkHist(100, []log.HistTrack{{Reader: h}}, func(c log.HistCell) error {
			for d := range c.Hist {
				counted[d] += float64(c.Hist[d].N())
			}
			return nil
		})
		if err != nil || h.Stats().Malformed > 0 {
			t.Fatalf("%v, %+v", err, h.Stats())
		}
		for d, reported := range []result.Direction{r.Read, r.Write, r.Trim} {
			// The last interval is missing: 250 ms, and what the ones before took
			// longer than that, as fio looks at the clock with each I/O alone.
			if c := log.Compare(counted[d], float64(reported.IOs), 0.01, float64(reported.IOs)*0.4); !c.Agree || math.IsNaN(c.Deviation) {
				t.Errorf("%s: log %v, summary %v", log.Direction(d), c.Logged, c.Reported)
			}
		}
	})
}
