package events

import (
	"fmt"
	"slices"
	"strings"
)

// Type is a CloudEvents type: dev.fiord.<noun>.<past verb>.v<major>.
type Type string

// The catalogue. The prefix and the version are part of the contract: fields
// are only ever added within v1.
const (
	TypePushReceived        Type = "dev.fiord.push.received.v1"
	TypePullReceived        Type = "dev.fiord.pull.received.v1"
	TypePushIgnored         Type = "dev.fiord.push.ignored.v1"
	TypePushRejected        Type = "dev.fiord.push.rejected.v1"
	TypePushApproved        Type = "dev.fiord.push.approved.v1"
	TypeScheduleFired       Type = "dev.fiord.schedule.fired.v1"
	TypeBenchRequested      Type = "dev.fiord.bench.requested.v1"
	TypeBenchPlaced         Type = "dev.fiord.bench.placed.v1"
	TypeBenchReported       Type = "dev.fiord.bench.reported.v1"
	TypeBenchUnplaced       Type = "dev.fiord.bench.unplaced.v1"
	TypeBenchCancelled      Type = "dev.fiord.bench.cancelled.v1"
	TypeCancelRequested     Type = "dev.fiord.cancel.requested.v1"
	TypeRunsRequested       Type = "dev.fiord.runs.requested.v1"
	TypeRunStarted          Type = "dev.fiord.run.started.v1"
	TypeRunCompleted        Type = "dev.fiord.run.completed.v1"
	TypeRunFailed           Type = "dev.fiord.run.failed.v1"
	TypeRunRejected         Type = "dev.fiord.run.rejected.v1"
	TypeRunCancelled        Type = "dev.fiord.run.cancelled.v1"
	TypeRunExpired          Type = "dev.fiord.run.expired.v1"
	TypePlotsRendered       Type = "dev.fiord.plots.rendered.v1"
	TypeBaselineAccepted    Type = "dev.fiord.baseline.accepted.v1"
	TypeDiscoveryRequested  Type = "dev.fiord.discovery.requested.v1"
	TypeInstanceChanged     Type = "dev.fiord.instance.changed.v1"
	TypeInstancesDiscovered Type = "dev.fiord.instances.discovered.v1"
	TypeInventoryGenerated  Type = "dev.fiord.inventory.generated.v1"
	TypeHostLost            Type = "dev.fiord.host.lost.v1"
	TypeNoticeSent          Type = "dev.fiord.notice.sent.v1"
	TypeNoticeFailed        Type = "dev.fiord.notice.failed.v1"
	TypeNoticeWithheld      Type = "dev.fiord.notice.withheld.v1"
)

const (
	typePrefix    = "dev.fiord."
	typeVersion   = "v1"
	subjectPrefix = "fiord.events."
)

// Types lists the catalogue in the order of its table: stable, a fresh slice
// at each call.
func Types() []Type {
	types := make([]Type, len(catalogue))
	for i, e := range catalogue {
		types[i] = e.typ
	}
	return types
}

// Noun is what the event is about: "bench" of dev.fiord.bench.placed.v1.
func (t Type) Noun() string { noun, _ := t.split(); return noun }

// Verb is what happened to it: "placed" of dev.fiord.bench.placed.v1.
func (t Type) Verb() string { _, verb := t.split(); return verb }

// Subject is the NATS subject of the type without a route:
// fiord.events.<noun>.<verb>.v1.
func (t Type) Subject() string { return subjectPrefix + strings.TrimPrefix(string(t), typePrefix) }

// Filter is a NATS subject filter that matches every event of the type,
// whatever its route. Types without a route are published to the bare subject,
// which a trailing ">" would miss.
func (t Type) Filter() string {
	if entry, ok := lookup(t); ok && entry.routed {
		return t.Subject() + ".>"
	}
	return t.Subject()
}

// Ends names what an event of this type ends: "run", "bench", or "" when it
// is no terminal.
func (t Type) Ends() string {
	if entry, ok := lookup(t); ok {
		return entry.ends
	}
	return ""
}

// Publishers are the services that publish the type, and [People].
func (t Type) Publishers() []string { e, _ := lookup(t); return strings.Fields(e.senders) }

// Consumers are the services that react to the type, and [People].
func (t Type) Consumers() []string { e, _ := lookup(t); return strings.Fields(e.readers) }

// Parse checks a type's form and that the catalogue knows it. The error tells
// a foreign type from an unknown noun, verb or version.
func Parse(s string) (Type, error) {
	t := Type(s)
	if _, ok := lookup(t); ok {
		return t, nil
	}
	if !strings.HasPrefix(s, typePrefix) {
		return "", fmt.Errorf("%w: type %q does not start with %q", ErrUnknownType, s, typePrefix)
	}
	parts := strings.Split(strings.TrimPrefix(s, typePrefix), ".")
	if len(parts) != 3 {
		return "", fmt.Errorf("%w: type %q is not %s<noun>.<verb>.%s", ErrUnknownType, s, typePrefix, typeVersion)
	}
	if known := Type(typePrefix + parts[0] + "." + parts[1] + "." + typeVersion); parts[2] != typeVersion {
		if _, ok := lookup(known); ok {
			return "", fmt.Errorf("%w: type %q: this build speaks %s of it, not %s", ErrVersion, s, typeVersion, parts[2])
		}
	}
	return "", fmt.Errorf("%w: no type %q in the catalogue (fiord schema lists them)", ErrUnknownType, s)
}

// BenchEndFilter matches every terminal that one bench could have: the
// wildcard over which JetStream arbitrates. For a run see [RunRef.EndFilter].
func BenchEndFilter(bench string) string { return endFilter("bench", "end."+bench) }

// RunEndsOf matches every terminal of every run of one owner; route is its
// [HostRoute] or [PoolRoute].
func RunEndsOf(route string) string { return endFilter("run", "end."+route+".*") }

func endFilter(noun, route string) string {
	return subjectPrefix + noun + ".*." + typeVersion + "." + route
}

func (t Type) split() (noun, verb string) {
	noun, rest, _ := strings.Cut(strings.TrimPrefix(string(t), typePrefix), ".")
	verb, _, _ = strings.Cut(rest, ".")
	return noun, verb
}

func lookup(t Type) (entry, bool) {
	i := slices.IndexFunc(catalogue[:], func(e entry) bool { return e.typ == t })
	if i < 0 {
		return entry{}, false
	}
	return catalogue[i], true
}
