package screen

import (
	"slices"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

func TestALineHasTheRatesOfEachSection(t *testing.T) {
	figures := func(iops float64, of ...string) *events.Figures {
		return &events.Figures{IOPS: iops, BandwidthBytes: iops * 4096, Sections: of}
	}
	two := []events.Section{{Name: "first", Read: figures(1000)}, {Name: "second", Read: figures(2000)}}
	for name, c := range map[string]struct {
		summary events.Summary
		want    []string
	}{
		"one section":       {events.Summary{Read: figures(1000), Sync: figures(10)}, []string{"read 1.00k IOPS 3.91 MiB/s", "sync 10 IOPS"}},
		"one after another": {events.Summary{Sections: two}, []string{"first read 1.00k IOPS 3.91 MiB/s", "second read 2.00k IOPS 7.81 MiB/s"}},
		"at once": {events.Summary{Sections: two, Read: figures(3000, "first", "second")},
			[]string{"first read 1.00k IOPS 3.91 MiB/s", "second read 2.00k IOPS 7.81 MiB/s", "together read 3.00k IOPS 11.7 MiB/s"}},
		"many": {events.Summary{Sections: slices.Concat(two, two, two)},
			[]string{"first read 1.00k IOPS 3.91 MiB/s", "second read 2.00k IOPS 7.81 MiB/s", "first read 1.00k IOPS 3.91 MiB/s", "second read 2.00k IOPS 7.81 MiB/s", "2 more"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := measured(c.summary); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}
