package deploy_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
)

// ping asks who is there as `nats micro ls` does, with a person's keys, and
// returns the names of the services that answer.
func (f *fleet) ping() (names []string) {
	f.t.Helper()
	nc, err := bus.Connect(f.t.Context(), bus.Connection{
		URL: f.hubURL, Name: "ls", NKeySeedFile: filepath.Join(f.export, creds.ExportUsers, "person-ci", "nats.nk"),
		RootCAs: []string{f.tls.ca}, InboxPrefix: access.InboxPrefix(events.People),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	defer nc.Close()
	answers, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		f.t.Fatal(err)
	}
	subject, err := micro.ControlSubject(micro.PingVerb, "", "")
	if err != nil {
		f.t.Fatal(err)
	}
	if err := nc.PublishMsg(&natsgo.Msg{Subject: subject, Reply: answers.Subject}); err != nil {
		f.t.Fatal(err)
	}
	for {
		m, err := answers.NextMsg(time.Second)
		if err != nil {
			slices.Sort(names)
			return slices.Compact(names)
		}
		var p micro.Ping
		if err := json.Unmarshal(m.Data, &p); err != nil {
			f.t.Fatal(err)
		}
		names = append(names, p.Name)
	}
}

// discovered wants every service to answer, the worker behind its site's leaf node
// like all others.
func (f *fleet) discovered() {
	f.t.Helper()
	want := []string{"fiord-bench", "fiord-ingest", "fiord-inventory", "fiord-notify", "fiord-plot"}
	if got := f.ping(); !slices.Equal(got, want) {
		f.t.Errorf("answers of %v, want %v", got, want)
	}
}
