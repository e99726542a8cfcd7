package verdict

import (
	"fmt"
	"slices"
	"strings"
)

// Class is what a run was measured on, as fingerprints.
func (r Run) Class() string { return r.HostClass + "/" + r.DeviceClass }

// known tells whether every run of a bench has its host's fingerprint. Those of
// old, and results from elsewhere, have none, and are held against others by
// their host's name alone.
func known(b Bench) bool {
	return !slices.ContainsFunc(b.Runs, func(r Run) bool { return r.HostClass == "" })
}

// environment says what changed of hosts and devices on which both benches
// measured the same point, "" for nothing.
func environment(before, after Bench) string {
	type place struct{ job, point, host string }
	old := map[place]Run{}
	for _, r := range before.Runs {
		old[place{r.Job, r.Point, r.Host}] = r
	}
	var said []string
	for _, r := range after.Runs {
		was, ok := old[place{r.Job, r.Point, r.Host}]
		if !ok || was.HostClass == "" || r.HostClass == "" {
			continue
		}
		if was.HostClass != r.HostClass {
			said = append(said, fmt.Sprintf("%s: host %s → %s", r.Host, was.HostClass, r.HostClass))
		}
		if was.DeviceClass != r.DeviceClass {
			said = append(said, fmt.Sprintf("%s: device %s → %s", r.Host, was.DeviceClass, r.DeviceClass))
		}
	}
	slices.Sort(said)
	said = slices.Compact(said)
	if more := len(said) - 3; more > 0 {
		said = append(said[:3], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(said, ", ")
}
