package page_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// sided is a baseline and a bench that regressed, measured on hosts with the
// environments given; "" leaves none behind.
func sided(before, after map[string]string) (m *model.Model, store objects, base, bench string) {
	m, store = model.New(100), objects{}
	side := func(key, baseline string, hosts map[string]string) string {
		request := events.New("fiord/ingest", key, nil, events.BenchRequested{Name: "randread", Jobs: []events.Job{{Name: "r.fio"}}})
		id := events.BenchID(request)
		m.Apply(request, start)
		for i, host := range []string{"node-a", "node-b", "node-c", "node-d"} {
			text, measured := hosts[host]
			if !measured {
				continue
			}
			d := events.RunCompleted{RunRef: events.RunRef{Bench: id, Run: events.HashID(key, host), Name: "randread", Job: "r.fio", Index: i, Host: host, Attempt: 1}, StartedAt: start, EndedAt: start, Integrity: events.Integrity{State: events.IntegrityOK}}
			if text != "" {
				at := "runs/" + d.Run + "/1/environment.json"
				store[at] = text
				d.Artifacts = []events.Artifact{{Name: "environment.json", ClaimCheck: events.ClaimCheck{Key: at}}}
			}
			m.Apply(events.New("fiord/bench", d.Run, nil, d), start)
		}
		r := report(id, "randread")
		r.Baseline = baseline
		m.Apply(events.New("fiord/plot", id, nil, r), start)
		return id
	}
	base = side("base", "", before)
	return m, store, base, side("now", base, after)
}

func env(kernel, scheduler string) string {
	return fmt.Sprintf(`{"taken":%q,"kernel":{"release":%q},"target":{"queue":{"scheduler":%q}}}`, kernel, kernel, scheduler)
}

func TestThePageTellsWhatDiffersOnTheMachines(t *testing.T) {
	old, kernel := env("6.1.0", "none"), env("6.2.0", "none")
	for name, c := range map[string]struct {
		before, after map[string]string
		says          []string
		not           string
	}{
		"nothing":               {map[string]string{"node-a": old}, map[string]string{"node-a": old}, []string{"Nothing: kernel, settings"}, "<h3>node-a"},
		"one kernel on two":     {map[string]string{"node-a": old, "node-b": old, "node-c": old}, map[string]string{"node-a": kernel, "node-b": kernel, "node-c": old}, []string{"<h3>node-a, node-b</h3>", "kernel.release</th><td>6.1.0</td><td>6.2.0", "<h3>node-c</h3>\n<p class=\"sub\">Nothing."}, "scheduler"},
		"each its own":          {map[string]string{"node-a": old, "node-b": old}, map[string]string{"node-a": kernel, "node-b": env("6.1.0", hostile)}, []string{"<h3>node-a</h3>", "<h3>node-b</h3>", "&lt;script&gt;"}, "<script>alert"},
		"no host in common":     {map[string]string{"node-a": old}, map[string]string{"node-b": kernel}, []string{"<h3>node-a → node-b</h3>", "6.2.0"}, "no longer kept"},
		"nothing left":          {map[string]string{"node-a": ""}, map[string]string{"node-a": kernel}, []string{"has left no environment.json"}, "6.2.0"},
		"no environment at all": {map[string]string{"node-a": "[]"}, map[string]string{"node-a": kernel}, []string{"is damaged"}, "6.2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			m, store, base, bench := sided(c.before, c.after)
			h := handler(t, source{Model: m}, store)
			w := get(h, "/benches/"+bench)
			_, text, _ := strings.Cut(w.Body.String(), "What differs on the machines")
			if w.Code != http.StatusOK || strings.Contains(text, c.not) {
				t.Errorf("%d, or %q in\n%s", w.Code, c.not, text)
			}
			var html, md bytes.Buffer
			b, _ := m.Bench(bench)
			before, _ := m.Bench(base)
			list, err := page.Differences(t.Context(), store, before, b)
			if err != nil {
				t.Fatal(err)
			}
			r := page.Report{Bench: b, Differences: list}
			if err := r.WriteHTML(&html); err != nil {
				t.Fatal(err)
			}
			if err := r.WriteMarkdown(&md); err != nil || !strings.Contains(md.String(), "differs") || strings.Contains(md.String(), "<script") {
				t.Errorf("%v: %s", err, md.String())
			}
			for _, says := range c.says {
				if !strings.Contains(text, says) || !strings.Contains(html.String(), says) {
					t.Errorf("no %q in\n%s", says, text)
				}
			}
			if strings.Contains(get(h, "/benches/"+base).Body.String(), "What differs") {
				t.Error("a bench without a baseline has two sides")
			}
		})
	}
}

func TestComparedRunsTellWhatDiffers(t *testing.T) {
	m, store, _, _ := sided(map[string]string{"node-a": env("6.1.0", "none"), "node-b": env("6.1.0", "none")}, map[string]string{"node-a": env("6.1.0", "bfq"), "node-b": env("6.1.0", "bfq")})
	h := handler(t, source{Model: m}, store)
	path := "/compare?run=" + events.HashID("base", "node-a")
	for _, run := range [][]string{{"now", "node-a"}, {"now", "node-b"}, {"base", "node-b"}} {
		path += "&run=" + events.HashID(run...)
	}
	text := get(h, path).Body.String()
	for _, says := range []string{"<h3>run 2 against run 1, run 3 against run 1</h3>", "target.queue.scheduler</th><td>none</td><td>bfq", "<h3>run 4 against run 1</h3>\n<p class=\"sub\">Nothing."} {
		if !strings.Contains(text, says) {
			t.Errorf("no %q in\n%s", says, text)
		}
	}
}

// Many machines, many values: what is told stays bounded, and says so.
func TestDifferencesAreBounded(t *testing.T) {
	fields := make([]string, 200)
	for i := range fields {
		fields[i] = fmt.Sprintf(`"k%03d":"v"`, i)
	}
	m, store, base, bench := sided(map[string]string{"node-a": "{}"}, map[string]string{"node-a": "{" + strings.Join(fields, ",") + "}"})
	before, _ := m.Bench(base)
	after, _ := m.Bench(bench)
	list, err := page.Differences(t.Context(), store, before, after)
	if err != nil || len(list) != 1 || len(list[0].Changes) != 60 || list[0].More != 140 {
		t.Errorf("%v: %+v", err, list)
	}
	if text := get(handler(t, source{Model: m}, store), "/benches/"+bench).Body.String(); !strings.Contains(text, "140 more differ") {
		t.Error("the page does not say that there are more")
	}
}
