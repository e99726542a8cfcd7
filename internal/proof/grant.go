package proof

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// Kind of the holder of a grant.
type Kind string

const (
	// Service is one of fiord's services: ingest.
	Service Kind = "service"
	// Host is the worker of one bench host.
	Host Kind = "host"
	// Person is a person, or a script of theirs.
	Person Kind = "person"
)

// Roles of persons, by the names that package access gives them.
const (
	roleViewer        = "viewer"
	roleRequester     = "requester"
	roleOperator      = "operator"
	roleAdministrator = "administrator"
)

// Grant binds a public key to who holds it. It is comparable by its text, see
// [Issued].
type Grant struct {
	Kind Kind
	// Name of the service, host or person.
	Name string
	// Pools that a host serves, Role of a person.
	Pools []string
	Role  string
	// Key is the holder's public nkey.
	Key string
	// At is when the grant was issued, Since from when on all events of the
	// installation are signed: what was stored before may have no signature. Both
	// are exact to the second.
	At, Since time.Time
}

// Subject of orders to handle an event again; who may redrive publishes there.
const redrives = "fiord.redrive.*"

// Publishes are the subjects that the holder may publish events to.
func (g Grant) Publishes() []string {
	switch g.Kind {
	case Service:
		subjects := Published(g.Name)
		if g.Name == "ingest" { // events come in over HTTP; who may send which is checked there
			subjects = append(subjects, Published(events.People)...)
		}
		return subjects
	case Host:
		subjects := []string{
			events.TypeRunStarted.Subject() + "." + events.HostRoute(g.Name),
			events.RunEndsOf(events.HostRoute(g.Name)),
		}
		for _, p := range g.Pools {
			subjects = append(subjects, events.RunEndsOf(events.PoolRoute(p)))
		}
		return subjects
	case Person:
		return rolePublishes(g.Role)
	}
	return nil
}

func rolePublishes(role string) []string {
	switch role {
	case roleRequester:
		return []string{events.TypeBenchRequested.Filter(), events.TypeCancelRequested.Filter(), events.TypeDiscoveryRequested.Filter()}
	case roleOperator, roleAdministrator:
		return Published(events.People)
	}
	return nil
}

// Published are the subjects of the events that the catalogue has a party publish.
func Published(by string) []string {
	var subjects []string
	for _, t := range events.Types() {
		if slices.Contains(t.Publishers(), by) {
			subjects = append(subjects, t.Filter())
		}
	}
	return subjects
}

// orders tells whether the holder may have events handled again.
func (g Grant) orders() bool {
	return g.Kind == Person && (g.Role == roleOperator || g.Role == roleAdministrator)
}

// filters are all subjects that the holder may publish to.
func (g Grant) filters() []string {
	if g.orders() {
		return append(g.Publishes(), redrives)
	}
	return g.Publishes()
}

// Covers tells whether the holder may everything that another grant allows, under
// the same name.
func (g Grant) Covers(other Grant) bool {
	if g.Kind != other.Kind || g.Name != other.Name || other.orders() && !g.orders() {
		return false
	}
	mine := g.Publishes()
	return !slices.ContainsFunc(other.Publishes(), func(s string) bool { return !slices.Contains(mine, s) })
}

// Who names the holder: host nvme-7.
func (g Grant) Who() string { return string(g.Kind) + " " + g.Name }

func (g Grant) validate() error {
	switch {
	case g.Kind != Service && g.Kind != Host && g.Kind != Person:
		return fmt.Errorf("kind is %q", g.Kind)
	case g.Name == "":
		return errors.New("no name")
	case g.Kind == Person && !slices.Contains([]string{roleViewer, roleRequester, roleOperator, roleAdministrator}, g.Role):
		return fmt.Errorf("role is %q", g.Role)
	case g.Key == "" || g.At.IsZero() || g.Since.IsZero():
		return errors.New("key or time is missing")
	}
	return nil
}

// grantVersion starts the text of a grant.
const grantVersion = "1"

// text is the grant as it is signed and sent: eight fields without spaces.
func (g Grant) text() string {
	pools := make([]string, len(g.Pools))
	for i, p := range g.Pools {
		pools[i] = url.QueryEscape(p)
	}
	return strings.Join([]string{
		grantVersion, string(g.Kind), url.QueryEscape(g.Name), strings.Join(pools, ","), g.Role,
		strconv.FormatInt(g.At.Unix(), 36), strconv.FormatInt(g.Since.Unix(), 36), g.Key,
	}, ";")
}

func parseGrant(text string) (Grant, error) {
	f := strings.Split(text, ";")
	if len(f) != 8 || f[0] != grantVersion {
		return Grant{}, errors.New("it is no grant that this fiord reads")
	}
	g := Grant{Kind: Kind(f[1]), Role: f[4], Key: f[7]}
	var err error
	if g.Name, err = url.QueryUnescape(f[2]); err != nil {
		return g, err
	}
	if f[3] != "" {
		for _, p := range strings.Split(f[3], ",") {
			pool, err := url.QueryUnescape(p)
			if err != nil {
				return g, err
			}
			g.Pools = append(g.Pools, pool)
		}
	}
	for i, at := range map[int]*time.Time{5: &g.At, 6: &g.Since} {
		seconds, err := strconv.ParseInt(f[i], 36, 64)
		if err != nil {
			return g, err
		}
		*at = time.Unix(seconds, 0).UTC()
	}
	return g, g.validate()
}

// matches tells whether a NATS subject is one that a filter with wildcards means.
func matches(filter, subject string) bool {
	for {
		f, filters, moreFilters := strings.Cut(filter, ".")
		s, subjects, moreSubjects := strings.Cut(subject, ".")
		switch {
		case f == ">":
			return s != ""
		case f != "*" && f != s, moreFilters != moreSubjects:
			return false
		case !moreFilters:
			return true
		}
		filter, subject = filters, subjects
	}
}
