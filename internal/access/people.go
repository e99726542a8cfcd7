package access

import (
	"fmt"
	"slices"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/proof"
)

// Role is what a person, or a script of theirs, may do.
type Role string

// Each role may what the one before it may, and more.
const (
	// Viewer looks at everything and changes nothing.
	Viewer Role = "viewer"
	// Requester asks for benches and discoveries, and cancels.
	Requester Role = "requester"
	// Operator looks after the installation: approves, accepts baselines, silences,
	// gives dead letters back, and has scripts react to events.
	Operator Role = "operator"
	// Administrator is an operator who lets others in.
	Administrator Role = "administrator"
)

// Roles are all roles, the least first.
func Roles() []Role { return []Role{Viewer, Requester, Operator, Administrator} }

// Includes says whether who has the role may what other may. No role includes none,
// and none is included in no role.
func (r Role) Includes(other Role) bool {
	own := slices.Index(Roles(), r)
	return own >= 0 && own >= slices.Index(Roles(), other) && (other == "" || slices.Contains(Roles(), other))
}

// ParseRole reads a role.
func ParseRole(text string) (Role, error) {
	if r := Role(text); slices.Contains(Roles(), r) {
		return r, nil
	}
	return "", fmt.Errorf("role is %q: want viewer, requester, operator or administrator", text)
}

// Publishes are the event subjects that a person in the role publishes.
func (r Role) Publishes() []string {
	return proof.Grant{Kind: proof.Person, Role: string(r)}.Publishes()
}

// Store are the rights in the store of a person in the role: whoever asks for benches
// stores job files and what else belongs to a request.
func (r Role) Store() artifacts.Rights {
	rights := artifacts.Rights{Read: []string{artifacts.Everywhere}}
	if r != Viewer {
		rights.Write = []string{artifacts.PrefixJobs, artifacts.PrefixRequests}
	}
	return rights
}

// Person are the rights of a person's command line. nkey is the person's public
// key, which their views are called after. Others are the durables of services and
// hosts, which nobody else pulls.
func Person(r Role, nkey string, others ...string) *server.Permissions {
	allow := append(looking(nkey), r.Publishes()...)
	p := &server.Permissions{
		Publish:   &server.SubjectPermission{},
		Subscribe: &server.SubjectPermission{Allow: []string{InboxPrefix(events.People) + ".>"}},
	}
	if r == Operator || r == Administrator {
		allow = append(allow, looksAfter()...)
		for _, d := range others {
			p.Publish.Deny = append(p.Publish.Deny, "$JS.API.CONSUMER.MSG.NEXT."+bus.StreamEvents+"."+d,
				"$JS.ACK."+bus.StreamEvents+"."+d+".>", "$JS.ACK.*.*."+bus.StreamEvents+"."+d+".>")
		}
		p.Publish.Deny = unique(p.Publish.Deny)
	}
	p.Publish.Allow = unique(allow)
	return p
}

// looking is every look at streams and buckets, and nothing else.
func looking(nkey string) []string {
	allow := []string{"$SRV.>", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST"}
	for _, s := range guestStreams() {
		allow = append(allow, "$JS.API.STREAM.INFO."+s, "$JS.API.STREAM.MSG.GET."+s,
			"$JS.API.CONSUMER.NAMES."+s, "$JS.API.CONSUMER.LIST."+s, "$JS.API.CONSUMER.INFO."+s+".*")
		for slot := range bus.ViewSlots {
			name := bus.ViewName(nkey, slot)
			allow = append(allow, bus.ConsumerSubject(s, name), "$JS.API.CONSUMER.MSG.NEXT."+s+"."+name)
		}
	}
	for _, b := range bus.Buckets() {
		allow = append(allow, keyReading(b)...)
	}
	return allow
}

// looksAfter is what an operator does besides publishing events. A script's
// reaction dead-letters and counts its attempts like any other.
func looksAfter() []string {
	return []string{
		bus.RedriveSubject("*"), "$JS.API.STREAM.MSG.DELETE." + bus.StreamDead, "$KV." + bus.BucketSilences + ".*",
		bus.ConsumerSubject(bus.StreamEvents, "on-*"), "$JS.API.CONSUMER.MSG.NEXT." + bus.StreamEvents + ".*",
		"$JS.ACK." + bus.StreamEvents + ".*.>", "$JS.ACK.*.*." + bus.StreamEvents + ".*.>",
		bus.DeadSubject("on-*"), "$KV." + bus.BucketAttempts + ".on.*.*",
	}
}
