package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/internal/listen/listentest"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/internal/service"
)

// limited is a NATS server on which a service has exactly these rights; streams are
// there already.
func (w *world) limited(t *testing.T, rights *server.Permissions) {
	t.Helper()
	operator, operatorFile := newKey(t)
	own, ownFile := newKey(t)
	w.startNATS(t, natsd.Options{Users: []natsd.User{{NKey: operator}, {NKey: own, Permissions: rights}}})
	w.common.NATS.NKeyFile = operatorFile
	w.warmUp(t)
	w.common.NATS.NKeyFile, w.common.NATS.Provision = ownFile, false
}

// The prefix that fiord grants follows from the user, so that nobody has to set it;
// what NATS grants by itself does as well.
func TestTheInboxFollowsFromTheUser(t *testing.T) {
	for name, in := range map[string]struct{ user, inbox string }{
		"as fiord grants it":     {"", "_INBOX_plot.>"},
		"of a host":              {"bench-nvme-7", "_INBOX_bench-nvme-7.>"},
		"as NATS has it":         {"", "_INBOX.>"},
		"everything is received": {"", ">"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.limited(t, &server.Permissions{
				Publish: &server.SubjectPermission{Allow: []string{">"}}, Subscribe: &server.SubjectPermission{Allow: []string{in.inbox, "$SRV.>", "fiord.consumer.>"}},
			})
			r := run(t, service.Options{Name: "plot", User: in.user, Common: w.common, Build: build(&sample{})})
			r.await(t, ready)
			r.stop(t)
		})
	}
}

// A right or setting that is missing ends the program with its name, and within
// seconds: such a service waited for ever.
func TestWhatIsMissingIsNamedSoon(t *testing.T) {
	w := newWorld(t)
	all := []string{">"}
	for name, in := range map[string]struct {
		prepare func(*world)
		want    string
	}{
		"no inbox": {func(w *world) {
			w.limited(t, &server.Permissions{Publish: &server.SubjectPermission{Allow: all}, Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_other.>"}}})
		}, "set nats.inbox_prefix"},
		"another inbox than its own": {func(w *world) {
			w.limited(t, &server.Permissions{Publish: &server.SubjectPermission{Allow: all}, Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_plot.>"}}})
			w.common.NATS.InboxPrefix = "_INBOX_other"
		}, "set nats.inbox_prefix"},
		"no right to look at streams": {func(w *world) {
			w.limited(t, &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{"fiord.>"}}, Subscribe: &server.SubjectPermission{Allow: all}})
		}, "$JS.API.STREAM.INFO.FIORD"},
		"no authority": {func(w *world) {
			secure, err := listentest.New(t).Server("127.0.0.1").Server(nil)
			if err != nil {
				t.Fatal(err)
			}
			w.startNATS(t, natsd.Options{TLS: secure})
		}, "check nats.ca_files"},
	} {
		t.Run(name, func(t *testing.T) {
			own := *w
			in.prepare(&own)
			begin := time.Now()
			r := run(t, service.Options{Name: "plot", Common: own.common, Build: build(&sample{})})
			select {
			case err := <-r.ended:
				if err == nil || !strings.Contains(err.Error(), in.want) {
					t.Errorf("got %v", err)
				}
				t.Logf("after %v: %v", time.Since(begin).Round(time.Millisecond), err)
			case <-time.After(time.Minute):
				t.Error("nothing was said within a minute")
			}
		})
	}
}
