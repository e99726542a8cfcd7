package page

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/verdict"
)

// machine is where runs were measured, as its worker described it.
type machine struct {
	Host, HostClass, DeviceClass string
	Fio                          string // version
	Runs                         int
	Device                       *events.Device
	Facts                        []fact
}

// fact is one thing known of a machine.
type fact struct{ Name, Value string }

// ownFacts are the facts that every worker finds out, in the order in which
// people ask for them; what an operator adds follows by name.
func ownFacts() []string {
	return []string{"os", "os_version", "kernel", "architecture", "cpu_model", "cpus", "numa_nodes", "memory_total", "virtual", "container_engine", "fio_version"}
}

// maxFacts bounds the facts of one machine in a report.
const maxFacts = 40

// machines describes the machines of completed runs, in the order of the runs.
func machines(b model.Bench) []machine {
	var out []machine
	for _, r := range b.Runs {
		c := r.Completed
		if c == nil {
			continue
		}
		i := slices.IndexFunc(out, func(m machine) bool {
			return m.Host == r.Host && m.HostClass == c.HostClass && m.DeviceClass == c.DeviceClass && m.Fio == c.Summary.FioVersion
		})
		if i < 0 {
			out = append(out, machine{Host: r.Host, HostClass: c.HostClass, DeviceClass: c.DeviceClass, Fio: c.Summary.FioVersion})
			i = len(out) - 1
		}
		out[i].Runs++
		if s := r.Started; s != nil && out[i].Facts == nil {
			out[i].Device, out[i].Facts = s.Device, facts(s.Facts)
		}
	}
	return out
}

// facts lists what a report tells of a machine.
func facts(all map[string]string) []fact {
	out := []fact{}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(n string) bool {
		return slices.Contains(ownFacts(), n) || changing(n) || strings.HasPrefix(n, "device.")
	})
	for _, n := range append(ownFacts(), names...) {
		v, ok := all[n]
		if !ok || v == "" || len(out) == maxFacts {
			continue
		}
		if strings.HasPrefix(n, "memory_") || strings.HasPrefix(n, "swap_") {
			v = bytesText(v)
		}
		out = append(out, fact{n, v})
	}
	return out
}

// changing tells a fact that says how the machine was at one moment.
func changing(name string) bool {
	for _, part := range []string{"_free", "load", "overload", "uptime"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// bytesText writes a number of bytes for people.
func bytesText(v string) string {
	n, err := strconv.ParseUint(v, 10, 63)
	if err != nil || n == 0 {
		return v
	}
	return sizeText(int64(n)) // #nosec G115 -- of 63 bits
}

// doubt is a run that failed an integrity check, or whose figures carry flags.
type doubt struct {
	Run      *model.Run
	State    events.IntegrityState
	Findings []events.Finding
	Flags    []string // beyond the findings
}

// maxDoubts bounds how many runs with findings are listed.
const maxDoubts = 50

// doubts lists the completed runs about which something has to be said, and how
// many there are in all.
func doubts(b model.Bench) (list []doubt, all int) {
	for _, r := range b.Runs {
		if r.Completed == nil {
			continue
		}
		d := doubt{Run: r, State: r.Completed.Integrity.State, Findings: r.Completed.Integrity.Findings}
		if r.Plots != nil {
			d.Flags = beyond(r.Plots.Flags, r)
		}
		if d.State == events.IntegrityOK && len(d.Findings) == 0 && len(d.Flags) == 0 {
			continue
		}
		if all++; len(list) < maxDoubts {
			list = append(list, d)
		}
	}
	return list, all
}

// latencyKind says what the latencies of a bench's summaries measure.
func latencyKind(b model.Bench) string {
	total, completion := false, false
	for _, r := range b.Runs {
		if r.Completed == nil {
			continue
		}
		for _, dir := range r.Completed.Summary.Directions() {
			l := r.Completed.Summary.Direction(dir).Latency
			switch {
			case l == nil || l.Max == 0 && l.Mean == 0:
			case l.Of == "lat":
				total = true
			default:
				completion = true
			}
		}
	}
	switch {
	case total && completion:
		return "Latencies are from submission to completion where fio counted that, of completion alone elsewhere."
	case total:
		return "Latencies are from submission to completion."
	default:
		return "Latencies are completion latencies: submission is not part of them."
	}
}

// method says how a verdict was come to.
func method(r Report) string {
	if len(r.Comparisons) == 0 {
		return ""
	}
	limit := "the threshold"
	if r.Threshold > 0 {
		limit = fmt.Sprintf("%g%%", r.Threshold*100)
	}
	levels := 0
	for _, c := range r.Comparisons {
		if c.Level != nil && c.Level.Decides {
			levels++
		}
	}
	text := ""
	if levels > 0 {
		text = fmt.Sprintf("%d of %d comparisons are held against the level of the sessions before this one, by how much the machine moves from session to session; n is sessions before and runs after. "+
			"All of them share one error of about 2%% (Holm), and a shift is at least %s. ", levels, len(r.Comparisons), limit)
		if levels == len(r.Comparisons) {
			return text + "Equality is reported only when two one-sided tests place the change within ±" + limit + "; all else is inconclusive. Runs whose integrity is in doubt take no part."
		}
		text += "Of the others: "
	}
	return text + "A shift is told when the exact rank test of Mann and Whitney rejects at 1% and the medians differ by at least " + limit +
		". Equality is told only when the 95% interval of the shift lies within ±" + limit + "; all else is inconclusive. Runs whose integrity is in doubt take no part."
}

// tailText writes a tail with its interval.
func tailText(t verdict.Tail) string {
	text := latency(t.Value)
	if t.High > 0 {
		text += " (" + latency(t.Low) + " to " + latency(t.High) + ")"
	}
	return text
}

// tailMethod says what the intervals of tails are.
const tailMethod = "The I/Os of all sound repeats together, their histograms merged bin by bin. In brackets: 95% intervals, bootstrapped over runs, where there are at least five."

// bothMethod says what the comparison of merged percentiles is.
const bothMethod = "Percentiles of all I/Os of a side together. In brackets: 95% intervals, bootstrapped over the runs of either side. A shift that these I/Os do not bear out is not told."
