package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/keys"
	"github.com/fiord-bench/fiord/services/ingest/web"
)

// senders is how many connections send at once.
const senders = 16

// BenchmarkReceive compares signed GitHub pushes of 5 kB, answered 202, with
// acknowledged publishes of the same events by nats.go alone: same server, same
// durability, same size, same concurrency. The receiver has to do at least 0.7
// of the raw rate.
func BenchmarkReceive(b *testing.B) {
	nsd, err := natsd.Start(natsd.Options{StoreDir: b.TempDir(), Host: "127.0.0.1", Synced: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nsd.Close)
	b.Run("raw", func(b *testing.B) { benchRaw(b, nsd.URL()) })
	b.Run("webhook", func(b *testing.B) { benchWebhook(b, nsd.URL()) })
}

func connect(b *testing.B, url string) (*nats.Conn, *bus.Bus) {
	b.Helper()
	nc, err := bus.Connect(b.Context(), bus.Connection{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	events, err := bus.New(bus.Options{Conn: nc, Source: "fiord/ingest"})
	if err != nil {
		b.Fatal(err)
	}
	if err := events.Provision(b.Context()); err != nil {
		b.Fatal(err)
	}
	return nc, events
}

// commitID makes the i-th commit of a benchmark; every push is another one.
func commitID(i int64) string { return fmt.Sprintf("%040x", i+1) }

var sequence atomic.Int64

func benchRaw(b *testing.B, url string) {
	nc, _ := connect(b, url)
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(senders / 2) // times GOMAXPROCS, which is 2 where this is measured
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			msg, err := rawMessage(sequence.Add(1))
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := js.PublishMsg(b.Context(), msg); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// rawMessage is the i-th event, as long as the body of its webhook.
func rawMessage(i int64) (*nats.Msg, error) {
	raw, err := events.Marshal(pushEvent(i))
	if err != nil {
		return nil, err
	}
	raw = append(raw, bytes.Repeat([]byte(" "), max(0, bodySize-len(raw)))...)
	return &nats.Msg{Subject: events.TypePushReceived.Subject(), Data: raw, Header: nats.Header{nats.MsgIdHdr: {fmt.Sprint("raw-", i)}}}, nil
}

func pushEvent(i int64) events.Event {
	p := events.Push{Repo: events.Repo{Forge: "github", Name: "lab/jobs", CloneURL: "https://h/lab/jobs.git"}, Ref: "refs/heads/main", Before: commitID(i - 1), After: commitID(i)}
	p.Push = events.PushID(p.Repo.Forge, p.Repo.Name, p.Ref, p.Before, p.After, "")
	return events.New("fiord/ingest", p.Push, nil, events.PushReceived{Push: p})
}

// bodySize is what a push of a few commits has at GitHub, in bytes.
const bodySize = 5000

func pushBody(i int64) []byte {
	body, err := json.Marshal(map[string]any{
		"ref": "refs/heads/main", "before": commitID(i - 1), "after": commitID(i),
		"repository": map[string]any{"full_name": "lab/jobs", "clone_url": "https://h/lab/jobs.git", "default_branch": "main"},
		"sender":     map[string]any{"login": "bench-bot"},
		"commits":    []map[string]any{{"id": commitID(i), "message": strings.Repeat("m", bodySize-400)}},
	})
	if err != nil {
		panic(err)
	}
	return body
}

func benchWebhook(b *testing.B, url string) {
	_, publisher := connect(b, url)
	address := receive(b, publisher)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders, DisableCompression: true}}
	b.SetParallelism(senders / 2)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := deliver(client, address, pushBody(sequence.Add(1))); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// receive serves webhooks until the benchmark ends.
func receive(b *testing.B, publisher web.Publisher) (url string) {
	b.Helper()
	ring, err := keys.Simple(secret, "")
	if err != nil {
		b.Fatal(err)
	}
	s, err := web.New(web.Options{
		Publisher: publisher, Keys: func() *keys.Ring { return ring }, Policy: repos.Open,
		Limits: web.DefaultLimits(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

func deliver(client *http.Client, url string, body []byte) error {
	req, err := http.NewRequest(http.MethodPost, url+"/hooks", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-Hub-Signature-256", hubSignature(body))
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if answer, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("status %d: %s (%v)", resp.StatusCode, answer, err)
	}
	return nil
}
