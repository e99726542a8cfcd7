// Package access turns what a service declares it does into the NATS
// permissions it gets: no more subjects than its events, its own consumers and
// its own keys; and says which prefixes of the store it reads and writes. Each service is one user, and each bench host is one of its
// own, bound to the host's token.
//
// Bench hosts and people are guests: they have an account of their own each (see
// natsd.User), and make no consumers, because NATS checks neither the reply
// subject of a request nor the subject that a consumer delivers to.
//
// What is left open, knowingly: every user may read every event, and a service
// may make consumers under any name that is no other service's durable.
package access

import (
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/proof"
)

// Needs is what one party declares. The zero value needs nothing and may
// nothing.
type Needs struct {
	// Name of the NATS user: ingest, or bench-<token>.
	Name string
	// Publish are subjects of events, wildcards included.
	Publish []string
	// Durables are the reactions whose consumers it makes and pulls.
	Durables []string
	// Named are views under a fixed name, see [bus.View].
	Named []string
	// Views allows ordered consumers, whose names are random.
	Views bool
	// Guest is a party outside of the services' account, see the package comment.
	// All others make consumers for guests.
	Guest bool
	// Read and Write are key-value buckets. Keys narrows the writing of a
	// bucket to patterns; a bucket without an entry may be written wholly.
	Read, Write []string
	Keys        map[string][]string
	// Live are subjects of progress it shows.
	Live []string
	// Store is what it may do with artifacts.
	Store artifacts.Rights
}

// Service are the needs that follow from the catalogue: a service publishes
// the types that name it as publisher.
func Service(name string, reactions []bus.Reaction) Needs {
	n := Needs{Name: name, Publish: proof.Grant{Kind: proof.Service, Name: name}.Publishes()}
	for _, r := range reactions {
		n.Durables = append(n.Durables, r.Durable())
	}
	return n
}

// Host are the needs of the worker on one bench host: it starts runs there,
// ends those of its host and pools, beats under its own token, and stores what
// runs left below a prefix of its own.
func Host(host string, pools []string, reactions []bus.Reaction, named ...string) Needs {
	token := events.Token(host)
	n := Service("bench", reactions)
	n.Name, n.Named, n.Guest = "bench-"+token, named, true
	n.Publish = proof.Grant{Kind: proof.Host, Name: host, Pools: pools}.Publishes()
	n.Live = []string{events.LivePrefix + token + ".>"}
	own := artifacts.HostPrefix(host)
	n.Store = artifacts.Rights{
		Read:  []string{artifacts.PrefixJobs, artifacts.PrefixRequests, artifacts.PrefixPlacements, own},
		Write: []string{own},
	}
	return n
}

// Answers are the subjects on which a guest who is a worker answers requests of
// services: "who is there?".
func Answers() []string { return []string{"$SRV.>"} }

// InboxPrefix keeps a user's replies to itself.
func InboxPrefix(user string) string { return "_INBOX_" + events.Token(user) }

// Permissions are the needs as the server enforces them. Others are the
// durables of other services, which no service must touch.
func (n Needs) Permissions(others ...string) *server.Permissions {
	allow := slices.Concat(n.Publish, n.Live, reading())
	subscribe := []string{InboxPrefix(n.Name) + ".>", "$SRV.>"}
	own := consumer
	if n.Guest {
		own = pulled
	}
	for _, d := range n.Durables {
		allow = append(allow, own(bus.StreamEvents, d)...)
		allow = append(allow, bus.DeadSubject(d), "$KV."+bus.BucketAttempts+"."+d+".*")
	}
	for _, v := range n.Named {
		allow = append(allow, own(bus.StreamEvents, v)...)
	}
	if n.Views {
		for _, s := range []string{bus.StreamEvents, bus.StreamLive} {
			allow = append(allow, consumer(s, "*")...)
		}
	}
	if !n.Guest {
		for _, s := range guestStreams() {
			allow = append(allow, making(s, "*")...)
		}
		subscribe = append(subscribe, "fiord.consumer.>")
	}
	for _, b := range slices.Concat(n.Read, n.Write, []string{bus.BucketAttempts, bus.BucketTakenBack}) {
		allow = append(allow, keyReading(b)...)
		if !n.Guest {
			allow = append(allow, consumer("KV_"+b, "*")...)
		}
	}
	for _, b := range n.Write {
		allow = append(allow, n.keyWriting(b)...)
	}
	p := &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: unique(allow)},
		Subscribe: &server.SubjectPermission{Allow: subscribe},
		// Answers to $SRV requests go to the asker's inbox.
		Response: &server.ResponsePermission{MaxMsgs: 8, Expires: time.Minute},
	}
	if !n.Guest {
		p.Publish.Deny = deny(others, n.Durables)
	}
	return p
}

// reading is what every user may: look at the event stream, and at dead letters,
// which a reaction is given again by their number.
func reading() []string {
	return []string{
		"$JS.API.STREAM.INFO." + bus.StreamEvents, "$JS.API.STREAM.MSG.GET." + bus.StreamEvents,
		"$JS.API.STREAM.INFO." + bus.StreamDead, "$JS.API.STREAM.MSG.GET." + bus.StreamDead,
	}
}

// guestStreams are the streams of which guests are made consumers.
func guestStreams() []string {
	return []string{bus.StreamEvents, bus.StreamDead, bus.StreamLive}
}

// consumer is all that belongs to one consumer.
func consumer(stream, name string) []string {
	at := stream + "." + name
	return append(making(stream, name), append(pulling(stream, name), "$JS.FC."+at+".>")...)
}

func making(stream, name string) []string {
	at := stream + "." + name
	return []string{
		"$JS.API.CONSUMER.CREATE." + at, "$JS.API.CONSUMER.CREATE." + at + ".>",
		"$JS.API.CONSUMER.INFO." + at, "$JS.API.CONSUMER.DELETE." + at,
	}
}

// pulling is what belongs to a consumer that is there. Newer servers put domain
// and account into the subject of an acknowledgement; both forms are allowed.
func pulling(stream, name string) []string {
	at := stream + "." + name
	return []string{
		"$JS.API.CONSUMER.INFO." + at, "$JS.API.CONSUMER.MSG.NEXT." + at,
		"$JS.ACK." + at + ".>", "$JS.ACK.*.*." + at + ".>",
	}
}

// pulled is a consumer that a service makes for a guest.
func pulled(stream, name string) []string {
	return append(pulling(stream, name), bus.ConsumerSubject(stream, name))
}

// keyReading binds a bucket and gets keys.
func keyReading(bucket string) []string {
	stream := "KV_" + bucket
	return []string{
		"$JS.API.STREAM.INFO." + stream, "$JS.API.STREAM.MSG.GET." + stream,
		"$JS.API.DIRECT.GET." + stream, "$JS.API.DIRECT.GET." + stream + ".>",
	}
}

func (n Needs) keyWriting(bucket string) []string {
	keys := n.Keys[bucket]
	if len(keys) == 0 {
		keys = []string{">"}
	}
	var subjects []string
	for _, k := range keys {
		subjects = append(subjects, "$KV."+bucket+"."+k)
	}
	return subjects
}

// deny keeps a user with views off the durables of others.
func deny(others, own []string) []string {
	var subjects []string
	for _, d := range others {
		if !slices.Contains(own, d) {
			subjects = append(subjects, consumer(bus.StreamEvents, d)...)
		}
	}
	return unique(subjects)
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// Together are the rights of a server that speaks for several users (a leaf
// node): what any of them may, denials left out because what one must not
// another may have to.
func Together(all ...*server.Permissions) *server.Permissions {
	var publish, subscribe []string
	p := &server.Permissions{}
	for _, one := range all {
		publish = append(publish, one.Publish.Allow...)
		subscribe = append(subscribe, one.Subscribe.Allow...)
		if one.Response != nil {
			p.Response = one.Response
		}
	}
	// Servers do not remember for a leaf node what it was asked, as they do for
	// clients: its hosts' answers to "who is there?" need a right of their own. What
	// is published there stays within the account, or answers what it was asked.
	publish = append(publish, "_R_.>")
	p.Publish = &server.SubjectPermission{Allow: unique(publish)}
	p.Subscribe = &server.SubjectPermission{Allow: unique(subscribe)}
	return p
}
