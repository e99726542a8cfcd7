package laidout

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/fiord-bench/fiord/host/guard"
)

// Policy is what becomes of files that jobs laid out, by the owner's setting.
type Policy string

// The policies.
const (
	Reclaim Policy = "reclaim" // reused by name; removed when another job needs the space
	Remove  Policy = "remove"  // removed once the list that made them has been worked through
	Keep    Policy = "keep"    // reused by name; named when a job is refused for want of space
)

// Policies are all there are.
func Policies() []Policy { return []Policy{Reclaim, Remove, Keep} }

// Leftovers sums up what earlier jobs left on a file system (by its number), but
// for the files named, which the next job reuses.
func (l *Ledger) Leftovers(system uint64, but map[string]bool) guard.Leftovers {
	idle := l.Idle(system, but)
	left := guard.Leftovers{Removable: l.policy != Keep, Inodes: uint64(len(idle))}
	var paths []string
	for _, f := range idle {
		left.Bytes += f.Bytes
		if !f.Folder {
			paths = append(paths, f.Path)
		}
	}
	if len(paths) == 0 {
		return left
	}
	const named = 5
	more := ""
	if n := len(paths) - named; n > 0 {
		paths, more = paths[:named], fmt.Sprintf(" (and %d more)", n)
	}
	left.Remedy = fmt.Sprintf("earlier jobs laid out files of %d MiB there that no run uses: rm -- %s%s", (left.Bytes+1<<19)>>20, strings.Join(quoted(paths), " "), more)
	if l.policy == Keep {
		left.Remedy += ", or set leftovers: reclaim"
	}
	return left
}

// Freed is what MakeRoom removed from one file system.
type Freed struct {
	Files int
	Bytes uint64
}

// MakeRoom removes what earlier jobs laid out, from what was used longest ago,
// until a run fits that the guard let through for that.
func (l *Ledger) MakeRoom(g guard.Grant) (freed []Freed, err error) {
	for _, lack := range g.Short {
		var paths []string
		bytes, inodes := uint64(0), uint64(0)
		for _, f := range l.Idle(lack.System, g.Files) {
			if bytes >= lack.Bytes && inodes >= lack.Inodes {
				break
			}
			paths = append(paths, f.Path)
			bytes, inodes = bytes+f.Bytes, inodes+1
		}
		removed, err := l.Remove(paths)
		freed = append(freed, Freed{Files: len(removed), Bytes: bytes})
		if err != nil {
			return freed, fmt.Errorf("make room: %w", err)
		}
	}
	return freed, nil
}

// Tidy removes what the jobs of a bench made, of all benches if it is "", if the
// owner wants that. It returns what it removed.
func (l *Ledger) Tidy(bench string) (removed []string, err error) {
	if l.policy != Remove {
		return nil, nil
	}
	return l.Remove(l.Of(bench))
}

// quoted writes paths as a shell takes them for themselves: jobs chose the names,
// and a person may paste the line.
func quoted(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		if strings.ContainsFunc(p, unicode.IsControl) {
			p = strconv.Quote(p)[1:] // a terminal must not run it, $'...' reads it
			out[i] = "$'" + strings.ReplaceAll(p[:len(p)-1], "'", `\'`) + "'"
			continue
		}
		out[i] = "'" + strings.ReplaceAll(p, "'", `'\''`) + "'"
	}
	return out
}
