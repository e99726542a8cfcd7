package page_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// started has a host of a world say what it is and what it measures; its firmware
// was renewed once.
func started(m *model.Model) {
	for i, firmware := range []string{"F1", "F2"} {
		at := start.Add(time.Duration(i) * time.Minute)
		ref := events.RunRef{Bench: events.HashID("machine", firmware), Run: events.HashID("machine", firmware), Name: "machine", Job: "m.fio", Host: "node-a", Index: i, Attempt: 1}
		m.Apply(events.New("fiord/bench", firmware, nil, events.RunStarted{RunRef: ref, Facts: map[string]string{"kernel": "6.12.9", "rack": hostile},
			Device: &events.Device{Path: "/dev/nvme0n1", Model: "Aurland NV4", Serial: "S 1/2", Firmware: firmware, Size: 1e12, Scheduler: "none"}}), at)
		if i == 0 {
			m.Apply(events.New("fiord/bench", "end", nil, events.RunCompleted{RunRef: ref, StartedAt: at, EndedAt: at.Add(30 * time.Second), Integrity: events.Integrity{State: events.IntegrityOK},
				Summary: events.Summary{Read: &events.Figures{IOPS: 48211.4, BandwidthBytes: 197473894, TotalIOs: 2892684}}}), at.Add(30*time.Second))
		}
	}
}

func sightings() []registry.Sighting {
	return []registry.Sighting{
		{Host: registry.Host{Beat: registry.Beat{Name: "node-a", Pools: []string{"nvme"}, Running: []registry.Running{{Run: events.HashID("machine", "F2")}}}}, Seen: start.Add(time.Hour), Alive: true},
		{Host: registry.Host{Beat: registry.Beat{Name: "node-new"}}, Seen: start.Add(30 * time.Minute)},
	}
}

func TestPagesOfHostsAndDevices(t *testing.T) {
	m, _ := world()
	started(m)
	h := handler(t, source{Model: m}, nil)
	h.(*page.Handler).Registry(sightings)
	for path, want := range map[string][]string{
		"/hosts":             {`href="/hosts/node-a"`, "measuring", "nvme", "Aurland NV4", "6.12.9", "node-new", "silent", `href="/runs/` + events.HashID("machine", "F2")},
		"/hosts?q=aurland":   {"node-a"},
		"/hosts/node-a":      {"measuring", "What changed on it", "firmware", "F1", "F2", `href="/devices/S%201%2F2"`, "Last runs", "48.2 k", "&lt;script&gt;"},
		"/hosts/node-new":    {"silent", "None is known."},
		"/devices":           {"Aurland NV4", `href="/devices/S%201%2F2"`, "931 GiB"},
		"/devices?q=nowhere": {"Nothing matches"},
		"/devices/S%201%2F2": {"Aurland NV4", "firmware", "F2", `href="/hosts/node-a"`},
		"/":                  {`href="/hosts/node-a"`},
		"/benches/" + events.HashID("machine", "F1"): {`href="/hosts/node-a"`},
		"/runs/" + events.HashID("machine", "F1"):    {`href="/hosts/node-a"`},
	} {
		w := get(h, path)
		if w.Code != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
			continue
		}
		_, body, _ := strings.Cut(w.Body.String(), "<body")
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("GET %s has no %q:\n%s", path, text, body)
			}
		}
		if strings.Contains(body, hostile) {
			t.Errorf("GET %s has %s as it is", path, hostile)
		}
	}
	for _, path := range []string{"/hosts/nowhere", "/devices/none"} {
		if w := get(h, path); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d, want 404", path, w.Code)
		}
	}
}

func TestHostPagesInTheBrowser(t *testing.T) {
	ctx := browser(t)
	m, _ := world()
	started(m)
	h := handler(t, source{Model: m}, objects{})
	h.(*page.Handler).Registry(sightings)
	feed := page.NewFeed()
	h.(*page.Handler).Follow(feed)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(feed.Close)
	complaints := listen(ctx, t)
	for name, path := range map[string]string{"hosts": "/hosts", "host": "/hosts/node-a", "devices": "/devices", "device": "/devices/S%201%2F2"} {
		look(ctx, t, name+"-phone", server.URL+path, 390, 844, "dark")
		look(ctx, t, name+"-desktop", server.URL+path, 1440, 900, "light")
	}
	if lines := complaints(); len(lines) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(lines, "\n"))
	}
}
