package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// EventLine writes an event on one line: when, what, about what, and the gist.
func EventLine(s bus.Seen) string {
	e := s.Event
	line := fmt.Sprintf("%s  %-20s  %s", s.Stored.Local().Format(time.TimeOnly), e.Type.Noun()+"."+e.Type.Verb(), Clean(about(e)))
	if gist := gistOf(e.Data); gist != "" {
		line += "  " + strings.ReplaceAll(indent(gist), "\n", " ")
	}
	return line
}

// about is the bench for what belongs to one, else the event's subject.
func about(e events.Event) string {
	if bench := events.BenchOf(e); bench != "" {
		return bench
	}
	if e.Subject != "" {
		return e.Subject
	}
	return e.ID
}

// gistOf is what a person wants to know of an event first.
func gistOf(data events.Data) string {
	switch d := data.(type) {
	case events.PushReceived:
		return fmt.Sprintf("%s %s", d.Repo.Name, d.Ref)
	case events.PullReceived:
		return fmt.Sprintf("%s pull request %d", d.Repo.Name, d.Pull.Number)
	case events.PushIgnored:
		return d.Reason
	case events.PushRejected:
		return firstProblem(d.Problems)
	case events.PushApproved:
		return "by " + d.By
	case events.ScheduleFired:
		return fmt.Sprintf("%s %s: %s", d.Repo.Name, d.Ref, d.Expression)
	case events.BenchRequested:
		if d.Confirms != "" {
			return fmt.Sprintf("%s: a second look at bench %s", d.Name, d.Confirms)
		}
		return fmt.Sprintf("%s: %s", d.Name, Plural(len(d.Jobs), "job file"))
	case events.BenchPlaced:
		text := fmt.Sprintf("%s: %s in %s", d.Name, Plural(d.Runs, "run"), Plural(d.Slots, "slot"))
		if d.Excluded > 0 {
			text += fmt.Sprintf(", %s left out", Plural(d.Excluded, "host"))
		}
		return text
	case events.CancelRequested:
		return d.Reason
	case events.RunsRequested:
		return fmt.Sprintf("%s for %s%s", Plural(d.Runs, "run"), d.Host, d.Pool)
	case events.RunStarted:
		if d.Attempt > 1 {
			return runGist(d.RunRef, fmt.Sprintf("attempt %d", d.Attempt))
		}
		return runGist(d.RunRef, "")
	case events.RunCompleted:
		return runGist(d.RunRef, strings.TrimPrefix(result(&follow.Run{Result: &d}), ": "))
	case events.RunFailed:
		return runGist(d.RunRef, follow.Failure(d))
	case events.RunRejected:
		return runGist(d.RunRef, firstProblem(d.Problems))
	case events.RunCancelled:
		return runGist(d.RunRef, d.Reason)
	case events.RunExpired:
		return runGist(d.RunRef, d.Reason)
	case events.PlotsRendered:
		return Plural(len(d.Figures), "figure")
	case events.BenchReported:
		return string(d.Verdict) + ": " + d.Headline
	case events.BenchUnplaced:
		return firstProblem(d.Problems)
	case events.BenchCancelled:
		return d.Reason
	case events.BaselineAccepted:
		return strings.TrimSuffix("by "+d.By+": "+d.Reason, ": ")
	case events.NoticeSent:
		return d.Target + " was told of " + events.Type(d.ToldType).Noun() + "." + events.Type(d.ToldType).Verb()
	case events.NoticeFailed:
		return d.Target + ": " + d.Reason
	case events.NoticeWithheld:
		return d.Target + ": " + d.Reason
	}
	return machinesGist(data)
}

// machinesGist is gistOf for what is known of machines.
func machinesGist(data events.Data) string {
	switch d := data.(type) {
	case events.DiscoveryRequested:
		if len(d.Sources) == 0 {
			return "all sources"
		}
		return strings.Join(d.Sources, ", ")
	case events.InstanceChanged:
		return fmt.Sprintf("%s %s is %s", d.Provider, d.Instance, d.State)
	case events.InstancesDiscovered:
		text := fmt.Sprintf("%s of %s", Plural(d.Instances, "instance"), d.Sources[0].Source)
		if more := len(d.Sources) - 1; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		return text + incomplete(d.Complete)
	case events.InventoryGenerated:
		n := d.Counts
		return fmt.Sprintf("%s (%d added, %d removed, %d changed), %d left out%s",
			Plural(n.Emitted, "host"), n.Added, n.Removed, n.Changed, n.Excluded, incomplete(d.Complete))
	case events.HostLost:
		return fmt.Sprintf("last seen at %s, at %s", d.LastSeen.Local().Format(time.TimeOnly), Plural(len(d.Running), "run"))
	}
	return ""
}

// incomplete warns of sources that did not answer.
func incomplete(complete bool) string {
	if complete {
		return ""
	}
	return ", incomplete"
}

func runGist(ref events.RunRef, more string) string {
	text := label(&follow.Run{RunRef: ref})
	if more != "" {
		text += ": " + more
	}
	return text
}

func firstProblem(list []events.Problem) string {
	if len(list) == 0 {
		return ""
	}
	text := list[0].String()
	if more := len(list) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// ProgressLine writes one report of progress.
func ProgressLine(p events.Progress) string {
	run := &follow.Run{Progress: p, RunRef: events.RunRef{Job: p.Job, Point: p.Point, Repeat: p.Repeat, Host: p.Host}}
	return fmt.Sprintf("%s  %-20s  %s  %s", p.At.Local().Format(time.TimeOnly), "progress", Clean(p.Bench), runLine(run))
}
