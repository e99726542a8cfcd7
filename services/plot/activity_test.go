package plot_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
)

// hostFigures stores a record of the host beside a run without logs, and
// returns the figures and flags that come of it.
func hostFigures(t *testing.T, record string) (figures map[string]string, flags []string, page func(texts ...string)) {
	t.Helper()
	s := newSite(t)
	url, _ := s.start()
	b := s.place("host", 1)
	s.publish(b.request, b.placed)
	end := b.completed(0, 1000)
	data := end.Data.(events.RunCompleted)
	claim := artifactstest.Put(t, s.store, artifacts.RunKey(data.Host, data.Run, 1, "activity.csv"), "text/csv", record)
	data.Artifacts = append(data.Artifacts, events.Artifact{Name: "activity.csv", ClaimCheck: claim})
	s.publish(events.New("fiord/bench", data.Run, &b.request, data))
	plots := await[events.PlotsRendered](s)
	figures = map[string]string{}
	for _, f := range plots.Figures {
		figures[f.Name] = artifactstest.Read(t, s.store, f.ClaimCheck)
		if dir := os.Getenv("FIORD_TEST_KEEP"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(figures[f.Name]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.remembered(b, await[events.BenchReported](s))
	return figures, plots.Flags, func(texts ...string) { s.page(url+"/runs/"+data.Run, 200, texts...) }
}

func has(t *testing.T, svg string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(svg, text) {
			t.Errorf("no %q in %.1500s", text, svg)
		}
	}
}

// What was recorded on a busy host becomes figures of the run.
func TestWhatTheHostDidIsDrawn(t *testing.T) {
	record, err := os.ReadFile("testdata/activity.csv")
	if err != nil {
		t.Fatal(err)
	}
	figures, _, page := hostFigures(t, string(record))
	has(t, figures["host.svg"], "CPU and disk during the run", "CPU user – mean 68.6 %", "CPU system", "CPU stolen by other guests",
		"vda busy – mean 23.7 %", "25 intervals of 1 s", "1.13 GiB of memory used")
	has(t, figures["disk.svg"], "Disk throughput during the run", "vda read – mean 14.8 MiB/s", "vda write", "requests in flight")
	if strings.Contains(figures["host.svg"]+figures["disk.svg"], "zram0 ") || strings.Contains(figures["host.svg"], "Warning") {
		t.Error("an idle disk is drawn, or what is wrong with the logs is said of the host")
	}
	page("/host.svg", "/disk.svg", "/figures/host.png", "activity.csv")
}

// A host that throttled says so on the figure; one that measured no disk has
// no figure of any.
func TestAThrottledHostIsFlagged(t *testing.T) {
	head := "start_ms,interval_ms,cpu_user,cpu_system,cpu_iowait,cpu_steal,cpu_idle,memory_bytes,freq_min_mhz,freq_mean_mhz,throttles\n"
	figures, _, _ := hostFigures(t, head+"0,1000,50,10,0,0,40,1073741824,1200,2400,0\n1000,1000,50,10,0,0,40,1073741824,1200,2400,12\n")
	has(t, figures["host.svg"], "Warning: the CPUs slowed down for heat: 12 throttle events", "2.4 GHz")
	if strings.Contains(figures["host.svg"], "busy") || figures["disk.svg"] != "" {
		t.Error("a disk is drawn that nobody measured")
	}
}

// A record that cannot be read takes nothing from the run but its figure.
func TestABrokenRecordIsToldNotFatal(t *testing.T) {
	figures, flags, _ := hostFigures(t, "start_ms,interval_ms\n0,fast\n")
	if figures["host.svg"] != "" || !strings.Contains(strings.Join(flags, "\n"), "not an activity.csv: line 1: 2 columns") {
		t.Errorf("figures %d, flags %q", len(figures), flags)
	}
}
