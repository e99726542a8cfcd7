package notice

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
)

// maxTogether is how many of several notices one message names, the worst first.
const maxTogether = 10

// Together words several notices as one message: how many of what, then the
// worst of them. The id is the message's own. One alone stays as it is.
func Together(id string, list []Notice) Notice {
	if len(list) == 1 {
		return list[0]
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Notice) int {
		return cmp.Or(cmp.Compare(gravity(b.Level), gravity(a.Level)), cmp.Compare(a.Title, b.Title))
	})
	worst := list[0]
	n := Notice{ID: id, Level: worst.Level, URL: worst.URL, Event: events.Event{ID: id, Source: worst.Event.Source, Type: worst.Event.Type}}
	c := composer{n: &n}
	c.title(n.Level, "%s%s", scope(list), sum(list))
	n.Title = OneLine(n.Title, maxTitle)
	for i, one := range list {
		if one.Event.Time.After(n.Event.Time) {
			n.Event.Time = one.Event.Time
		}
		if i < maxTogether {
			c.text(one.Title)
		}
	}
	if more := len(list) - maxTogether; more > 0 {
		c.text(fmt.Sprintf("… and %d more", more))
	}
	c.field("notices", fmt.Sprint(len(list)))
	if commit := common(list); commit != nil {
		n.Commit = commit
		c.commitFields()
	}
	n.Hosts = hostsOf(list)
	return n
}

// gravity orders levels.
func gravity(l Level) int {
	return slices.Index([]Level{Good, Info, Warning, Bad}, l)
}

// scope is the repository that all are about, as a beginning.
func scope(list []Notice) string {
	name := repoOf(list[0])
	for _, n := range list[1:] {
		if repoOf(n) != name {
			return ""
		}
	}
	if name == "" {
		return ""
	}
	return name + ": "
}

func repoOf(n Notice) string {
	if n.Commit == nil {
		return ""
	}
	return n.Commit.Repo.Name
}

// sum counts what happened: 40 benches have reported: 3 regressed, 37 improved.
func sum(list []Notice) string {
	what, verdicts := noun(list[0].Event.Type), map[events.Verdict]int{}
	for _, n := range list {
		if n.Event.Type != list[0].Event.Type {
			what = "things to tell"
		}
		if n.Verdict != "" {
			verdicts[n.Verdict]++
		}
	}
	text := fmt.Sprintf("%d %s", len(list), what)
	if len(verdicts) == 0 {
		return text
	}
	var parts []string
	for _, v := range slices.SortedFunc(maps.Keys(verdicts), worseFirst) {
		parts = append(parts, fmt.Sprintf("%d %s", verdicts[v], v))
	}
	return text + ": " + strings.Join(parts, ", ")
}

func worseFirst(a, b events.Verdict) int {
	la, _ := weigh(a)
	lb, _ := weigh(b)
	return cmp.Or(cmp.Compare(gravity(lb), gravity(la)), cmp.Compare(a, b))
}

func noun(t events.Type) string {
	switch t {
	case events.TypeBenchReported:
		return "benches have reported"
	case events.TypeBenchUnplaced:
		return "benches cannot be placed"
	case events.TypeBenchCancelled:
		return "benches were cancelled"
	case events.TypePushRejected:
		return "pushes cannot be measured"
	case events.TypeHostLost:
		return "bench hosts are lost"
	case events.TypeRunFailed:
		return "runs failed"
	case events.TypeRunRejected:
		return "runs were refused"
	case events.TypeRunExpired:
		return "runs expired"
	default:
		return "things to tell"
	}
}

// common is the commit that all are about, nil if they are about several.
func common(list []Notice) *Commit {
	for _, n := range list {
		if n.Commit == nil || *n.Commit != *list[0].Commit {
			return nil
		}
	}
	return list[0].Commit
}

func hostsOf(list []Notice) []string {
	var names []string
	for _, n := range list {
		names = append(names, n.Hosts...)
	}
	return hosts(names...)
}
