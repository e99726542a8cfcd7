// Package notice words events for people: what happened, how grave it is, where
// to look, and what a commit status says of it.
//
// Texts are plain. Much in them was written by strangers, such as branch names
// and fio options, so every target escapes them for its own format.
package notice

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fiord-bench/fiord/events"
)

// Level says how grave a notice is.
type Level string

// The levels, from good to bad.
const (
	Good    Level = "good"
	Info    Level = "info"
	Warning Level = "warning"
	Bad     Level = "bad"
)

// Notice is one event, worded.
type Notice struct {
	// ID is the hash of target and event: equal for every repetition, so that
	// whoever is told can recognise one.
	ID string
	// Event that is told of.
	Event events.Event
	// Title is one line, at most 200 bytes.
	Title string
	// Text is what else there is to say, in lines; may be empty.
	Text   string
	Level  Level
	Fields []Field
	// URL of a page about it, "" when there is none.
	URL string
	// Bench by its name, "" when the event is about none.
	Bench string
	// Hosts that are at fault: a lost one, a run's, those whose figures shifted.
	Hosts []string
	// Verdict of a reported bench.
	Verdict events.Verdict
	// Shift that a reported regression belongs to, Recovered the one it ends.
	Shift, Recovered *events.Shift
	// Aside marks what concerns a bench that only confirms another: nobody is
	// told, but the other's status may say that it is waited for.
	Aside bool
	// Held marks a pull request that waits for approval.
	Held bool
	// Commit concerned, nil when no commit is or none is known.
	Commit *Commit
	// Status for that commit, nil when the event gives none.
	Status *Status
}

// Field is a fact with its name.
type Field struct{ Name, Value string }

// Commit says what was measured.
type Commit struct {
	Repo events.Repo
	// Ref in full, SHA the commit.
	Ref, SHA string
	// Pull request number, 0 when it is none.
	Pull int
}

// OwnerAndName splits the repository's name for the forges where it has two
// parts. Whatever could lead a URL elsewhere is a refusal: strangers name
// repositories.
func (c Commit) OwnerAndName() (owner, name string, err error) {
	parts, err := c.Path()
	if err == nil && len(parts) != 2 {
		err = Refusal("repository %q is not owner/name", c.Repo.Name)
	}
	if err != nil {
		return "", "", err
	}
	return parts[0], parts[1], nil
}

// Path splits the repository's name into its parts, however many.
func (c Commit) Path() ([]string, error) {
	parts := strings.Split(c.Repo.Name, "/")
	for _, part := range parts {
		if part == "" || part == "." || part == ".." {
			return nil, Refusal("repository %q is no path of names", c.Repo.Name)
		}
	}
	return parts, nil
}

// State is what a commit status says.
type State string

// The states. Every forge has fewer; each target maps them to its own.
const (
	Pending   State = "pending"
	Success   State = "success"
	Neutral   State = "neutral" // nothing was shown either way
	Failure   State = "failure" // the commit is at fault
	Error     State = "error"   // the measurement is at fault
	Cancelled State = "cancelled"
)

// WithUndecided is the notice with another state for what shows nothing either way,
// as a target wants it; empty leaves it.
func (n Notice) WithUndecided(state State) Notice {
	if s := n.Status; state != "" && s != nil && (s.State == Neutral || s.State == Cancelled) {
		other := *s
		other.State = state
		n.Status = &other
	}
	return n
}

// Final tells whether nothing follows.
func (s State) Final() bool { return s != Pending }

// Status is a commit status.
type Status struct {
	State State
	// Context tells the statuses of one commit apart: fiord/<bench name>.
	Context string
	// Description is one line.
	Description string
	// About is the bench or push; a pending status never follows a final one
	// of the same.
	About string
}

// OneLine makes text fit to stand on one line: control characters become
// spaces, and what exceeds limit bytes is cut at a rune, with an ellipsis.
func OneLine(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || isBidi(r) {
			return ' '
		}
		return r
	}, text)
	return Cut(strings.TrimSpace(text), limit)
}

// isBidi names the characters that make text read in another order than it is
// written, which disguises what a stranger wrote.
func isBidi(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// Cut shortens text to at most limit bytes, ellipsis included.
func Cut(text string, limit int) string {
	const ellipsis = "…"
	if len(text) <= limit {
		return text
	}
	if limit < len(ellipsis) {
		return ""
	}
	end := limit - len(ellipsis)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}
