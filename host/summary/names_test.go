package summary_test

import (
	"slices"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/result"
)

// The contract and fio's formats know nothing of each other, and both name what a
// section did: a figure is found in an event by the name that it has in a result.
func TestEventsAndResultsNameSeriesAlike(t *testing.T) {
	if a, b := events.Directions(), result.Directions(); !slices.Equal(a, b) {
		t.Errorf("directions of events are %v, of results %v", a, b)
	}
	for _, section := range []string{"", "a", "a/b", "read"} {
		for _, direction := range events.Directions() {
			name := events.SeriesName(section, direction)
			if other := result.SeriesName(section, direction); other != name {
				t.Errorf("events say %q, results %q", name, other)
			}
			for _, split := range []func(string) (string, string){events.SplitSeries, result.SplitSeries} {
				if s, d := split(name); s != section || d != direction {
					t.Errorf("%q is taken apart into %q and %q", name, s, d)
				}
			}
		}
	}
}
