package place

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/constraint"
)

// The rules that problems name.
const (
	RuleSyntax  = "syntax"  // a constraint can't be read
	RuleTargets = "targets" // the targets contradict themselves or name nothing
	RuleMatrix  = "matrix"  // the matrix can't be expanded
	RuleMiss    = "miss"    // a host doesn't meet a constraint
	RuleAbsent  = "absent"  // a host or pool hasn't announced itself
)

// Unplaced says why nobody can measure a bench. Its problems go into
// bench.unplaced as they are.
type Unplaced struct {
	// Problems, nearest misses first, at most MaxProblems.
	Problems []events.Problem
	// Absent says that workers may only not have announced themselves yet, as
	// when everything has just been started: trying again soon makes sense.
	Absent bool
}

// MaxProblems is how many the event takes.
const MaxProblems = 50

// Error lists the problems.
func (u *Unplaced) Error() string {
	parts := make([]string, len(u.Problems))
	for i, p := range u.Problems {
		parts[i] = p.Message
	}
	return "unplaced: " + strings.Join(parts, "; ")
}

func refuse(rule, option, format string, args ...any) *Unplaced {
	return &Unplaced{Problems: []events.Problem{{Rule: rule, Option: option, Message: clip(fmt.Sprintf(format, args...))}}}
}

// clip holds a message to what a problem may carry.
func clip(s string) string {
	const limit = 1000
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

// Exclusion is a host that the targets selected and that doesn't measure.
type Exclusion struct {
	// Host by name.
	Host string
	// Misses are the constraints it doesn't meet; empty for other reasons.
	Misses []constraint.Miss
	// Why in a few words.
	Why string
	// Absent: no worker beats under that name, and one may yet.
	Absent bool
}

// nobody is the error of a selector that matched too few hosts. It says how
// many meet each constraint, and then what each host misses, those first that
// missed by the fewest constraints.
func nobody(selector string, where constraint.Set, excluded []Exclusion) *Unplaced {
	slices.SortStableFunc(excluded, func(a, b Exclusion) int {
		return cmp.Or(cmp.Compare(distance(a), distance(b)), cmp.Compare(a.Host, b.Host))
	})
	u := refuse(RuleTargets, "", "%s: none of %d hosts will do%s", selector, len(excluded), tally(where, excluded))
	u.Absent = true
	for _, e := range excluded {
		u.Absent = u.Absent && e.Absent
		for _, p := range e.Problems() {
			if len(u.Problems) == MaxProblems {
				return u
			}
			u.Problems = append(u.Problems, p)
		}
	}
	return u
}

// tally says by how many hosts each constraint is missed, which tells the one
// that is too much to ask from those that many meet. With one host, or one
// constraint, it would say nothing new.
func tally(where constraint.Set, excluded []Exclusion) string {
	var parts []string
	judged := 0
	for _, e := range excluded {
		if len(e.Misses) > 0 {
			judged++
		}
	}
	if judged < 2 {
		return ""
	}
	for _, c := range where {
		missed := 0
		for _, e := range excluded {
			if slices.ContainsFunc(e.Misses, func(m constraint.Miss) bool { return m.Constraint == c.String() }) {
				missed++
			}
		}
		if missed > 0 {
			parts = append(parts, fmt.Sprintf("%d miss %s", missed, c))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// distance ranks exclusions: hosts with few misses first, hosts that can't be
// judged last.
func distance(e Exclusion) int {
	if len(e.Misses) == 0 {
		return 1 << 20
	}
	return len(e.Misses)
}

// Problems says why, in one problem for each constraint that is missed.
func (e Exclusion) Problems() []events.Problem {
	if len(e.Misses) == 0 {
		return []events.Problem{{Rule: RuleAbsent, Message: clip(e.Host + ": " + e.Why)}}
	}
	problems := make([]events.Problem, len(e.Misses))
	for i, m := range e.Misses {
		problems[i] = events.Problem{Rule: RuleMiss, Option: m.Constraint, Message: clip(e.Host + ": " + m.Why + ", wanted " + m.Constraint)}
	}
	return problems
}
