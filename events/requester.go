package events

// Right is by what right a request is made. The operator's policy has a rule
// for each.
type Right string

const (
	// RightRepository: a push to the repository that the origin names asked.
	RightRepository Right = "repository"
	// RightSchedule: a schedule of the repository asked, or one of the service's
	// own settings.
	RightSchedule Right = "schedule"
	// RightPerson: a person asked, with the command line or a script.
	RightPerson Right = "person"
	// RightToken: an event over HTTP asked, with a token of the receiver.
	RightToken Right = "token"
	// RightConfirmation: a regression of the bench that confirms names is measured
	// again.
	RightConfirmation Right = "confirmation"
	// RightRerun: a person asked for the bench that rerun_of names once more.
	RightRerun Right = "rerun"
)

// Administrator is the name of the person who owns the data folder, and could
// change the policy itself.
const Administrator = "administrator"

// Requester is who makes a request, and by what right. A request without one is
// judged by the strictest rule there is.
type Requester struct {
	Right Right `json:"right" jsonschema:"enum=repository,enum=schedule,enum=person,enum=token,enum=confirmation,enum=rerun"`
	// Name of the person, of the token, or of the service that asks for itself.
	Name string `json:"name"`
}

// Requesting is implemented by payloads that ask for something.
type Requesting interface {
	Data
	// RequestedBy is who asks; nil if the event does not say.
	RequestedBy() *Requester
	// AskedBy returns a copy in which the requester is another.
	AskedBy(Requester) Data
}

func (r *Requester) check(c *check) {
	if r == nil {
		return
	}
	oneOf(c, "requester.right", r.Right, RightRepository, RightSchedule, RightPerson, RightToken, RightConfirmation, RightRerun)
	c.text("requester.name", r.Name, MaxActor)
}

// RequestedBy is who asks for the bench. A request of a commit that does not say
// is the repository's, and one that confirms a bench is made by that right.
func (d BenchRequested) RequestedBy() *Requester {
	switch {
	case d.Requester != nil:
		return d.Requester
	case d.Confirms != "":
		return &Requester{Right: RightConfirmation}
	case d.Origin != nil:
		return &Requester{Right: RightRepository, Name: d.Origin.Repo.Name}
	}
	return nil
}

// AskedBy is the request with another requester.
func (d BenchRequested) AskedBy(r Requester) Data { d.Requester = &r; return d }

// RequestedBy is who cancels.
func (d CancelRequested) RequestedBy() *Requester { return d.Requester }

// AskedBy is the request with another requester.
func (d CancelRequested) AskedBy(r Requester) Data { d.Requester = &r; return d }

// RequestedBy is who approves.
func (d PushApproved) RequestedBy() *Requester { return d.Requester }

// AskedBy is the request with another requester.
func (d PushApproved) AskedBy(r Requester) Data { d.Requester = &r; return d }

// RequestedBy is who accepts.
func (d BaselineAccepted) RequestedBy() *Requester { return d.Requester }

// AskedBy is the request with another requester.
func (d BaselineAccepted) AskedBy(r Requester) Data { d.Requester = &r; return d }

// RequestedBy is who asks for a discovery.
func (d DiscoveryRequested) RequestedBy() *Requester { return d.Requester }

// AskedBy is the request with another requester.
func (d DiscoveryRequested) AskedBy(r Requester) Data { d.Requester = &r; return d }
