package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// commenter writes comments at pull requests.
type commenter interface {
	// Comment writes a text in Markdown at the commit's pull request: as a new
	// comment if id is empty, else in that comment's place. It returns the id.
	Comment(ctx context.Context, c notice.Commit, id, text string) (string, error)
	// MaxComment is how many bytes of text the forge takes.
	MaxComment() int
}

// written is the comment of one bench name at one pull request.
type written struct {
	ID string `json:"id"`
}

func commentKey(target string, n notice.Notice) string {
	return "comment-" + events.HashID(target, n.Commit.Repo.Name, fmt.Sprint(n.Commit.Pull), n.Bench)
}

// comment tells a pull request how a bench ended. Each bench has one comment
// there, which later pushes edit: what a reviewer reads is the newest, and
// nobody is sent a mail for every push. The queue of a forge is in order, so no
// two deliveries write the first at once.
func (t *target) comment(ctx context.Context, n notice.Notice) error {
	if t.comments == nil || n.Bench == "" || n.Commit == nil || n.Commit.Pull == 0 || !n.Status.State.Final() {
		return nil
	}
	key := commentKey(t.name, n)
	var old written
	if _, err := t.ledger.load(ctx, key, &old); err != nil {
		return bus.Unavailable(err)
	}
	id, err := t.write(ctx, n, old.ID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enterTimeout)
	defer cancel()
	return unavailable(t.ledger.store(ctx, key, written{id}))
}

// write asks the forge, as spared by the breaker as any notice. A comment that
// somebody deleted is written anew.
func (t *target) write(ctx context.Context, n notice.Notice, old string) (id string, err error) {
	text := notice.Markdown(n, t.comments.MaxComment())
	err = t.ask(func() (err error) {
		id, err = t.comments.Comment(ctx, *n.Commit, old, text)
		if failure, ok := errors.AsType[*notice.SendError](err); ok && old != "" && gone(failure.Code) {
			id, err = t.comments.Comment(ctx, *n.Commit, "", text)
		}
		return post.Hint(err)
	})
	return id, err
}

func gone(code int) bool { return code == http.StatusNotFound || code == http.StatusGone }

// heldKey names the commit that a held push is of.
func heldKey(target, push string) string { return "held-" + events.HashID(target, push) }

// hold remembers the commit of a held pull request, whose approval names only
// the push.
func (t *target) hold(ctx context.Context, n notice.Notice) error {
	if !n.Held || !t.ordered {
		return nil
	}
	return t.ledger.store(ctx, heldKey(t.name, n.Status.About), n.Commit)
}

// recall gives an approval the commit that was held, so that its status no
// longer says that it waits.
func (t *target) recall(ctx context.Context, n *notice.Notice) error {
	if n.Event.Type != events.TypePushApproved || !t.ordered {
		return nil
	}
	var held notice.Commit
	revision, err := t.ledger.load(ctx, heldKey(t.name, n.Status.About), &held)
	if revision != 0 {
		n.Commit = &held
	}
	return err
}

// ask asks the target once, if its breaker allows, and says what a failure means
// for the event.
func (t *target) ask(do func() error) error {
	if ok, wait := t.breaker.allow(); !ok {
		return bus.Unavailable(fmt.Errorf("target %s is being spared for another %s", t.name, wait.Round(time.Second)))
	}
	start := time.Now()
	err := do()
	if part, ok := errors.AsType[*notice.PartError](err); ok {
		t.log.Error("a part of a target was refused", "target", t.name, "error", part)
		t.metrics.failed.WithLabelValues(t.name).Inc()
		err = nil
	}
	failure, _ := errors.AsType[*notice.SendError](err)
	t.breaker.report(failure != nil && failure.Outcome == notice.Away)
	t.metrics.sent(t.name, t.breaker.open(), err, time.Since(start))
	return disposition(err)
}
