package page

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/services/plot/index"
)

// Fleet is what the pages know of hosts and devices. Errors that wrap
// model.ErrUnknown become 404.
type Fleet interface {
	Hosts(ctx context.Context, c index.Choice) ([]index.Host, bool, error)
	Host(ctx context.Context, name string) (index.Host, error)
	Devices(ctx context.Context, c index.Choice) ([]index.Device, bool, error)
	Device(ctx context.Context, id string) (index.Device, error)
	Runs(ctx context.Context, q index.RunQuery) ([]index.Run, bool, error)
	Series(ctx context.Context, q index.SeriesQuery) ([]index.Measured, bool, error)
	Newest(ctx context.Context, host, device string) ([]index.Measured, error)
	EnvironmentChanges(ctx context.Context, host, device string) ([]index.EnvironmentChange, error)
}

// How much the pages of hosts and devices show.
const (
	hostsPerPage = 100
	recentRuns   = 25
)

// Registry has pages say which hosts are there now. It must be called before the
// first request; without it, hosts are known by what they measured.
func (h *Handler) Registry(now func() []registry.Sighting) { h.registry = now }

// hostView is a host, written out.
type hostView struct {
	index.Host
	State    chip
	Pools    []string
	SeenText string // how long ago it was heard of
	SeenAt   time.Time
	Spread   string
	Kernel   string
	Waiting  int
}

type hostsPage struct {
	frame
	Text  string
	Hosts []hostView
	Older string
}

// hosts lists the hosts that measured, and those that beat.
func (h *Handler) hosts(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	found, more, err := h.source.Hosts(r.Context(), index.Choice{Text: v.Get("q"), After: v.Get("after"), Limit: hostsPerPage})
	if err != nil {
		h.fail(w, r, "The list of hosts", err)
		return
	}
	p := hostsPage{frame: h.frame(r, "Hosts", "/hosts", crumb{Text: "hosts"}), Text: v.Get("q")}
	p.Live, p.Refresh, p.API = "all", 30, "/api/v1/hosts"
	now := h.sightings()
	for _, x := range found {
		p.Hosts = append(p.Hosts, h.hostView(x, now))
		delete(now, x.Name)
	}
	if more {
		p.Older = "/hosts?" + url.Values{"q": {p.Text}, "after": {found[len(found)-1].Name}}.Encode()
	} else if p.Text == "" { // those that have not measured yet, at the end
		for _, name := range slices.Sorted(maps.Keys(now)) {
			p.Hosts = append(p.Hosts, h.hostView(index.Host{Name: name, Facts: now[name].AllFacts()}, now))
		}
	}
	h.render(w, r, "hosts", p)
}

// sightings are the hosts in the registry, by name.
func (h *Handler) sightings() map[string]registry.Sighting {
	out := map[string]registry.Sighting{}
	if h.registry != nil {
		for _, s := range h.registry() {
			out[s.Name] = s
		}
	}
	return out
}

// hostView writes a host out, with what the registry says of it.
func (h *Handler) hostView(x index.Host, now map[string]registry.Sighting) hostView {
	v := hostView{Host: x, SeenAt: x.Last, Spread: "–", Kernel: x.Facts["kernel"], State: chip{"", "–", "not connected"}}
	if x.DayToDay != nil {
		v.Spread = fmt.Sprintf("±%.1f%%", *x.DayToDay*100)
	}
	if s, ok := now[x.Name]; ok {
		v.Pools, v.Waiting = s.Pools, s.Waiting
		if s.Seen.After(v.SeenAt) {
			v.SeenAt = s.Seen
		}
		switch {
		case !s.Alive:
			v.State = chip{"bad", "✕", "silent"}
		case s.Draining:
			v.State = chip{"meh", "■", "draining"}
		case len(s.Running) > 0:
			v.State = chip{"", "…", "measuring"}
		default:
			v.State = chip{"good", "✓", "idle"}
		}
	} else if len(x.Running) > 0 {
		v.State = chip{"meh", "?", "run not ended"}
	}
	v.SeenText = "–"
	if !v.SeenAt.IsZero() {
		v.SeenText = age(h.now().Sub(v.SeenAt))
	}
	return v
}

// measuredLine is a line with the bench it is of, written out.
type measuredLine struct {
	homeLine
	Bench, Name, Repo string
	At                time.Time
	Count             int
}

// machinePage is the page of a host, or of a device.
type machinePage struct {
	frame
	Host    *hostView
	Device  *index.Device
	Facts   []fact
	Running []running
	Lines   []measuredLine
	Changes []index.EnvironmentChange
	Runs    []index.Run
	Benches string // where its benches are
}

// host serves one host.
func (h *Handler) host(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("host")
	now := h.sightings()
	x, err := h.source.Host(r.Context(), name)
	if s, beats := now[name]; err != nil && beats { // it has not measured yet
		x, err = index.Host{Name: name, Facts: s.AllFacts()}, nil
	}
	if err != nil {
		h.fail(w, r, "This host", err)
		return
	}
	v := h.hostView(x, now)
	p := machinePage{frame: h.frame(r, name, "/hosts", crumb{"hosts", "/hosts"}, crumb{Text: name}), Host: &v, Benches: "/?" + url.Values{"host": {name}}.Encode()}
	p.Live, p.Refresh, p.API = "all", 30, "/api/v1/hosts/"+url.PathEscape(name)
	for _, k := range slices.Sorted(maps.Keys(x.Facts)) {
		p.Facts = append(p.Facts, fact{k, x.Facts[k]})
	}
	for _, running := range h.feed.Running("") {
		if running.Host == name {
			p.Running = append(p.Running, writtenProgress([]events.Progress{running})...)
		}
	}
	h.machine(w, r, p, name, "")
}

// machine fills the parts that the pages of hosts and devices share.
func (h *Handler) machine(w http.ResponseWriter, r *http.Request, p machinePage, host, device string) {
	lines, err := h.source.Newest(r.Context(), host, device)
	if err == nil {
		p.Changes, err = h.source.EnvironmentChanges(r.Context(), host, device)
	}
	if err == nil {
		p.Runs, _, err = h.source.Runs(r.Context(), index.RunQuery{Host: host, Device: device, Limit: recentRuns})
	}
	if err != nil {
		h.fail(w, r, "This page", err)
		return
	}
	for _, l := range lines {
		p.Lines = append(p.Lines, measuredLine{writtenLine(l.Line), l.Bench, l.Name, l.Repo, l.At, len(l.History)})
	}
	h.render(w, r, "machine", p)
}

type devicesPage struct {
	frame
	Text    string
	Devices []index.Device
	Older   string
}

// devices lists the devices that were measured.
func (h *Handler) devices(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	found, more, err := h.source.Devices(r.Context(), index.Choice{Text: v.Get("q"), After: v.Get("after"), Limit: hostsPerPage})
	if err != nil {
		h.fail(w, r, "The list of devices", err)
		return
	}
	p := devicesPage{frame: h.frame(r, "Devices", "/devices", crumb{Text: "devices"}), Text: v.Get("q"), Devices: found}
	p.API = "/api/v1/devices"
	if more {
		p.Older = "/devices?" + url.Values{"q": {p.Text}, "after": {found[len(found)-1].ID}}.Encode()
	}
	h.render(w, r, "devices", p)
}

// device serves one device, wherever it was measured.
func (h *Handler) device(w http.ResponseWriter, r *http.Request) {
	d, err := h.source.Device(r.Context(), r.PathValue("device"))
	if err != nil {
		h.fail(w, r, "This device", err)
		return
	}
	p := machinePage{frame: h.frame(r, cmp.Or(d.Model, d.ID), "/devices", crumb{"devices", "/devices"}, crumb{Text: d.ID}), Device: &d, Benches: "/?" + url.Values{"model": {d.Model}}.Encode()}
	p.API = "/api/v1/devices/" + url.PathEscape(d.ID)
	for _, f := range []fact{{"serial", d.Serial}, {"WWN", d.WWN}, {"firmware", d.Firmware}, {"size", sizeText(d.Size)}, {"scheduler", d.Scheduler}, {"path", d.Path}} {
		if f.Value != "" && f.Value != "0 B" {
			p.Facts = append(p.Facts, f)
		}
	}
	h.machine(w, r, p, "", d.ID)
}

// hostURL and deviceURL are the pages of a host and a device.
func hostURL(name string) string { return "/hosts/" + url.PathEscape(name) }

func deviceURL(id string) string { return "/devices/" + url.PathEscape(id) }

// hostLink links a host by its name.
func hostLink(name string) template.HTML {
	if name == "" {
		return "–"
	}
	text := template.HTMLEscapeString(brief(name))
	return template.HTML(`<a href="` + template.HTMLEscapeString(hostURL(name)) + `" title="` + template.HTMLEscapeString(name) + `">` + text + `</a>`) // #nosec G203 -- escaped
}

// runState shows how a run of the index is.
func runState(r index.Run) chip {
	switch {
	case r.State == "completed" && r.Integrity == "ok":
		return chip{"good", "✓", r.State}
	case r.State == "completed":
		return chip{"meh", "!", r.Integrity}
	case r.State == "cancelled":
		return chip{"meh", "■", r.State}
	case slices.Contains([]string{"failed", "rejected", "expired"}, r.State):
		return chip{"bad", "✕", r.State}
	}
	return chip{"", "…", r.State}
}

// ratesText writes the rates of a run out, a section after the other.
func ratesText(r index.Run) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		text := name + " " + quantityText(figure.IOPS, r.Metrics[name].IOPS)
		if v := r.Metrics[name].P99; v != nil {
			text += ", p99 " + latency(*v)
		}
		out = append(out, text)
	}
	return strings.Join(out, " · ")
}
