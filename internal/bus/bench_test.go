package bus_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/proof"
)

// completed is an event of usual size, about 1.5 kB.
func completed(run string) events.RunCompleted {
	sum := fmt.Sprintf("%064d", 7)
	var kept []events.Artifact
	for _, name := range []string{"job.fio", "fio.json", "result.json"} {
		kept = append(kept, events.Artifact{Name: name, ClaimCheck: events.ClaimCheck{
			Bucket: "fiord", Key: "runs/" + run + "/1/" + name, SHA256: sum, Size: 4711, MediaType: "application/json"}})
	}
	now := time.Now().UTC()
	return events.RunCompleted{
		RunRef: ref(run), StartedAt: now, EndedAt: now, Artifacts: kept,
		Integrity: events.Integrity{State: events.IntegrityOK},
		Summary:   events.Summary{Read: &events.Figures{IOPS: 123456, TotalIOs: 7, RuntimeMS: 9}},
	}
}

// BenchmarkPublish compares our acknowledged publishes with raw ones of the
// same bytes, interleaved on one server: synced, as fiord up runs it, and not;
// with 1 and 16 publishers.
func BenchmarkPublish(b *testing.B) {
	for _, c := range []struct {
		server     func(testing.TB) *bustest.Server
		name       string
		publishers int
	}{
		{bustest.NewSyncedServer, "synced", 1}, {bustest.NewSyncedServer, "synced", 16},
		{bustest.NewServer, "unsynced", 1}, {bustest.NewServer, "unsynced", 16},
	} {
		publishers := c.publishers
		b.Run(fmt.Sprintf("%s/publishers=%d", c.name, publishers), func(b *testing.B) {
			s := c.server(b)
			ours, raw := s.Bus("fiord/test"), s.Bus("fiord/test").JetStream()
			var n atomic.Int64
			body, err := events.Marshal(events.New("fiord/test", "x", nil, completed("x")))
			if err != nil {
				b.Fatal(err)
			}
			paired(b, publishers,
				func() error {
					_, err := ours.Emit(b.Context(), fmt.Sprint("ours", n.Add(1)), nil, completed("x"))
					return err
				},
				func() error {
					_, err := raw.PublishMsg(b.Context(), &nats.Msg{
						Subject: "fiord.events.run.completed.v1.end.host.raw.x", Data: body,
						Header: nats.Header{nats.MsgIdHdr: {fmt.Sprint("raw", n.Add(1))}},
					})
					return err
				})
		})
	}
}

// paired alternates rounds of ours and theirs, so that a machine whose speed
// drifts treats both alike, and reports both rates and their ratio.
func paired(b *testing.B, workers int, ours, theirs func() error) {
	b.Helper()
	const round = 500
	var spent [2]time.Duration
	ops := 0
	for b.Loop() {
		for i, op := range []func() error{ours, theirs} {
			start := time.Now()
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for range round / workers {
						if err := op(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			spent[i] += time.Since(start)
		}
		ops += round / workers * workers
	}
	b.ReportMetric(float64(ops)/spent[0].Seconds(), "ours/s")
	b.ReportMetric(float64(ops)/spent[1].Seconds(), "raw/s")
	b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "ratio")
}

// BenchmarkConsume compares a reaction (decode, validate, acknowledge) with raw
// nats.go (Consume, acknowledge) over the same events, in turn: a failed run of
// 0.7 kB, the size most events have, and a completed one of 1.5 kB, among the
// largest.
func BenchmarkConsume(b *testing.B) {
	for _, c := range sizes() {
		b.Run(c.name, func(b *testing.B) {
			const n = 20_000
			s := bustest.NewServer(b)
			ours := s.Bus("fiord/bench")
			typ := c.data("x").EventType()
			fill(b, ours, nil, c.data, n)
			var spent, cpu [2]time.Duration
			rounds := 0
			for b.Loop() {
				rounds++
				begun := spentCPU(b)
				spent[0] += consumeOurs(b, ours, typ, rounds, n)
				between := spentCPU(b)
				spent[1] += consumeRaw(b, s.Bus("fiord/raw").JetStream(), typ, rounds, n)
				cpu[0] += between - begun
				cpu[1] += spentCPU(b) - between
			}
			total := float64(rounds * n)
			b.ReportMetric(total/spent[0].Seconds(), "ours/s")
			b.ReportMetric(total/spent[1].Seconds(), "raw/s")
			b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "ratio")
			// What a machine that is busy otherwise can tell: the processor time
			// of server and client, for one event.
			b.ReportMetric(cpu[0].Seconds()*1e6/total, "ours-cpu-µs")
			b.ReportMetric(cpu[1].Seconds()*1e6/total, "raw-cpu-µs")
		})
	}
}

type size struct {
	name string
	data func(run string) events.Data
}

func sizes() []size {
	return []size{
		{"0.7kB", func(run string) events.Data {
			return events.RunFailed{RunRef: ref(run), Reason: "fio exited with status 1: no space left on the device that holds /data", EndedAt: time.Now().UTC()}
		}},
		{"1.5kB", func(run string) events.Data { return completed(run) }},
	}
}

// fill stores the ends of n runs, each under a subject of its own; signed if there
// is a signer.
func fill(b *testing.B, ours *bus.Bus, signer *proof.Signer, data func(run string) events.Data, n int) {
	b.Helper()
	for i := range n {
		e := events.New(ours.Source(), fmt.Sprint(i), nil, data(fmt.Sprint(i)))
		body, err := events.Marshal(e)
		if err != nil {
			b.Fatal(err)
		}
		msg := &nats.Msg{Subject: e.NATSSubject(), Data: body, Header: nats.Header{}}
		if signer != nil {
			msg.Header = nats.Header{"content-type": {events.MediaType}, nats.MsgIdHdr: {e.MessageID()}}
			made, grant := signer.Sign(msg.Subject, e.MessageID(), body, time.Now())
			msg.Header[proof.HeaderProof], msg.Header[proof.HeaderGrant] = []string{made}, []string{grant}
		}
		if _, err := ours.JetStream().PublishMsgAsync(msg); err != nil {
			b.Fatal(err)
		}
	}
	<-ours.JetStream().PublishAsyncComplete()
}

func consumeOurs(b *testing.B, ours *bus.Bus, typ events.Type, round, n int) time.Duration {
	b.Helper()
	var count atomic.Int64
	done := make(chan struct{})
	r := bus.Reaction{
		Service: "bench", Name: fmt.Sprint("ours", round), Types: []events.Type{typ},
		Concurrency: 256, OnDead: bus.OwesNothing,
		Handle: func(context.Context, *bus.Delivery) error {
			if count.Add(1) == int64(n) {
				close(done)
			}
			return nil
		},
	}
	start := time.Now()
	sub, err := ours.React(b.Context(), r)
	if err != nil {
		b.Fatal(err)
	}
	<-done
	took := time.Since(start)
	sub.Stop()
	return took
}

func consumeRaw(b *testing.B, js jetstream.JetStream, typ events.Type, round, n int) time.Duration {
	b.Helper()
	start := time.Now()
	c, err := js.CreateOrUpdateConsumer(b.Context(), bus.StreamEvents, jetstream.ConsumerConfig{
		Durable: fmt.Sprint("raw", round), FilterSubject: typ.Filter(), AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		b.Fatal(err)
	}
	count, done := 0, make(chan struct{})
	running, err := c.Consume(func(msg jetstream.Msg) {
		if err := msg.Ack(); err != nil {
			b.Error(err)
		}
		if count++; count == n {
			close(done)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	<-done
	took := time.Since(start)
	running.Stop()
	return took
}

// BenchmarkEnd compares an arbitrated end with a plain publish of the same
// event.
func BenchmarkEnd(b *testing.B) {
	s := bustest.NewServer(b)
	ours := s.Bus("fiord/test")
	var n atomic.Int64
	paired(b, 1,
		func() error {
			run := fmt.Sprint("end", n.Add(1))
			_, err := ours.End(b.Context(), events.New("fiord/test", run, nil, completed(run)))
			return err
		},
		func() error {
			run := fmt.Sprint("plain", n.Add(1))
			_, err := ours.Publish(b.Context(), events.New("fiord/test", run, nil, completed(run)))
			return err
		})
}
