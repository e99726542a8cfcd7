package repofile

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Ticks are the times that a schedule names, in its time zone.
//
// Where clocks change, they follow Debian's cron. A time of day that is skipped
// comes once, at the moment of the change; one that comes twice counts the first
// time. Expressions whose minute or hour begins with * mean an interval rather
// than a time of day: they follow the time that passes, so that an hour which
// comes twice has their ticks twice, and a skipped one has none.
type Ticks struct {
	cron     cron.Schedule
	zone     *time.Location
	interval bool
}

// ParseSchedule reads a cron expression in its time zone.
func ParseSchedule(s Schedule) (Ticks, error) {
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return Ticks{}, fmt.Errorf("timezone %q is not known: use a name such as Europe/Berlin", abbreviate(s.Timezone))
	}
	if strings.Contains(s.Cron, "TZ=") {
		return Ticks{}, errors.New("the expression must not hold a time zone: use timezone")
	}
	if strings.HasPrefix(s.Cron, "@every") {
		return Ticks{}, errors.New("@every counts from a start that replicas do not share: use five fields, such as 0 3 * * *")
	}
	parsed, err := cron.ParseStandard(s.Cron)
	if err != nil {
		return Ticks{}, fmt.Errorf("%q is no cron expression: %w; five fields are wanted, such as 0 3 * * *", abbreviate(s.Cron), err)
	}
	return Ticks{cron: parsed, zone: zone, interval: isInterval(s.Cron)}, nil
}

// isInterval reports whether the minute or the hour of an expression is a *.
func isInterval(expression string) bool {
	fields := strings.Fields(expression)
	if len(fields) < 2 {
		return expression == "@hourly"
	}
	return strings.HasPrefix(fields[0], "*") || strings.HasPrefix(fields[1], "*")
}

// Next returns the first tick after a time; the zero time if there is none
// within five years, as for the 30th of February.
func (t Ticks) Next(after time.Time) time.Time {
	if t.interval {
		return t.cron.Next(after.In(t.zone))
	}
	// Clocks change by less than a day: what follows the day before the change
	// includes what the change moved.
	wall := wallOf(after.In(t.zone)).Add(-24 * time.Hour)
	for {
		if wall = t.cron.Next(wall); wall.IsZero() {
			return wall
		}
		if tick := t.at(wall); tick.After(after) {
			return tick
		}
	}
}

// wallOf is what a clock on the wall shows, as if there were no time zones.
func wallOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// at is the first moment at which a clock on the wall shows a time, or the moment
// of the change that made it skip that time.
func (t Ticks) at(wall time.Time) time.Time {
	before, after := t.offset(wall.Add(-24*time.Hour)), t.offset(wall.Add(24*time.Hour))
	early, late := wall.Add(-max(before, after)), wall.Add(-min(before, after))
	for _, moment := range []time.Time{early, late} {
		if wallOf(moment.In(t.zone)).Equal(wall) {
			return moment.In(t.zone)
		}
	}
	change, _ := late.In(t.zone).ZoneBounds()
	return change
}

// offset is by how much the zone's clocks are ahead of UTC at about a time.
func (t Ticks) offset(about time.Time) time.Duration {
	_, seconds := about.In(t.zone).Zone()
	return time.Duration(seconds) * time.Second
}
