package notify_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access/accesstest"
	"github.com/fiord-bench/fiord/services/notify"
	"github.com/fiord-bench/fiord/services/notify/silence"
)

// Everything that notify does, with the rights that it declares: statuses and
// comments, groups that open, close and leave, shifts, silences, dead letters.
func TestDeclaredRightsSuffice(t *testing.T) {
	room := newReceiver(t, nil)
	forge := newReceiver(t, func(_ int, w http.ResponseWriter) { _, _ = fmt.Fprint(w, `{"id": 1}`) })
	refuses := newReceiver(t, statusCode(http.StatusGone))
	commenting, bad := gitea(forge), team(refuses, 200*time.Millisecond)
	commenting.Comment, bad.Name = true, "bad"
	targets := []notify.Target{team(room, 500*time.Millisecond), commenting, bad}
	g := accesstest.NewServer(t, map[string]*server.Permissions{
		"notify": notify.Needs(notify.Config{Targets: targets}).Permissions(), "test": nil,
	})
	s := newSiteOn(t, g)
	s.hush(silence.Silence{Host: "quiet"})
	s.replica(targets...)
	for i := range 3 {
		s.publish(lost(fmt.Sprint("node", i)))
	}
	s.publish(lost("quiet"))
	d := reported(t, events.HashID("b"), pull("a"))
	d.Shift = &events.Shift{Since: d.Bench, Reports: 1}
	s.publish(d)
	sent, failed, withheld := 0, 0, 0
	for range 11 { // five events to each of the two chats, one to the forge
		switch s.notice().(type) {
		case events.NoticeSent:
			sent++
		case events.NoticeFailed:
			failed++
		case events.NoticeWithheld:
			withheld++
		}
	}
	if sent != 5 || failed != 4 || withheld != 2 {
		t.Errorf("%d sent, %d failed, %d withheld", sent, failed, withheld)
	}
	g.ExpectNoViolation()
}
