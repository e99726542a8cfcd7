package repofile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/fiord-bench/fiord/events"
)

// Changed lists the paths that a push changed. Known is false when that cannot
// be told and everything counts as changed.
type Changed func() (paths []string, known bool, err error)

// Wants tells whether a push starts the benches; if not, the reason says which
// filter it did not pass. Changed is called only if paths matter.
func (f *File) Wants(p events.Push, changed Changed) (ok bool, reason string, err error) {
	branches, paths, reason := f.filters(p)
	if reason != "" {
		return false, reason, nil
	}
	name := p.Branch()
	switch {
	case p.Pull != nil:
		name = p.Pull.Base
	case p.Tag() != "":
		name = p.Tag()
	}
	if len(branches) > 0 && !Match(branches, name) {
		return false, fmt.Sprintf("%s matches none of %s", name, strings.Join(branches, ", ")), nil
	}
	if len(paths) == 0 || p.Tag() != "" {
		return true, "", nil
	}
	list, known, err := changed()
	if err != nil || !known {
		return err == nil, "", err
	}
	if slices.ContainsFunc(list, func(path string) bool { return Match(paths, path) }) {
		return true, "", nil
	}
	return false, fmt.Sprintf("none of the %d changed paths matches %s", len(list), strings.Join(paths, ", ")), nil
}

// filters picks the patterns that a push is held against, or says why none are.
func (f *File) filters(p events.Push) (names, paths []string, reason string) {
	on := f.On
	if on == nil {
		on = &On{Push: &Push{}}
	}
	switch {
	case p.Pull != nil && on.PullRequest == nil:
		return nil, nil, "on.pull_request is not set"
	case p.Pull != nil:
		return on.PullRequest.Branches, on.PullRequest.Paths, ""
	case on.Push == nil:
		return nil, nil, "on.push is not set"
	case p.Tag() != "" && len(on.Push.Tags) == 0:
		return nil, nil, "on.push.tags is not set"
	case p.Tag() != "":
		return on.Push.Tags, on.Push.Paths, ""
	case p.Branch() == "":
		return nil, nil, p.Ref + " is neither a branch nor a tag"
	case len(on.Push.Branches) == 0 && len(on.Push.Tags) > 0:
		return nil, nil, "on.push has tags and no branches"
	}
	return on.Push.Branches, on.Push.Paths, ""
}

// Match holds a name against patterns in their order; the last one that fits
// decides, and a pattern that starts with ! decides against.
func Match(patterns []string, name string) bool {
	matched := false
	for _, p := range patterns {
		glob, negated := strings.CutPrefix(p, "!")
		if fits, err := doublestar.Match(glob, name); err == nil && fits {
			matched = !negated
		}
	}
	return matched
}

// skipMarkers in a commit's message ask for nothing to be done.
var skipMarkers = [...]string{"[skip fiord]", "[skip ci]", "[ci skip]"}

// Skips returns the marker that a commit's message skips with, or "".
func Skips(message string) string {
	lower := strings.ToLower(message)
	for _, m := range skipMarkers {
		if strings.Contains(lower, m) {
			return m
		}
	}
	return ""
}
