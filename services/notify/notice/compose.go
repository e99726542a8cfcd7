package notice

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
)

const (
	maxTitle = 200
	maxLine  = 500
	maxLines = 12
)

// Types lists what can be told of, in the order of the catalogue.
func Types() []events.Type {
	return []events.Type{
		events.TypePushIgnored, events.TypePushRejected, events.TypePushApproved,
		events.TypeBenchRequested,
		events.TypeRunFailed, events.TypeRunRejected, events.TypeRunExpired,
		events.TypeBenchReported, events.TypeBenchUnplaced, events.TypeBenchCancelled,
		events.TypeInventoryGenerated, events.TypeHostLost,
	}
}

// Compose words an event for a target. pages is the address of the web page,
// for links of events that carry none; it may be empty. False means that the
// event is of no type that can be told of.
func Compose(target string, e events.Event, pages string) (Notice, bool) {
	n := Notice{ID: events.HashID("notice", target, e.Source, e.ID), Event: e}
	c := composer{n: &n, pages: strings.TrimSuffix(pages, "/")}
	switch d := e.Data.(type) {
	case events.PushIgnored:
		c.pushIgnored(d)
	case events.PushRejected:
		c.pushRejected(d)
	case events.PushApproved:
		c.pushApproved(d)
	case events.BenchRequested:
		c.benchRequested(d, events.BenchID(e))
	case events.RunFailed:
		c.run(d.RunRef, "failed", Bad, d.Reason)
		c.text(lastLines(d.Stderr))
	case events.RunRejected:
		c.run(d.RunRef, "was refused", Bad, "")
		c.problems(d.Problems)
	case events.RunExpired:
		c.run(d.RunRef, "expired", Warning, d.Reason)
	case events.BenchReported:
		c.benchReported(d)
	case events.BenchUnplaced:
		c.benchUnplaced(d)
	case events.BenchCancelled:
		c.benchCancelled(d)
	case events.InventoryGenerated:
		c.inventory(d)
	case events.HostLost:
		c.hostLost(d)
	default:
		return Notice{}, false
	}
	n.Title = OneLine(n.Title, maxTitle)
	return n, true
}

// composer fills one notice.
type composer struct {
	n     *Notice
	pages string
}

func (c composer) title(level Level, format string, args ...any) {
	c.n.Level, c.n.Title = level, fmt.Sprintf(format, args...)
}

// text adds lines, as many as fit.
func (c composer) text(lines ...string) {
	for _, line := range lines {
		if line = OneLine(line, maxLine); line == "" {
			continue
		}
		if have := strings.Count(c.n.Text, "\n") + 1; c.n.Text != "" && have >= maxLines {
			if !strings.HasSuffix(c.n.Text, "\n…") {
				c.n.Text += "\n…"
			}
			return
		}
		if c.n.Text != "" {
			c.n.Text += "\n"
		}
		c.n.Text += line
	}
}

func (c composer) field(name, value string) {
	if value = OneLine(value, maxLine); value != "" {
		c.n.Fields = append(c.n.Fields, Field{name, value})
	}
}

func (c composer) link(kind, id string) {
	if c.pages != "" {
		c.n.URL = c.pages + "/" + kind + "/" + id
	}
}

func (c composer) problems(list []events.Problem) {
	for _, p := range list {
		c.text(p.String())
	}
}

func (c composer) status(state State, context, about, description string) {
	if c.n.Commit != nil {
		c.n.Status = &Status{State: state, Context: context, About: about, Description: OneLine(description, maxLine)}
	}
}

func (c composer) push(p events.Push) {
	c.n.Commit = &Commit{Repo: p.Repo, Ref: p.Ref, SHA: p.After}
	if p.Pull != nil {
		c.n.Commit.Pull = p.Pull.Number
	}
	c.commitFields()
}

func (c composer) origin(o *events.Origin) {
	if o == nil {
		return
	}
	c.n.Commit = &Commit{Repo: o.Repo, Ref: o.Ref, SHA: o.Commit, Pull: o.Pull}
	c.commitFields()
}

func (c composer) commitFields() {
	m := c.n.Commit
	c.field("repository", m.Repo.Name)
	c.field("ref", strings.TrimPrefix(strings.TrimPrefix(m.Ref, "refs/heads/"), "refs/"))
	c.field("commit", m.SHA[:min(len(m.SHA), 12)])
	if m.Pull > 0 {
		c.field("pull request", fmt.Sprintf("#%d", m.Pull))
	}
}

func (c composer) pushIgnored(d events.PushIgnored) {
	c.title(Info, "%s: nothing to measure for %s", d.Repo.Name, d.Ref)
	c.text(d.Reason)
	c.push(d.Push)
	if d.Held {
		c.title(Info, "%s: %s", d.Repo.Name, d.Reason)
		c.n.Held, c.n.Text = true, ""
		c.status(Pending, "fiord", d.Push.Push, "waits for approval: fiord approve "+d.Push.Push)
		return
	}
	c.status(Neutral, "fiord", d.Push.Push, d.Reason)
}

// pushApproved knows no commit: the event has only the push's id.
func (c composer) pushApproved(d events.PushApproved) {
	c.title(Info, "a pull request may be measured, says %s", d.By)
	c.field("push", d.Push)
	c.n.Status = &Status{State: Success, Context: "fiord", About: d.Push, Description: OneLine("approved by "+d.By, maxLine)}
}

func (c composer) pushRejected(d events.PushRejected) {
	c.title(Bad, "%s: push to %s cannot be measured", d.Repo.Name, d.Ref)
	c.problems(d.Problems)
	c.push(d.Push)
	c.status(Failure, "fiord", d.Push.Push, firstProblem(d.Problems))
}

func (c composer) benchRequested(d events.BenchRequested, bench string) {
	c.n.Bench = d.Name
	if d.Confirms != "" {
		c.confirming(d)
		return
	}
	c.title(Info, "%s is asked for", d.Name)
	c.link("benches", bench)
	c.field("bench", bench)
	c.origin(d.Origin)
	c.status(Pending, statusContext(d.Name), bench, "waiting for its hosts")
}

// confirming says at the bench in doubt what it waits for.
func (c composer) confirming(d events.BenchRequested) {
	c.n.Aside = true
	c.title(Info, "%s seems to have regressed and is measured again", d.Name)
	c.link("benches", d.Confirms)
	c.field("bench", d.Confirms)
	c.origin(d.Origin)
	c.status(Pending, statusContext(d.Name), d.Confirms, "regressed at the first look, measuring again to confirm")
}

// aside marks the end of a bench that confirms another; there is no more to say.
func (c composer) aside(name, bench, confirms string) {
	c.n.Aside, c.n.Bench = true, name
	c.title(Info, "%s was measured again", name)
	c.field("bench", bench)
	c.field("confirms", confirms)
}

func (c composer) benchUnplaced(d events.BenchUnplaced) {
	if d.Confirms != "" {
		c.aside(d.Name, d.Bench, d.Confirms)
		return
	}
	c.n.Bench = d.Name
	c.title(Bad, "%s cannot be placed", d.Name)
	c.problems(d.Problems)
	c.link("benches", d.Bench)
	c.field("bench", d.Bench)
	c.origin(d.Origin)
	c.status(Error, statusContext(d.Name), d.Bench, "not placed: "+firstProblem(d.Problems))
}

func (c composer) benchCancelled(d events.BenchCancelled) {
	if d.Confirms != "" {
		c.aside(d.Name, d.Bench, d.Confirms)
		return
	}
	c.n.Bench = d.Name
	c.title(Warning, "%s was cancelled", d.Name)
	c.text(d.Reason + " (" + d.By + ")")
	c.link("benches", d.Bench)
	c.field("bench", d.Bench)
	c.field("runs", countsText(d.Counts))
	c.origin(d.Origin)
	c.status(Cancelled, statusContext(d.Name), d.Bench, "cancelled: "+d.Reason)
}

func (c composer) run(r events.RunRef, what string, level Level, reason string) {
	c.n.Bench, c.n.Hosts = r.Name, hosts(r.Host)
	c.title(level, "%s: a run of %s %s", r.Name, r.Job, what)
	c.text(reason)
	c.link("runs", r.Run)
	c.field("run", r.Run)
	c.field("bench", r.Bench)
	c.field("host", r.Host)
	c.field("pool", r.Pool)
	c.field("point", r.Point.Key())
	if r.Attempt > 1 {
		c.field("attempt", fmt.Sprint(r.Attempt))
	}
}

func (c composer) hostLost(d events.HostLost) {
	c.n.Hosts = hosts(d.Host)
	c.title(Bad, "bench host %s is lost", d.Host)
	c.text(fmt.Sprintf("its last sign was at %s; %d runs were on it", d.LastSeen.UTC().Format("2006-01-02 15:04:05 MST"), len(d.Running)))
	c.field("host", d.Host)
}

func (c composer) inventory(d events.InventoryGenerated) {
	level, state := Info, ""
	if !d.Complete {
		level, state = Warning, ", but a source did not answer"
	}
	c.title(level, "inventory generated: %d hosts of %d instances%s", d.Counts.Emitted, d.Counts.Discovered, state)
	c.field("inventory", d.Inventory)
	c.field("excluded", fmt.Sprint(d.Counts.Excluded))
}

// hosts are those that have a name.
func hosts(names ...string) []string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	slices.Sort(names)
	return slices.Compact(names)
}

func statusContext(bench string) string { return "fiord/" + bench }

func firstProblem(list []events.Problem) string {
	if len(list) == 0 {
		return ""
	}
	text := list[0].String()
	if len(list) > 1 {
		text += fmt.Sprintf(" (and %d more)", len(list)-1)
	}
	return text
}

// countsText names how runs ended, leaving out what did not happen.
func countsText(n events.Counts) string {
	parts := []string{fmt.Sprintf("%d planned", n.Planned)}
	for _, part := range []struct {
		n    int
		name string
	}{{n.Completed, "completed"}, {n.Failed, "failed"}, {n.Rejected, "refused"}, {n.Cancelled, "cancelled"}, {n.Expired, "expired"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.name))
		}
	}
	return strings.Join(parts, ", ")
}

// lastLines are the last words of a program, where the cause usually is.
func lastLines(stderr string) string {
	lines := slices.DeleteFunc(strings.Split(stderr, "\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}
