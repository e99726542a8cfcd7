// Package silence keeps people from being told of what somebody expects: a host
// under maintenance, a bench known to be noisy. A silence names what it is for,
// always ends, and says who asked for it and why.
package silence

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// MaxLength is how long a silence may last: what is expected for longer than a
// month is better left out by a target's filters.
const MaxLength = 30 * 24 * time.Hour

// Silence withholds the notices that all of its matchers match. An empty matcher
// matches everything; at least one is set. Matchers are patterns as in
// [path.Match]: * stands for any characters but a slash.
type Silence struct {
	ID string `json:"id"`
	// Target by its name in notify's configuration.
	Target string `json:"target,omitempty"`
	// Repo is owner/name.
	Repo string `json:"repo,omitempty"`
	// Bench by name, not by id.
	Bench string `json:"bench,omitempty"`
	// Host of a lost host, a run, or all that shifted in a report.
	Host string `json:"host,omitempty"`

	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// By is who silenced, Reason why.
	By     string `json:"by"`
	Reason string `json:"reason"`
	// ExpiredBy is who ended it before its time.
	ExpiredBy string `json:"expired_by,omitempty"`
}

// About is what a silence is held against.
type About struct {
	Target, Repo, Bench string
	// Hosts concerned; a silence of a host matches only if it matches them all.
	Hosts []string
}

// New completes a silence that starts at from, and checks it.
func New(s Silence, from time.Time) (Silence, error) {
	s.From = from.UTC()
	s.ID = events.HashID("silence", s.Target, s.Repo, s.Bench, s.Host, s.By, s.Reason, s.From.String())
	return s, s.Validate()
}

// Validate reports what is missing or cannot be meant.
func (s Silence) Validate() error {
	var errs []error
	set := 0
	for name, pattern := range s.matchers() {
		if pattern == "" {
			continue
		}
		set++
		if _, err := path.Match(pattern, ""); err != nil || len(pattern) > 300 {
			errs = append(errs, fmt.Errorf("%s %.80q is no pattern of at most 300 bytes", name, pattern))
		}
	}
	if set == 0 {
		errs = append(errs, errors.New("a silence names a target, repository, bench or host; '*' as the target silences everybody"))
	}
	switch length := s.Until.Sub(s.From); {
	case length <= 0:
		errs = append(errs, errors.New("a silence ends after it began: give its end or how long it lasts"))
	case length > MaxLength:
		errs = append(errs, fmt.Errorf("a silence lasts at most %s", MaxLength))
	}
	if strings.TrimSpace(s.By) == "" || len(s.By) > 300 {
		errs = append(errs, errors.New("a silence says who wants it, in at most 300 bytes"))
	}
	if strings.TrimSpace(s.Reason) == "" || len(s.Reason) > 1000 {
		errs = append(errs, errors.New("a silence says why, in at most 1000 bytes"))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func (s Silence) matchers() map[string]string {
	return map[string]string{"target": s.Target, "repository": s.Repo, "bench": s.Bench, "host": s.Host}
}

// Active tells whether the silence holds at a moment.
func (s Silence) Active(at time.Time) bool { return !at.Before(s.From) && at.Before(s.Until) }

// Matches tells whether the silence is about this.
func (s Silence) Matches(a About) bool {
	return matches(s.Target, a.Target) && matches(s.Repo, a.Repo) && matches(s.Bench, a.Bench) && s.matchesHosts(a.Hosts)
}

// matchesHosts wants all hosts under the silence: what another host saw as well
// is no work of the one under maintenance.
func (s Silence) matchesHosts(hosts []string) bool {
	if s.Host == "" {
		return true
	}
	return len(hosts) > 0 && !slices.ContainsFunc(hosts, func(h string) bool { return !matches(s.Host, h) })
}

func matches(pattern, name string) bool {
	if pattern == "" || pattern == "*" {
		return true
	}
	ok, _ := path.Match(pattern, name) // tried by Validate
	return ok
}

// String names what is silenced: bench=randread host=node-1.
func (s Silence) String() string {
	var parts []string
	for _, m := range [][2]string{{"target", s.Target}, {"repo", s.Repo}, {"bench", s.Bench}, {"host", s.Host}} {
		if m[1] != "" {
			parts = append(parts, m[0]+"="+m[1])
		}
	}
	return strings.Join(parts, " ")
}
