package repos

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
)

// Requests are the types that a rule about people or tokens can let them make.
func Requests() []events.Type {
	var types []events.Type
	for _, t := range events.Types() {
		if zero, err := events.Zero(t); err == nil {
			if _, asks := zero.(events.Requesting); asks {
				types = append(types, t)
			}
		}
	}
	return types
}

// Refused is why the policy does not let a request through.
type Refused struct{ Reason string }

func (e *Refused) Error() string { return e.Reason }

func refuse(format string, args ...any) error { return &Refused{fmt.Sprintf(format, args...)} }

// everything is the rule of who could change the policy anyway.
func everything() Rule {
	all := []string{"**"}
	return Rule{
		People: all, SpeaksFor: all, Pools: all, Hosts: all, Groups: all, Volumes: all, VolumeDrivers: all,
		VolumeOptions: VolumeOptions{All: true}, URLs: []string{""},
	}
}

// Strict tells whether an operator has written the policy. Without one, on a
// machine of one's own, a request need not say who makes it.
func (p *Policy) Strict() bool { return !p.open }

// Person finds the first rule about a person; the administrator may do
// everything.
func (p *Policy) Person(name string) (Rule, bool) {
	if p.open || name == events.Administrator {
		return everything(), true
	}
	return p.find(func(r Rule) []string { return r.People }, name)
}

// Token finds the first rule about a token.
func (p *Policy) Token(name string) (Rule, bool) {
	if p.open {
		return everything(), true
	}
	return p.find(func(r Rule) []string { return r.Tokens }, name)
}

func (p *Policy) find(globs func(Rule) []string, name string) (Rule, bool) {
	for _, r := range p.rules {
		if matches(globs(r), name) {
			return r, true
		}
	}
	return Rule{}, false
}

// Judge finds the rule by which a request is judged, and tells whether its
// requester may make it at all, for a repository if it is about one. What a
// bench asks for is left to [Rule.Check]. The right of a confirmation follows
// from the bench that it confirms, which the caller knows: it is refused here.
// The error is a *Refused.
func (p *Policy) Judge(d events.Requesting, repo *events.Repo) (Rule, error) {
	by := d.RequestedBy()
	if by == nil {
		if p.open {
			return everything(), nil
		}
		return Rule{}, refuse("%s does not say who asks for it, and the operator's policy has no rule for that: "+
			"send it with the fiord command or a token, or set requester", d.EventType().Short())
	}
	switch by.Right {
	case events.RightPerson, events.RightRerun:
		rule, known := p.Person(by.Name)
		return rule, p.may(rule, known, "person", d.EventType(), by.Name, repo)
	case events.RightToken:
		rule, known := p.Token(by.Name)
		return rule, p.may(rule, known, "token", d.EventType(), by.Name, repo)
	case events.RightRepository, events.RightSchedule:
		return p.repository(d, by.Right, repo)
	}
	return Rule{}, refuse("%s is asked for by the right of a %s, which it cannot have", d.EventType().Short(), by.Right)
}

func (p *Policy) repository(d events.Requesting, right events.Right, repo *events.Repo) (Rule, error) {
	if repo == nil {
		if d.EventType() == events.TypeDiscoveryRequested && right == events.RightSchedule {
			return everything(), nil // inventory's own settings
		}
		return Rule{}, refuse("%s is asked for by the right of a %s and names no repository", d.EventType().Short(), right)
	}
	rule, known := p.For(repo.Forge, repo.Name)
	if !known {
		return Rule{}, refuse("repository %s of %s isn't in the operator's repos.yaml", repo.Name, repo.Forge)
	}
	return rule, nil
}

// may tells whether somebody with a rule may make a request of a type.
func (p *Policy) may(rule Rule, known bool, kind string, t events.Type, name string, repo *events.Repo) error {
	if !known {
		return refuse("no rule of the operator's repos.yaml is about %s %q: ask for one", kind, name)
	}
	if p.open || kind == "person" && name == events.Administrator {
		return nil
	}
	if !rule.May(t) {
		return refuse("%s %q may not make a %s (the rule allows %s): ask the operator to add it to may", kind, name, t.Short(), strings.Join(rule.allowed(), ", "))
	}
	if repo != nil && !matches(rule.SpeaksFor, repo.Name) {
		return refuse("%s %q may not speak for repository %s: ask the operator to add it to speaks_for", kind, name, repo.Name)
	}
	return nil
}

// May tells whether the rule lets its people or tokens make requests of a type.
func (r Rule) May(t events.Type) bool { return slices.Contains(r.allowed(), t.Short()) }

// allowed are the short types of the rule. Without a list it is benches, and
// their cancellation.
func (r Rule) allowed() []string {
	if len(r.Types) == 0 {
		return []string{events.TypeBenchRequested.Short(), events.TypeCancelRequested.Short()}
	}
	return r.Types
}

// subject is what the rule is about, for messages.
func (r Rule) subject() string {
	switch {
	case len(r.People) > 0:
		return "this person"
	case len(r.Tokens) > 0:
		return "this token"
	}
	return "this repository"
}

// validateSubject reports a rule that is about several kinds of requesters, or
// says of one what can only be said of another.
func (r Rule) validateSubject() []error {
	var errs []error
	kinds := 0
	for _, list := range [][]string{r.Repositories, r.People, r.Tokens} {
		if len(list) > 0 {
			kinds++
		}
	}
	if kinds == 0 {
		return []error{fmt.Errorf("repositories is empty, and so are people and tokens: name some, such as storage-lab/*")}
	}
	if kinds > 1 {
		errs = append(errs, fmt.Errorf("the rule is about repositories, people and tokens at once: write one for each"))
	}
	if len(r.Repositories) > 0 && (len(r.SpeaksFor) > 0 || len(r.Types) > 0) {
		errs = append(errs, fmt.Errorf("speaks_for and may are for people and tokens"))
	}
	if len(r.Repositories) == 0 && (len(r.Forges) > 0 || len(r.SignedBy) > 0 || r.Clone != "" || r.PullRequests != "" || r.Reconcile) {
		errs = append(errs, fmt.Errorf("forges, signed_by, clone, pull_requests and reconcile are for repositories"))
	}
	for _, t := range r.Types {
		if !slices.ContainsFunc(Requests(), func(known events.Type) bool { return known.Short() == t }) {
			errs = append(errs, fmt.Errorf("may names %q, which is none of the requests: %s", t, shorts(Requests())))
		}
	}
	return errs
}

func shorts(types []events.Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Short()
	}
	return strings.Join(names, ", ")
}
