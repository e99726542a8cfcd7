package proof

import (
	"fmt"

	"github.com/fiord-bench/fiord/events"
)

// ownPrefix starts the sources of fiord's services and of its command.
const (
	ownPrefix     = "fiord/"
	commandSource = ownPrefix + "cli"
)

// Vouch reports what an event says of its maker that the holder of the grant must
// not say: another service's source, or a request in another's name or by a right
// that is not the holder's.
func (g Grant) Vouch(e events.Event) error {
	if events.IsOwn(e.Source) && e.Source != g.source() {
		return fmt.Errorf("the key is of %s, which is not the source %s", g.Who(), e.Source)
	}
	asks, ok := e.Data.(events.Requesting)
	if !ok {
		return nil
	}
	by := asks.RequestedBy()
	if by == nil || g.asks(asks, *by) {
		return nil
	}
	return fmt.Errorf("the key is of %s, who cannot ask by the right %q of %q", g.Who(), by.Right, by.Name)
}

func (g Grant) source() string {
	switch g.Kind {
	case Service:
		return ownPrefix + g.Name
	case Host:
		return ownPrefix + "bench"
	default:
		return commandSource
	}
}

// asks tells whether the holder may ask for something as that requester.
func (g Grant) asks(what events.Requesting, by events.Requester) bool {
	if g.Kind == Person {
		return (by.Right == events.RightPerson || by.Right == events.RightRerun) && by.Name == g.Name
	}
	switch {
	case g.Kind == Service && g.Name == "ingest":
		return by.Right == events.RightRepository || by.Right == events.RightSchedule || by.Right == events.RightToken
	case g.Kind == Service && g.Name == "inventory":
		return by.Right == events.RightSchedule && by.Name == g.source()
	case g.Kind == Service && g.Name == "plot":
		// A cancelled bench's confirmation is cancelled in the name of who cancelled.
		return by.Right == events.RightConfirmation || what.EventType() == events.TypeCancelRequested
	}
	return false
}
