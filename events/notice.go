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
	// Message is the id that several notices were told under together; empty
	// when this one was told alone.
	Message string `json:"message,omitempty"`
}

func (n Notice) check(c *check) {
	c.id("notice", n.Notice)
	c.text("target", n.Target, 200)
	c.text("kind", n.Kind, 50)
	c.text("event", n.Told, 256)
	c.text("event_type", n.ToldType, 100)
	c.optionalID("message", n.Message)
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
	c.text("reason", d.Reason, MaxReason)
	return c.err()
}

// NoticeWithheld says that a target that would have been told was not, on
// purpose: somebody silenced it, or it was told of the same shift before.
type NoticeWithheld struct {
	Notice
	// Reason in a sentence.
	Reason string `json:"reason"`
	// Silence that withheld it, empty when none did.
	Silence string `json:"silence,omitempty"`
}

// EventType is notice.withheld.
func (NoticeWithheld) EventType() Type { return TypeNoticeWithheld }

// Validate reports the fields at fault.
func (d NoticeWithheld) Validate() error {
	c := checking(TypeNoticeWithheld)
	d.check(c)
	c.text("reason", d.Reason, MaxReason)
	c.optionalID("silence", d.Silence)
	return c.err()
}
