// Package history is what plot remembers of the benches of one name on one ref
// of one repository, and the rule that picks a baseline among them.
//
// The document archive/history/<id>.json holds it. Baselines are looked up in
// it, trends drawn from it, and `fiord gc` asks it what has to stay: whoever
// removes old benches must follow the same rule as who compares with them, so
// the rule is here and nowhere else.
package history

import (
	"slices"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
)

// Folder is where histories are kept, below the archive's prefix.
const Folder = "history"

// Max bounds how many benches a history keeps: the newest.
const Max = 500

// History is the benches of one name on one ref of one repository, oldest
// first.
type History struct {
	Repo    string  `json:"repo"`
	Name    string  `json:"name"`
	Ref     string  `json:"ref"`
	Entries []Entry `json:"entries"`
	// Open is the shift that has been told and is not over; nil if there is none.
	Open *Open `json:"open,omitempty"`
	// Successor is the key of the document that took this one's place: the history
	// is kept there, under the forge's id of the repository.
	Successor string `json:"successor,omitempty"`
}

// Entry is one bench that was reported.
type Entry struct {
	Bench   string         `json:"bench"`
	Commit  string         `json:"commit"`
	At      time.Time      `json:"at"`
	Verdict events.Verdict `json:"verdict"`
	// Accepted by a person as the new baseline, whatever the verdict.
	Accepted bool `json:"accepted,omitempty"`
	// Shift is the bench that first told the shift which was open after this one.
	Shift string `json:"shift,omitempty"`
	// Unconfirmed results regressed, and did not, or could not be, when they were
	// to be measured again: too slow to be believed, and so to be held against.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
}

// Key is where the history of a bench's name on a ref is kept.
func Key(repo, name, ref string) string {
	return artifacts.ArchiveKey(Folder, events.HashID(Folder, repo, name, ref))
}

// Keys are where the history of a bench's name is kept: under the name of the
// repository whose commit asked for it, and under the forge's id of it, empty where
// that is not known. A bench that no commit asked for has no repository.
func Keys(name string, o *events.Origin) (byName, byID string) {
	if o == nil {
		return Key("", name, ""), ""
	}
	if r := o.Repo; r.ID != "" {
		byID = artifacts.ArchiveKey(Folder, events.HashID(Folder, "id", r.Forge, r.ID, name, o.Ref))
	}
	return Key(o.Repo.Name, name, o.Ref), byID
}

// Add appends a bench; it returns false if the bench is there already.
func (h *History) Add(e Entry) bool {
	for _, known := range h.Entries {
		if known.Bench == e.Bench {
			return false
		}
	}
	h.Entries = append(h.Entries, e)
	h.Entries = h.Entries[max(0, len(h.Entries)-Max):]
	return true
}

// Accept marks a bench as the baseline from now on; it returns false if that
// changes nothing. A shift that the bench is part of is over then.
func (h *History) Accept(bench string) bool {
	for i := range h.Entries {
		if h.Entries[i].Bench == bench && !h.Entries[i].Accepted {
			h.Entries[i].Accepted = true
			if h.Open != nil && h.Open.Since == h.Entries[i].Shift {
				h.Open = nil
			}
			return true
		}
	}
	return false
}

// serves tells whether a later bench may be held against this one. What
// regressed doesn't serve until somebody accepts it: or else each shift would
// be forgotten after one report. Nor does what cannot be told from it while the
// shift is open, or what was slow and nobody knows why.
func (e Entry) serves() bool {
	switch {
	case e.Accepted:
		return true
	case e.Unconfirmed:
		return false
	}
	switch e.Verdict {
	case events.VerdictFailed, events.VerdictInvalid, events.VerdictRegressed:
		return false
	case events.VerdictInconclusive:
		return e.Shift == ""
	default:
		return true
	}
}

// Newest returns the newest bench that may serve as a baseline, other than the
// one to be judged; empty if there is none.
func (h History) Newest(not string) string {
	for i := len(h.Entries) - 1; i >= 0; i-- {
		if e := h.Entries[i]; e.serves() && e.Bench != not {
			return e.Bench
		}
	}
	return ""
}

// MaxSessions is how many benches a level is estimated from at most, with those
// that tell whether it has moved.
const MaxSessions = 80

// Sessions are the benches that a bench is held against, oldest first: those
// reported before it, since a person last accepted one.
func (h History) Sessions(not string) []Entry {
	list := h.Entries
	for i, e := range list {
		if e.Bench == not {
			list = list[:i]
			break
		}
	}
	list = list[max(0, len(list)-MaxSessions):]
	for i, e := range slices.Backward(list) {
		if e.Accepted {
			return list[i:]
		}
	}
	return list
}

// Baselines are the benches whose runs must stay: the one that the next bench
// is held against, and all that a person accepted.
func (h History) Baselines() []string {
	var ids []string
	newest := h.Newest("")
	for _, e := range h.Entries {
		if e.Accepted || e.Bench == newest {
			ids = append(ids, e.Bench)
		}
	}
	return ids
}
