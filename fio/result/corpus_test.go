package result

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// corpus lists the outputs that real fio versions wrote; see
// testdata/generate.sh.
func corpus(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../testdata/fio-*/*/fio.json")
	if err != nil || len(paths) < 30 {
		t.Fatalf("corpus of %d outputs: %v", len(paths), err)
	}
	return paths
}

func load(t *testing.T, path string) *Output {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}

func TestEveryOutputOfTheCorpusHasItsGoldenSummary(t *testing.T) {
	for _, path := range corpus(t) {
		if strings.Contains(path, "refused") {
			continue
		}
		name := strings.TrimPrefix(path, "../testdata/")
		t.Run(name, func(t *testing.T) {
			out := load(t, path)
			golden(t, filepath.Join(filepath.Dir(path), "summary.golden.json"), struct {
				Summary
				Documents int
				Noise     []Noise  `json:",omitempty"`
				Warnings  []string `json:",omitempty"`
			}{out.Summary(), out.Documents, out.Noise, out.Warnings})
		})
	}
}

// golden compares a value's JSON with a file.
func golden(t *testing.T, path string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test -update writes it", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (go test -update accepts):\n%s", path, diff)
	}
}

// fio and this package must agree on percentiles, to the nanosecond.
func TestPercentilesFromBinsAreThoseThatFioPrints(t *testing.T) {
	compared := 0
	for _, path := range corpus(t) {
		if strings.Contains(path, "refused") {
			continue
		}
		out := load(t, path)
		for i := range out.Jobs {
			for name, d := range out.Jobs[i].Directions() {
				for _, l := range []Latency{d.Clat, d.Lat, d.Slat} {
					if l.Histogram == nil {
						continue
					}
					if l.Histogram.N() != uint64(l.N) {
						t.Errorf("%s %s: %d in bins, N is %d", path, name, l.Histogram.N(), l.N)
					}
					for _, p := range l.Percentiles {
						compared++
						// 99.99999999 is printed as 100.000000
						if got := l.Histogram.Percentile(p.P).Value; got != p.NS {
							t.Errorf("%s %s p%v: %v, fio prints %v", path, name, p.P, got, p.NS)
						}
					}
					if mean := l.Histogram.Mean(); l.Mean < mean.Low*0.999 || l.Mean > mean.High*1.001 {
						t.Errorf("%s %s: mean %v outside %+v", path, name, l.Mean, mean)
					}
				}
			}
		}
	}
	if compared < 500 {
		t.Errorf("only %d percentiles compared", compared)
	}
}

func TestOddOutputsAreUnderstood(t *testing.T) {
	for _, dir := range []string{"../testdata/fio-3.33", "../testdata/fio-3.39"} {
		get := func(name string) *Output { return load(t, filepath.Join(dir, name, "fio.json")) }

		if out := get("tab"); out.Jobs[0].Options == nil || !strings.Contains(optionValue(out.Jobs[0], "description"), "a\ttab, a \"quote\" and a \\ backslash") {
			t.Errorf("%s: tab: %+v", dir, out.Jobs[0].Options)
		}
		if out := get("status"); out.Documents < 3 || len(out.Jobs) != 1 {
			t.Errorf("%s: status: %d documents", dir, out.Documents)
		}
		if out := get("grouped"); len(out.Jobs) != 1 || !out.Jobs[0].Grouped || out.Jobs[0].Name != "one" {
			t.Errorf("%s: grouped: %+v", dir, out.Jobs)
		}
		if out := get("served"); len(out.Jobs) != 2 || out.Jobs[0].Host == out.Jobs[1].Host || out.Jobs[0].Host == "" {
			t.Errorf("%s: served: %d jobs", dir, len(out.Jobs))
		}
		if out := get("failing"); out.Summary().JobErrors != 2 || out.Jobs[1].Error != 28 || out.Jobs[2].Errors == 0 {
			t.Errorf("%s: failing: %+v", dir, out.Summary())
		}
		if out := get("steady"); out.Jobs[0].Steady == nil || !out.Jobs[0].Steady.Attained {
			t.Errorf("%s: steady: %+v", dir, out.Jobs[0].Steady)
		}
		if out := get("file-sync"); out.Jobs[0].Sync.N == 0 {
			t.Errorf("%s: no sync latencies", dir)
		}
		if out := get("unified"); out.Summary().Mixed == nil || out.Summary().Read == nil {
			t.Errorf("%s: unified: %+v", dir, out.Summary())
		}
		if out := get("nothing"); out.Summary().Read.Clat != nil {
			t.Errorf("%s: latencies made up: %+v", dir, out.Summary().Read.Clat)
		}
		// One second with one job, then one with two side by side.
		s := get("stonewalls").Summary()
		if s.Read != nil || len(s.Sections) < 2 {
			t.Errorf("%s: stonewalls: sections of different times are added up: %+v", dir, s)
		}
		last := s.Sections[len(s.Sections)-1]
		if last.StartMS < 990 || last.StartMS > 1300 {
			t.Errorf("%s: stonewalls: the last section begins after %d ms", dir, last.StartMS)
		}
	}
}

func optionValue(j Job, name string) string {
	v, _ := j.Option(name)
	return v
}

func TestARefusedJobIsNoResultAndSaysWhy(t *testing.T) {
	text, err := os.ReadFile("../testdata/fio-3.33/refused/fio.json")
	if err != nil {
		t.Fatal(err)
	}
	out, err := Parse(text)
	if err == nil || !strings.Contains(err.Error(), "valid values: read") || len(out.Noise) == 0 {
		t.Errorf("%v, noise %+v", err, out.Noise)
	}
}

func TestADocumentIsReadBackAsItWasWritten(t *testing.T) {
	for _, path := range corpus(t) {
		if strings.Contains(path, "refused") {
			continue
		}
		doc := load(t, path).Document()
		var once, twice bytes.Buffer
		if err := doc.Write(&once); err != nil {
			t.Fatal(err)
		}
		back, err := ReadDocument(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if err := back.Write(&twice); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(once.String(), twice.String()); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	if _, err := ReadDocument(strings.NewReader(`{"version": 2}`)); err == nil {
		t.Error("a version of the future was accepted")
	}
}
