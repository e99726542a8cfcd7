package outage

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

var outageFor = flag.Duration("outage.for", 8*time.Second, "how long NATS and S3 are away")

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

// job does little, so that what is seen of the worker is not fio's doing.
const job = "[a]\nioengine=psync\nrw=randread\nbs=4k\nsize=8m\nrate_iops=50\ntime_based\nruntime=%d\n"

// TestAnOutageLosesNothing has one run outlast the outage, and one end within
// it with another one queued behind it.
func TestAnOutageLosesNothing(t *testing.T) {
	away := *outageFor
	before, after := max(5*time.Second, away/60), max(12*time.Second, away/20)
	c := newCenter(t)
	long, short := c.host("long"), c.host("short")
	lasting := c.request("long", fmt.Sprintf(job, int((before+away+after).Seconds())))
	queued := c.request("long", fmt.Sprintf(job, 3))
	ending := c.request("short", fmt.Sprintf(job, int((before+4*time.Second+away/8).Seconds())), fmt.Sprintf(job, 3))

	h := look(t, c)
	h.await(2, events.TypeRunStarted)
	h.awaitProgress(lasting)
	time.Sleep(before)
	h.close()
	began := map[*worker]cost{long: long.costs(t), short: short.costs(t)}
	c.kill()
	t.Logf("center killed; away for %s", away)
	for end := time.Now().Add(away); time.Now().Before(end); time.Sleep(min(away/10, time.Until(end))) {
		t.Logf("long %+v, short %+v", long.costs(t), short.costs(t))
	}
	for w, b := range began {
		w.stayedSmall(t, b, away)
		if now := w.costs(t); now.reported < 1000 {
			t.Errorf("metrics report %v bytes of spool, there are %d", now.reported, now.spool)
		}
	}
	if kept := short.costs(t); kept.spool < 10_000 {
		t.Errorf("the run that ended left %d bytes in the spool", kept.spool)
	}
	c.start()
	t.Log("center is back")

	h = look(t, c)
	defer h.close()
	h.awaitProgress(lasting)
	eventually(t, "hosts that are known again", func() bool {
		hosts := c.fiord("hosts")
		return strings.Contains(hosts, "long") && strings.Contains(hosts, "short")
	})
	h.await(4, events.TypeRunCompleted)
	for _, e := range h.events(events.TypeRunCompleted) {
		h.whole(e.Data.(events.RunCompleted))
	}
	h.await(3, events.TypeBenchReported)
	for _, bench := range []string{lasting, queued, ending} {
		t.Log(c.fiord("show", bench))
	}
	for _, w := range []*worker{long, short} {
		eventually(t, "empty spool", func() bool { return size(t, w.dir+"/state/spool") == 0 })
		eventually(t, "report of an empty spool", func() bool { return w.metric(t, "fiord_bench_spool_bytes") == 0 })
	}
}

// stayedSmall says that a worker whose servers are away does not run wild.
func (w *worker) stayedSmall(t *testing.T, began cost, away time.Duration) {
	t.Helper()
	now := w.costs(t)
	if share := float64(now.cpu-began.cpu) / float64(away); share > 0.1 {
		t.Errorf("worker took %.0f%% of a core", share*100)
	}
	if now.resident > 128<<20 {
		t.Errorf("worker holds %d MiB", now.resident>>20)
	}
	if now.spool > 16<<20 {
		t.Errorf("spool holds %d MiB", now.spool>>20)
	}
}

// observer reads what the center knows.
type observer struct {
	t      *testing.T
	client *connection.Client
	stop   []func()

	mu       sync.Mutex
	seen     []events.Event
	progress map[string]int // by bench
}

func look(t *testing.T, c *center) *observer {
	t.Helper()
	at, err := connection.Find("", c.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &observer{t: t, progress: map[string]int{}}
	if o.client, err = connection.Open(t.Context(), at, nil); err != nil {
		t.Fatal(err)
	}
	view, err := o.client.Bus.Watch(t.Context(), bus.View{See: func(_ context.Context, s bus.Seen) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.seen = append(o.seen, s.Event)
	}})
	if err != nil {
		t.Fatal(err)
	}
	live, err := o.client.Bus.WatchLive(t.Context(), "", func(p events.Progress) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.progress[p.Bench]++
	})
	if err != nil {
		t.Fatal(err)
	}
	o.stop = []func(){live.Stop, view.Stop, o.client.Close}
	return o
}

func (o *observer) close() {
	for _, f := range o.stop {
		f()
	}
}

func (o *observer) events(typ events.Type) (found []events.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.seen {
		if e.Type == typ {
			found = append(found, e)
		}
	}
	return found
}

func (o *observer) await(n int, typ events.Type) {
	o.t.Helper()
	within := patience
	if typ == events.TypeRunCompleted {
		within += max(12*time.Second, *outageFor/20)
	}
	for deadline := time.Now().Add(within); len(o.events(typ)) < n; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			o.t.Fatalf("%d of %d %s within %s", len(o.events(typ)), n, typ, within)
		}
	}
}

// awaitProgress waits until a run tells how it fares.
func (o *observer) awaitProgress(bench string) {
	o.t.Helper()
	eventually(o.t, "progress", func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.progress[bench] > 2
	})
}

// whole reads everything that a run left.
func (o *observer) whole(d events.RunCompleted) {
	o.t.Helper()
	o.t.Logf("%s: %s, integrity %+v", d.Host, d.EndedAt.Sub(d.StartedAt), d.Integrity)
	for _, a := range d.Artifacts {
		if _, err := o.client.Store.ReadAll(o.t.Context(), a.ClaimCheck, 64<<20); err != nil {
			o.t.Errorf("%s of %s: %v", a.Name, d.Run, err)
		}
	}
	if d.Logs == nil {
		o.t.Errorf("no logs of %s", d.Run)
	}
}
