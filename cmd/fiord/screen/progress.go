package screen

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/events"
)

// Progress shows a bench while it runs. It is not safe for concurrent use.
type Progress interface {
	// Show brings the display up to date.
	Show(b *follow.Bench)
	// Done leaves the screen to whoever writes next.
	Done()
}

// barWidth is the length of a bar in characters; maxActive how many runs are
// shown at once, since a bench may have a thousand hosts.
const (
	barWidth  = 24
	maxActive = 8
)

// Bars redraws a few lines in place: one per active run and one for the bench.
// width asks for the terminal's width at each drawing.
func Bars(w io.Writer, width func() int) Progress { return &bars{w: w, width: width} }

type bars struct {
	w     io.Writer
	width func() int
	drawn int // lines on the screen that are ours
}

func (s *bars) Show(b *follow.Bench) {
	lines := draw(b)
	var out strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&out, "\x1b[%dA", s.drawn)
	}
	for _, line := range lines {
		out.WriteString("\r\x1b[K" + clip(line, s.width()-1) + "\n")
	}
	out.WriteString("\x1b[J") // fewer lines than before
	_, _ = io.WriteString(s.w, out.String())
	s.drawn = len(lines)
}

func (s *bars) Done() {
	if s.drawn > 0 {
		_, _ = fmt.Fprintf(s.w, "\x1b[%dA\r\x1b[J", s.drawn)
	}
	s.drawn = 0
}

func draw(b *follow.Bench) []string {
	var lines []string
	running := active(b)
	if b.Second != nil {
		running = append(running, active(b.Second)...)
	}
	for _, r := range running[:min(len(running), maxActive)] {
		if len(running) <= maxActive/2 { // room for two lines each
			lines = append(lines, label(r), "  "+stateOf(r))
		} else {
			lines = append(lines, runLine(r))
		}
	}
	if more := len(running) - maxActive; more > 0 {
		lines = append(lines, fmt.Sprintf("  and %s more", Plural(more, "run")))
	}
	return append(lines, benchLine(b))
}

// active runs are under way: started, or shown and not ended.
func active(b *follow.Bench) []*follow.Run {
	return slices.DeleteFunc(b.Runs(), func(r *follow.Run) bool {
		return r.State.Final() || r.State == "" && (r.Progress.At.IsZero() || r.Progress.Phase == "ended")
	})
}

func runLine(r *follow.Run) string { return label(r) + "  " + stateOf(r) }

// stateOf says how far a run is and how fast it goes.
func stateOf(r *follow.Run) string {
	p := r.Progress
	var parts []string
	if p.Phase == "running" && p.Percent >= 0 {
		parts = append(parts, bar(p.Percent))
	} else if p.Phase != "" {
		parts = append(parts, Clean(p.Phase))
	}
	if p.ETA > 0 {
		parts = append(parts, Seconds(p.ETA.Std())+" left")
	}
	if p.Phase == "running" {
		parts = append(parts, rates(p)...)
	}
	if len(parts) == 0 {
		return "starting"
	}
	return strings.Join(parts, "  ")
}

func rates(p events.Progress) []string {
	var parts []string
	for _, direction := range slices.SortedFunc(maps.Keys(p.IOPS), byDirection) {
		if p.IOPS[direction] == 0 && len(p.IOPS) > 1 {
			continue
		}
		text := fmt.Sprintf("%s %s IOPS %s", Clean(direction), IOPS(p.IOPS[direction]), Bandwidth(p.BandwidthBytes[direction]))
		if latency := p.LatencyNS[direction]; latency > 0 {
			text += " " + Nanoseconds(latency)
		}
		parts = append(parts, text)
	}
	return parts
}

func byDirection(a, b string) int {
	return cmp.Compare(slices.Index(follow.Directions(), a), slices.Index(follow.Directions(), b))
}

func bar(percent float64) string {
	percent = min(max(percent, 0), 100)
	full := int(percent / 100 * barWidth)
	return fmt.Sprintf("[%s%s] %3.0f%%", strings.Repeat("=", full), strings.Repeat(".", barWidth-full), percent)
}

// again says how far a second look is.
func again(b *follow.Bench) string {
	n := b.Counts()
	if n.Planned == 0 {
		return "waiting to be placed"
	}
	return fmt.Sprintf("%d of %s ended", n.Ended(), Plural(n.Planned, "run"))
}

func benchLine(b *follow.Bench) string {
	n := b.Counts()
	switch {
	case b.Placed == nil && len(b.Runs()) == 0:
		return Clean(b.Name()) + ": waiting to be placed"
	case n.Planned == 0:
		return fmt.Sprintf("%s: %s ended", Clean(b.Name()), Plural(n.Ended(), "run"))
	case b.Second != nil && b.Second.End == nil:
		return fmt.Sprintf("%s: regressed at first, measuring again to confirm: %s", Clean(b.Name()), again(b.Second))
	case n.Ended() >= n.Planned:
		return fmt.Sprintf("%s: %s ended, drawing and comparing", Clean(b.Name()), Plural(n.Planned, "run"))
	}
	line := fmt.Sprintf("%s: %d of %s ended", Clean(b.Name()), n.Ended(), Plural(n.Planned, "run"))
	if bad := n.Ended() - n.Completed; bad > 0 {
		line += fmt.Sprintf(", %d of them not completed", bad)
	}
	return line
}

// clip cuts a line to width characters, so that it never wraps.
func clip(line string, width int) string {
	if width <= 0 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width-1]) + "…"
}

// Lines writes a line when something happens, and each running run's state at
// most once per interval: for logs and pipes.
func Lines(w io.Writer, interval time.Duration, now func() time.Time) Progress {
	return &lines{w: w, interval: interval, now: now, states: map[string]follow.State{}, shown: map[string]time.Time{}}
}

type lines struct {
	w        io.Writer
	interval time.Duration
	now      func() time.Time
	placed   bool
	again    bool // the second look was told
	states   map[string]follow.State
	shown    map[string]time.Time
}

func (s *lines) Show(b *follow.Bench) {
	if b.Placed != nil && !s.placed {
		s.placed = true
		s.line("%s: placed on %s, %s", Clean(b.Name()), Plural(b.Placed.Slots, "slot"), Plural(b.Placed.Runs, "run"))
	}
	runs := b.Runs()
	if b.Second != nil {
		if !s.again {
			s.again = true
			s.line("%s: regressed at first, measuring again to confirm, as bench %s", Clean(b.Name()), b.Second.ID)
		}
		runs = append(runs, b.Second.Runs()...)
	}
	for _, r := range runs {
		if r.State != "" && s.states[r.Run] != r.State {
			s.states[r.Run], s.shown[r.Run] = r.State, s.now()
			s.line("%s: %s%s", label(r), r.State, result(r))
		}
		if !r.State.Final() && r.Progress.Phase == "running" && s.now().Sub(s.shown[r.Run]) >= s.interval {
			s.shown[r.Run] = s.now()
			s.line("%s", runLine(r))
		}
	}
}

func (s *lines) Done() {}

func (s *lines) line(format string, args ...any) { _, _ = fmt.Fprintf(s.w, format+"\n", args...) }

// result is what is worth saying of a run that has just ended.
func result(r *follow.Run) string {
	if r.Result == nil {
		if r.Reason == "" {
			return ""
		}
		return ": " + indent(r.Reason)
	}
	parts := measured(r.Result.Summary)
	if state := r.Result.Integrity.State; state != events.IntegrityOK {
		parts = append(parts, "integrity "+string(state))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// maxShown is how many rates stand in one line.
const maxShown = 4

// measured lists the rates of a run, those of each section where it has several.
func measured(s events.Summary) []string {
	names := s.Directions()
	var parts []string
	for _, name := range names[:min(len(names), maxShown)] {
		section, direction := events.SplitSeries(name)
		if section == "" && len(s.Sections) > 1 {
			section = "together"
		}
		f := s.Direction(name)
		text := strings.TrimSpace(section + " " + direction + " " + IOPS(f.IOPS) + " IOPS")
		if direction != "sync" { // moves no bytes
			text += " " + Bandwidth(f.BandwidthBytes)
		}
		parts = append(parts, text)
	}
	if more := len(names) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return parts
}
