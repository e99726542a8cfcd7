package catalogue

import (
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/events"
)

// maxCompared bounds how many runs one figure compares. Those beyond the number
// of colours are a swarm with its extremes named.
const maxCompared = 50

// All draws every figure of a run that there is data for, those that are drawn
// on demand elsewhere as well, as SVG and in further formats. It returns the
// flags that stand on them.
func All(run *Run, further ...Format) ([]Picture, []string, error) {
	list, err := drawAll(List(OfRun), Subject{Run: run}, further)
	return list, Flags(run), err
}

// AllOf draws runs side by side: by point, by each option that varies, and, of a
// few runs, their latencies and rates over each other. name is what the figures
// are of.
func AllOf(name string, runs []*Run, further ...Format) ([]Picture, error) {
	bench := &Bench{Name: name, Runs: runs, Counts: events.Counts{Planned: len(runs), Completed: len(runs)}}
	list := List(OfBench)
	for _, option := range slices.Sorted(maps.Keys(optionValues(bench))) {
		if _, known := Find(OfBench, byOption(option).Name); !known {
			list = append(list, byOption(option))
		}
	}
	out, err := drawAll(list, Subject{Bench: bench}, further)
	if err != nil || len(runs) < 2 || len(runs) > maxCompared {
		return out, err
	}
	compared, err := drawAll(List(OfRuns), Subject{Runs: runs, Title: name}, further)
	for _, p := range compared {
		p.Name = "compare-" + p.Name
		out = append(out, p)
	}
	return out, err
}
