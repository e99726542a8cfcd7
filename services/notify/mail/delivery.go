package mail

import (
	"fmt"
	"net/mail"
	"slices"
	"sync"

	"github.com/fiord-bench/fiord/services/notify/notice"
)

// maxUnderway bounds how many messages are remembered that some have and others
// are to get. Of one that is forgotten everybody gets a repetition, which mail
// systems drop by its Message-Id.
const maxUnderway = 1000

// delivery is how far one message has come.
type delivery struct {
	left     []*mail.Address // who is still to get it
	refused  []refusal       // for good
	deferred error           // the last refusal for now
	reached  int             // who has it
}

// refusal of one address.
type refusal struct {
	address string
	err     error
}

// conclude is the outcome of a message with no address left.
func (d *delivery) conclude() error {
	if len(d.refused) == 0 {
		return nil
	}
	if d.reached == 0 {
		first := d.refused[0]
		return &notice.SendError{Outcome: notice.Refused, Err: fmt.Errorf("%s: %w", first.address, first.err)}
	}
	e := &notice.PartError{}
	for _, r := range d.refused {
		e.Missing = append(e.Missing, fmt.Sprintf("%s: %v", r.address, r.err))
	}
	return e
}

// underway are deliveries by the ids of their notices.
type underway struct {
	mu    sync.Mutex
	known map[string]*delivery
	order []string
}

// get returns the delivery of a notice, begun with all addresses. A notice is sent
// by one goroutine at a time.
func (u *underway) get(id string, to []*mail.Address) *delivery {
	u.mu.Lock()
	defer u.mu.Unlock()
	if d, ok := u.known[id]; ok {
		return d
	}
	if u.known == nil {
		u.known = map[string]*delivery{}
	}
	if len(u.order) == maxUnderway {
		delete(u.known, u.order[0])
		u.order = u.order[1:]
	}
	d := &delivery{left: slices.Clone(to)}
	u.known[id], u.order = d, append(u.order, id)
	return d
}

// drop forgets a delivery that has ended.
func (u *underway) drop(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.known, id)
	u.order = slices.DeleteFunc(u.order, func(other string) bool { return other == id })
}
