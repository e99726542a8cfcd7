package events

// Notice is what every event about a notice carries.
type Notice struct {
	// Notice is the id: the hash of target and event.
	Notice string `json:"notice"`
	// Target by its name in notify's configuration; addresses are not told.
	Target string `json:"target"`
	// Kind of target: log, webhook, github, slack, mail.
	Kind string `json:"kind"`
	// Told is the id of the event told of, ToldType its type.
	Told     string `json:"event"`
	ToldType string `json:"event_type"`
}

func (n Notice) check(c *check) {
	c.id("notice", n.Notice)
	c.text("target", n.Target, 200)
	c.text("kind", n.Kind, 50)
	c.text("event", n.Told, 256)
	c.text("event_type", n.ToldType, 100)
}

// About is the id of the notice.
func (n Notice) About() string { return n.Notice }

// NoticeSent says that a target took a notice.
type NoticeSent struct {
	Notice
}

// EventType is notice.sent.
func (NoticeSent) EventType() Type { return TypeNoticeSent }

// Validate reports the fields at fault.
func (d NoticeSent) Validate() error {
	c := checking(TypeNoticeSent)
	d.check(c)
	return c.err()
}

// NoticeFailed says that a target was given up on for one event.
type NoticeFailed struct {
	Notice
	// Reason in a sentence.
	Reason string `json:"reason"`
}

// EventType is notice.failed.
func (NoticeFailed) EventType() Type { return TypeNoticeFailed }

// Validate reports the fields at fault.
func (d NoticeFailed) Validate() error {
	c := checking(TypeNoticeFailed)
	d.check(c)
	c.text("reason", d.Reason, 2048)
	return c.err()
}
