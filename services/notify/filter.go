package notify

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify/notice"
)

var errOneAddress = errors.New("url and webhook_file or webhook_env: exactly one must be set")

// filter decides which notices one target gets.
type filter struct {
	types    []events.Type
	verdicts []events.Verdict // nil for all
	repos    []string         // patterns of path.Match, nil for all
	forges   []string         // nil where no commit status is written
	hosts    []string         // of the forge, in lower case
	ignored  bool             // also pushes that ask for nothing, not only held ones
}

// newFilter reads a target's filters and reports what matches nothing.
func newFilter(t Target, k kind) (filter, error) {
	f := filter{types: k.on, verdicts: k.verdicts, repos: t.Repos, forges: k.forges}
	var errs []error
	if len(t.On) > 0 {
		f.types = nil
	}
	f.ignored = !k.isForge() || slices.Contains(t.On, "push.ignored")
	for _, name := range t.On {
		typ := events.Type("dev.fiord." + name + ".v1")
		if !slices.Contains(notice.Types(), typ) {
			errs = append(errs, fmt.Errorf("on: %q is nothing to tell of, want some of %s", name, strings.Join(typeNames(), ", ")))
			continue
		}
		f.types = append(f.types, typ)
	}
	if len(t.Verdicts) > 0 {
		f.verdicts = nil
	}
	for _, name := range t.Verdicts {
		if !slices.Contains(allVerdicts, events.Verdict(name)) {
			errs = append(errs, fmt.Errorf("verdicts: %q is none of %v", name, allVerdicts))
		}
		f.verdicts = append(f.verdicts, events.Verdict(name))
	}
	for _, pattern := range t.Repos {
		if _, err := path.Match(pattern, ""); err != nil {
			errs = append(errs, fmt.Errorf("repos: pattern %q: %w", pattern, err))
		}
	}
	if k.isForge() {
		hosts := t.Hosts
		if len(hosts) == 0 {
			hosts = []string{k.host(t)}
		}
		for _, h := range hosts {
			f.hosts = append(f.hosts, strings.ToLower(h))
		}
	}
	return f, errors.Join(errs...)
}

var allVerdicts = []events.Verdict{
	events.VerdictImproved, events.VerdictUnchanged, events.VerdictRegressed, events.VerdictInconclusive,
	events.VerdictInvalid, events.VerdictFailed, events.VerdictBaseline,
}

func typeNames() (names []string) {
	for _, t := range notice.Types() {
		names = append(names, t.Noun()+"."+t.Verb())
	}
	return names
}

// wants tells whether the target gets the notice. Types were matched by the
// subscription.
func (f filter) wants(n notice.Notice) bool {
	if n.Aside && f.forges == nil || n.Event.Type == events.TypePushIgnored && !n.Held && !f.ignored {
		return false
	}
	if n.Verdict != "" && !f.wantsVerdict(n) {
		return false
	}
	if f.repos != nil && (n.Commit == nil || !f.matchesRepo(n.Commit.Repo.Name)) {
		return false
	}
	if f.forges == nil {
		return true
	}
	return n.Status != nil && n.Commit != nil && f.isHere(n.Commit.Repo)
}

// wantsVerdict lets through that a regression is over for whoever is told of
// regressions, whatever the verdict of the figures that are back.
func (f filter) wantsVerdict(n notice.Notice) bool {
	return f.verdicts == nil || slices.Contains(f.verdicts, n.Verdict) ||
		n.Recovered != nil && slices.Contains(f.verdicts, events.VerdictRegressed)
}

func (f filter) matchesRepo(name string) bool {
	return slices.ContainsFunc(f.repos, func(pattern string) bool {
		ok, _ := path.Match(pattern, name) // the pattern was tried at the start
		return ok
	})
}

// isHere tells whether a repository is at the forge that the target's token is
// for. A name alone proves nothing: every forge may have an acme/web.
func (f filter) isHere(r events.Repo) bool {
	return slices.Contains(f.forges, r.Forge) && slices.Contains(f.hosts, hostOf(r.CloneURL))
}

// hostOf is the host of a clone URL, in URL form or as git@host:path; "" if
// there is none.
func hostOf(clone string) string {
	if u, err := url.Parse(clone); err == nil && u.Host != "" {
		return strings.ToLower(u.Hostname())
	}
	before, _, ok := strings.Cut(clone, ":")
	if !ok || strings.Contains(before, "/") {
		return ""
	}
	_, host, at := strings.Cut(before, "@")
	if !at {
		host = before
	}
	return strings.ToLower(host)
}

// apiHost finds the host of repositories from the address of the API: the same,
// except for forges whose API has a host of its own.
func apiHost(api, repos string) func(Target) string {
	return func(t Target) string {
		u, err := url.Parse(t.URL)
		if err != nil || u.Hostname() == "" || u.Hostname() == api {
			return repos
		}
		return u.Hostname()
	}
}

// sorted puts errors into the order of their words, since maps have none.
func sorted(errs []error) []error {
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errs
}
