package result

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What versions that are not at hand print, written after their sources.
func TestOldAndNewForms(t *testing.T) {
	for _, c := range []struct {
		name, job string
		check     func(t *testing.T, o *Output)
	}{
		{"percentile fillers up to 3.1", `"read": {"total_ios": 1, "io_bytes": 1, "clat_ns": {"N": 1, "percentile": {"1.000000": 5, "50.000000": 7, "0.00": 0, "0.00": 0}}}`,
			func(t *testing.T, o *Output) {
				want := []Percentile{{1, 5}, {50, 7}}
				if diff := cmp.Diff(want, o.Jobs[0].Read.Clat.Percentiles); diff != "" {
					t.Error(diff)
				}
			}},
		{"two percentiles that print alike", `"read": {"total_ios": 1, "clat_ns": {"N": 1, "percentile": {"100.000000": 5, "100.000000": 9}}}`,
			func(t *testing.T, o *Output) {
				if diff := cmp.Diff([]Percentile{{100, 5}, {100, 9}}, o.Jobs[0].Read.Clat.Percentiles); diff != "" {
					t.Error(diff)
				}
			}},
		{"nan and inf", `"usr_cpu": -nan, "sys_cpu": inf, "ctx": 3, "read": {"total_ios": 1, "iops": nan}`,
			func(t *testing.T, o *Output) {
				if o.Jobs[0].CPU.User != 0 || o.Jobs[0].CPU.ContextSwitches != 3 || len(o.Warnings) != 1 || !strings.Contains(o.Warnings[0], "3 figures are nan or inf") {
					t.Errorf("%+v %v", o.Jobs[0].CPU, o.Warnings)
				}
			}},
		{"an unset minimum", `"read": {"total_ios": 1, "clat_ns": {"N": 0, "min": 18446744073709551615}}`,
			func(t *testing.T, o *Output) {
				if l := o.Jobs[0].Read.Clat; l.N != 0 || !l.IsZero() {
					t.Errorf("%+v", l)
				}
			}},
		{"priorities since 3.30", `"read": {"total_ios": 3, "prios": [{"prioclass": 1, "prio": 4, "priohint": 2, "clat_ns": {"N": 3, "bins": {"57": 3}}}]}`,
			func(t *testing.T, o *Output) {
				p := o.Jobs[0].Read.Prios
				if len(p) != 1 || p[0].Class != 1 || p[0].Level != 4 || p[0].Hint != 2 || p[0].Clat.Histogram.N() != 3 {
					t.Errorf("%+v", p)
				}
			}},
		{"zone resets since 3.42", `"write": {"total_ios": 3, "zone_resets": 7}`,
			func(t *testing.T, o *Output) {
				if o.Jobs[0].Write.ZoneResets != 7 {
					t.Errorf("%+v", o.Jobs[0].Write)
				}
			}},
		{"bandwidth in KiB only", `"read": {"total_ios": 1, "bw": 4}`,
			func(t *testing.T, o *Output) {
				if o.Jobs[0].Read.BW != 4096 {
					t.Errorf("%v", o.Jobs[0].Read.BW)
				}
			}},
		{"escapes of other tools", `"job options": {"description": "\u00e9\n\ud83d\ude00\/"}`,
			func(t *testing.T, o *Output) {
				if got := o.Jobs[0].Options[0].Value; got != "é\n😀/" {
					t.Errorf("%q", got)
				}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := Parse([]byte("{\n\"jobs\": [{\"jobname\": \"j\", " + c.job + "}]\n}\n"))
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, o)
		})
	}
}

func TestPercentilesOfSeveralJobsNeedBins(t *testing.T) {
	withBins := `{"jobname": "a", "read": {"total_ios": 2, "runtime": 1000, "clat_ns": {"N": 2, "mean": 10, "max": 10, "bins": {"10": 2}, "percentile": {"50.000000": 10}}}}`
	without := `{"jobname": "b", "read": {"total_ios": 6, "runtime": 1000, "clat_ns": {"N": 6, "mean": 50, "max": 90, "percentile": {"50.000000": 50}}}}`
	one, err := Parse([]byte("{\"jobs\": [" + without + "]}"))
	if err != nil {
		t.Fatal(err)
	}
	if l := one.Summary().Read.Latency; known(l.P50) != 50 || l.P99 != nil || l.Of != CompletionLatency {
		t.Errorf("one job: %+v", l)
	}
	two, err := Parse([]byte("{\"jobs\": [" + withBins + "," + without + "]}"))
	if err != nil {
		t.Fatal(err)
	}
	want := &LatencyFigures{Of: CompletionLatency, N: 8, Mean: 40, Max: 90}
	if diff := cmp.Diff(want, two.Summary().Read.Latency); diff != "" {
		t.Error(diff)
	}
	if h, _ := two.Histogram("read"); h != nil {
		t.Error("a histogram of some jobs only")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(tinyResult))
	f.Add([]byte("noise\n" + tinyResult + "<host> {\n\"client_stats\": []}\n"))
	f.Add([]byte(`{"jobs": [{"read": {"clat_ns": {"bins": {"5": 1e3, "6": -nan}}}}], "x": "\u12`))
	f.Fuzz(func(t *testing.T, text []byte) {
		out, err := Parse(text)
		if err != nil {
			return
		}
		var b strings.Builder
		if err := out.Document().Write(&b); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := ReadDocument(strings.NewReader(b.String())); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}
