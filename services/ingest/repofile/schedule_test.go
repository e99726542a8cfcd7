package repofile_test

import (
	"testing"
	"time"

	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

func TestTicksWhereClocksChange(t *testing.T) {
	tests := []struct {
		name, cron, zone string
		after            string
		want             []string // the next ticks, in the zone's time
	}{
		{"a time that is skipped comes once, at the change", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"a weekly one is not 14 days apart", "0 2 * * 0", "Europe/Berlin", "2026-03-22T02:00:00+01:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-04-05T02:00:00+02:00"}},
		{"a time that comes twice counts once", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"also for a start between the two", "30 2 * * *", "Europe/Berlin", "2026-10-25T02:10:00+01:00",
			[]string{"2026-10-26T02:30:00+01:00"}},
		{"two times that fall together are one tick", "0 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00+01:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"an interval follows the time that passes, in spring", "0 * * * *", "Europe/Berlin", "2026-03-29T00:30:00+01:00",
			[]string{"2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"}},
		{"and in autumn", "*/30 * * * *", "Europe/Berlin", "2026-10-25T02:00:00+02:00",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:00:00+01:00"}},
		{"midnight can be skipped", "@daily", "America/Santiago", "2026-09-05T12:00:00-04:00",
			[]string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"}},
		{"half an hour, on an island", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"a day that an island left out", "0 12 * * *", "Pacific/Apia", "2011-12-29T13:00:00-10:00",
			[]string{"2011-12-31T00:00:00+14:00", "2011-12-31T12:00:00+14:00"}},
		{"no changes at all", "0 3 * * *", "", "2026-03-29T03:00:00Z", []string{"2026-03-30T03:00:00Z"}},
		{"a date that never comes", "0 0 30 2 *", "Europe/Berlin", "2026-01-01T00:00:00Z", []string{""}},
		{"a leap day", "0 0 29 2 *", "", "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ticks, err := repofile.ParseSchedule(repofile.Schedule{Cron: tt.cron, Timezone: tt.zone})
			if err != nil {
				t.Fatal(err)
			}
			next := moment(t, tt.after)
			for _, want := range tt.want {
				next = ticks.Next(next)
				switch {
				case want == "" && next.IsZero():
				case want == "" || !next.Equal(moment(t, want)):
					t.Fatalf("got %v, want %q", next, want)
				}
			}
		})
	}
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Whatever the zone and the expression: ticks only go forward, and every day of
// ten years has its one.
func TestEveryDayHasOneTick(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Gaza"} {
		for _, cron := range []string{"30 2 * * *", "0 0 * * *", "59 1 * * *", "15 3 * * *", "30 23 * * *"} {
			ticks, err := repofile.ParseSchedule(repofile.Schedule{Cron: cron, Timezone: zone})
			if err != nil {
				t.Fatal(err)
			}
			last := moment(t, "2020-01-01T12:00:00Z")
			last = ticks.Next(last)
			for range 3650 {
				next := ticks.Next(last)
				if gap := next.Sub(last); gap < 22*time.Hour || gap > 26*time.Hour {
					t.Fatalf("%s in %s: %v follows %v", cron, zone, next, last)
				}
				last = next
			}
		}
	}
}
