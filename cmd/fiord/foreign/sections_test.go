package foreign

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ran runs a job of testdata/sections as its author would, and returns the
// folder with what it left.
func ran(t *testing.T, name string) string {
	t.Helper()
	if _, err := exec.LookPath("fio"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: apt-get install fio", err)
	}
	text, err := os.ReadFile(filepath.Join("testdata/sections", name+".fio"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name+".fio"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("fio", "--output="+name+".json", "--output-format=json+", name+".fio")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// Every true value is known: the null engine keeps its rate, on a busy machine
// within a quarter of it. What is wrong would be off by a half or more.
func TestSectionsHaveTheirOwnNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		starts   []float64 // s, of first and second
		together bool      // whether they are added up
	}{
		"two":           {[]float64{0, 4}, false},
		"waitfor":       {[]float64{0, 4}, false},
		"waitfor-group": {[]float64{0, 4}, false},
		"startdelay":    {[]float64{0, 4}, false},
		"newgroup":      {[]float64{0, 0}, true},
		"newgroup1":     {[]float64{0, 0}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _, html, markdown := written(t, ran(t, name))
			s := r.Runs[0].Summary
			if len(s.Sections) != 2 || s.Sections[0].Name != "first" || s.Sections[1].Name != "second" {
				t.Fatalf("sections %+v", s.Sections)
			}
			for i, section := range s.Sections {
				if f := section.Read; f == nil || math.Abs(f.IOPS-1000) > 250 {
					t.Errorf("%s: %+v", section.Name, f)
				}
				if at := float64(section.StartMS) / 1000; math.Abs(at-c.starts[i]) > 1 {
					t.Errorf("%s began after %.2f s, want %.1f", section.Name, at, c.starts[i])
				}
			}
			if got := s.Read != nil; got != c.together {
				t.Errorf("figures over both: %v, want %v", got, c.together)
			}
			if c.together && (math.Abs(s.Read.IOPS-2000) > 500 || !slices.Equal(s.Read.Sections, []string{"first", "second"})) {
				t.Errorf("together: %+v", s.Read)
			}
			has(t, "the table", markdown, "| first | read |", "| second | read |")
			has(t, "the page", html, ">first<", ">second<")
		})
	}
}

func TestMixedIsADirectionLikeAnyOther(t *testing.T) {
	t.Parallel()
	r, _, _, markdown := written(t, ran(t, "unified-mixed"))
	s := r.Runs[0].Summary
	if s.Mixed == nil || s.Mixed.TotalIOs == 0 || s.Mixed.Clat == nil || fmt.Sprint(s.Directions()) != "[mixed]" {
		t.Fatalf("%+v", s)
	}
	has(t, "the table", markdown, "| mixed |")
}

// A mean over a section of 1.4 µs and one of 2 ms was of neither.
func TestAFastAndASlowSectionAreTwoRows(t *testing.T) {
	t.Parallel()
	r, _, _, _ := written(t, ran(t, "fastslow"))
	s := r.Runs[0].Summary
	fast, slow := s.Direction("fast/read"), s.Direction("slow/read")
	if fast == nil || slow == nil || s.Read != nil {
		t.Fatalf("%v", s.Directions())
	}
	if !(fast.Lat.Value("lat") < 100e3) || !(slow.Lat.Value("lat") > 2*fast.Lat.Value("lat")) {
		t.Errorf("fast %v ns, slow %v ns", fast.Lat.Value("lat"), slow.Lat.Value("lat"))
	}
	var latencies []string
	for _, f := range r.Runs[0].Figures {
		if strings.Contains(f, "/latency-") {
			latencies = append(latencies, filepath.Base(f))
		}
	}
	if !slices.Equal(latencies, []string{"latency-fast-read.svg", "latency-slow-read.svg"}) {
		t.Errorf("figures of latency: %v", latencies)
	}
}
