package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/silence"
)

// told is what a target knows of one shift.
type told struct {
	// Notice that tells of it, and whether that was sent, at At; until then At
	// is when it set out to.
	Notice string    `json:"notice"`
	Sent   bool      `json:"sent,omitempty"`
	At     time.Time `json:"at"`
}

// shiftKey names what a target knows of one shift. That is kept by target, not
// by counting reports: who was silenced, failed or is new at the first report
// is told at the next.
func shiftKey(target string, s *events.Shift) string {
	return "shift-" + events.HashID(target, s.Since)
}

// withhold tells why a notice that the target wants is not told, "" if it is.
func (t *target) withhold(ctx context.Context, n notice.Notice) (reason, by string, err error) {
	if s, ok := t.silence(n); ok {
		return fmt.Sprintf("silenced by %s until %s: %s", s.By, s.Until.Format(time.RFC3339), s.Reason), s.ID, nil
	}
	if !t.once || n.Shift == nil {
		return "", "", nil
	}
	reason, err = t.claim(ctx, n)
	return reason, "", err
}

// claim lets one notice at a time tell of a shift: reports that queued up while
// the target was away are handled together. It returns why this one need not.
func (t *target) claim(ctx context.Context, n notice.Notice) (reason string, err error) {
	var before told
	revision, err := t.ledger.load(ctx, shiftKey(t.name, n.Shift), &before)
	if err != nil {
		return "", bus.Unavailable(err)
	}
	age := time.Since(before.At)
	switch {
	case before.Notice == n.ID:
		return "", nil
	case before.Sent && (t.repeat == 0 || age < t.repeat):
		return "told of this shift at " + before.At.Format(time.RFC3339), nil
	case revision != 0 && !before.Sent && age < t.giveUp:
		return "", bus.RetryAfter(errTelling, min(max(age, time.Second), time.Minute))
	}
	mine, err := t.ledger.swap(ctx, shiftKey(t.name, n.Shift), told{Notice: n.ID, At: time.Now().UTC()}, revision)
	if err != nil {
		return "", bus.Unavailable(err)
	}
	if !mine {
		return "", bus.RetryAfter(errTelling, time.Second)
	}
	return "", nil
}

var errTelling = errors.New("another notice of the same shift is being told")

// release lets the next report tell of a shift that this notice could not.
func (t *target) release(ctx context.Context, n notice.Notice) error {
	if !t.once || n.Shift == nil {
		return nil
	}
	var now told
	if _, err := t.ledger.load(ctx, shiftKey(t.name, n.Shift), &now); err != nil || now.Notice != n.ID || now.Sent {
		return err
	}
	return t.ledger.remove(ctx, shiftKey(t.name, n.Shift))
}

// silence finds what keeps the target quiet about this. Statuses and the log
// stay true whatever people want to hear.
func (t *target) silence(n notice.Notice) (silence.Silence, bool) {
	if !t.silenced {
		return silence.Silence{}, false
	}
	about := silence.About{Target: t.name, Bench: n.Bench, Hosts: n.Hosts}
	if n.Commit != nil {
		about.Repo = n.Commit.Repo.Name
	}
	return t.silences.For(about, time.Now())
}

// remember enters that the target was told of the notice's shift.
func (t *target) remember(ctx context.Context, n notice.Notice) error {
	if !t.once || n.Shift == nil {
		return nil
	}
	return t.ledger.store(ctx, shiftKey(t.name, n.Shift), told{Notice: n.ID, Sent: true, At: time.Now().UTC()})
}
