package verdict

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
)

// Absence is what the baseline has and the bench has nothing sound of: a point,
// a section or a direction on one machine. What vanished is neither equal nor
// shifted, so it is named, and it hides nothing that stayed.
type Absence struct {
	Job, Point, Host string
	// Direction is a name of [events.Summary.Directions], empty where the whole
	// point is absent.
	Direction string
	// Why is a clause such as "all 5 runs are suspect: stall".
	Why string
	// Regressed says that each run has a fault of the storage, which the
	// baseline's runs lack: a stall in every repeat is a regression.
	Regressed bool
}

// String names what is absent and why.
func (a Absence) String() string {
	name := cmp.Or(a.Point, a.Job, "a point")
	if a.Direction != "" {
		name = a.Direction + " of " + name
	}
	return name + ": " + a.Why
}

// storageFaults are the checks of integrity that speak of what is measured, not
// of how.
func storageFaults() []string { return []string{"stall", "fio_errors"} }

// Faults are the checks that a run did not pass, each once.
func Faults(i events.Integrity) []string {
	var out []string
	for _, f := range i.Findings {
		out = append(out, f.Check)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// spot is where something was measured.
type spot struct{ job, point, machine string }

// absences lists what of the baseline's sound runs the bench has no sound run
// of, for the machines that the bench ran on.
func absences(before, after Bench) []Absence {
	machine := machines(before, after)
	old, sound, all := map[spot]map[string]bool{}, map[spot]map[string]bool{}, map[spot][]Run{}
	present := map[string]bool{}
	for _, r := range after.Runs {
		at := spot{r.Job, r.Point, machine(r)}
		all[at], present[at.machine] = append(all[at], r), true
		gather(sound, at, r)
	}
	for _, r := range before.Runs {
		gather(old, spot{r.Job, r.Point, machine(r)}, r)
	}
	var out []Absence
	for at, directions := range old {
		if !present[at.machine] {
			continue
		}
		one := Absence{Job: at.job, Point: at.point, Host: at.machine}
		switch {
		case len(all[at]) == 0:
			one.Why = "it was not measured"
			out = append(out, one)
		case len(sound[at]) == 0:
			one.Why, one.Regressed = suspects(all[at])
			out = append(out, one)
		default:
			for d := range directions {
				if !sound[at][d] {
					one.Direction, one.Why = d, "nothing was measured"
					out = append(out, one)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b Absence) int {
		return cmp.Or(cmp.Compare(a.Job, b.Job), cmp.Compare(a.Point, b.Point), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Direction, b.Direction))
	})
	return out
}

// gather adds the directions of a sound run.
func gather(to map[spot]map[string]bool, at spot, r Run) {
	if r.Integrity != events.IntegrityOK {
		return
	}
	if to[at] == nil {
		to[at] = map[string]bool{}
	}
	for m := range r.Values {
		to[at][m.Direction()] = true
	}
}

// suspects says what is wrong with all runs of a point, and whether each of them
// has one fault of the storage.
func suspects(runs []Run) (why string, regressed bool) {
	seen := map[string]int{}
	for _, r := range runs {
		for _, f := range slices.Compact(slices.Sorted(slices.Values(r.Faults))) {
			seen[f]++
		}
	}
	for _, f := range storageFaults() {
		regressed = regressed || seen[f] == len(runs)
	}
	why = "its run is suspect"
	if len(runs) > 1 {
		why = fmt.Sprintf("all %d runs are suspect", len(runs))
	}
	if len(seen) > 0 {
		why += ": " + strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
	}
	return why, regressed
}

// stalled turns a bench of which no run is sound into a regression if it is a fault
// of the storage that all repeats of a point have and the baseline's had not.
func (r Result) stalled(before *Bench, after Bench) Result {
	if r.Verdict != events.VerdictInvalid || before == nil {
		return r
	}
	list := absences(*before, after)
	if !slices.ContainsFunc(list, func(a Absence) bool { return a.Regressed }) {
		return r
	}
	return r.withAbsences(list)
}

// withAbsences adds to a judgement what it could not compare.
func (r Result) withAbsences(list []Absence) Result {
	if len(list) == 0 {
		return r
	}
	r.Absent = list
	worse := slices.IndexFunc(list, func(a Absence) bool { return a.Regressed })
	switch {
	case worse >= 0 && r.Verdict != events.VerdictRegressed:
		r.Verdict = events.VerdictRegressed
		r.Headline = "Regressed: " + list[worse].String() + ", which the baseline's runs had not. " + r.Headline
		return r
	case r.Verdict == events.VerdictUnchanged || r.Verdict == events.VerdictImproved && len(r.Comparisons) == 0:
		r.Verdict = events.VerdictInconclusive
	}
	r.Headline += fmt.Sprintf(" Not compared: %s", list[0])
	if len(list) > 1 {
		r.Headline += fmt.Sprintf(", and %d more", len(list)-1)
	}
	r.Headline += "."
	return r
}
