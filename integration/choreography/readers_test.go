package choreography_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// The catalogue says who reacts to what, and the published AsyncAPI document repeats
// it: what the services subscribe to in JetStream must be there.
func TestTheCatalogueNamesEveryServiceThatReacts(t *testing.T) {
	w := newWorld(t)
	w.inventory(nil)
	w.plot()
	w.notify("http://127.0.0.1:1/")
	w.worker(w.workerConfig("host-1"))
	reactions := map[string]jetstream.ConsumerConfig{}
	w.eventually("reactions of every service", func() bool {
		services := map[string]bool{}
		for info := range w.stream().ListConsumers(t.Context()).Info() {
			if service, _, _ := strings.Cut(info.Config.Durable, "-"); service != "" { // else a view
				services[service], reactions[info.Config.Durable] = true, info.Config
			}
		}
		return len(services) == 4
	})
	for name, c := range reactions {
		service, _, _ := strings.Cut(name, "-")
		for _, typ := range typesOf(append(c.FilterSubjects, c.FilterSubject)) {
			if !slices.Contains(typ.Consumers(), service) {
				t.Errorf("%s reacts to %s (%s), and is not among its readers %v", service, typ, name, typ.Consumers())
			}
		}
	}
}

// typesOf are the types that subject filters select.
func typesOf(filters []string) (found []events.Type) {
	for _, typ := range events.Types() {
		if slices.ContainsFunc(filters, func(f string) bool { return f == typ.Subject() || strings.HasPrefix(f, typ.Subject()+".") }) {
			found = append(found, typ)
		}
	}
	return found
}

func (w *world) stream() jetstream.Stream {
	w.t.Helper()
	s, err := w.bus.JetStream().Stream(w.t.Context(), bus.StreamEvents)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}
