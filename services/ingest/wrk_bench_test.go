package ingest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
)

const (
	// phase is how long each side of a round runs.
	phase = 3 * time.Second
	// mostPerSecond is more than any receiver here answers: wrk must not run out
	// of deliveries.
	mostPerSecond = 12_000
)

// BenchmarkReceiveWrk is BenchmarkReceive with wrk as the sender: in each round
// raw acknowledged publishes, then signed pushes by wrk with as many
// connections, and the ratio of their rates over all rounds. Every push is
// another event, and the stream is asked whether it holds them all.
//
//	go test -run '^$' -bench ReceiveWrk -benchtime 5x ./services/ingest
func BenchmarkReceiveWrk(b *testing.B) {
	wrk, err := exec.LookPath("wrk")
	if err != nil {
		b.Skip("wrk is not installed: apt-get install wrk")
	}
	nsd, err := natsd.Start(natsd.Options{StoreDir: b.TempDir(), Host: "127.0.0.1", Synced: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nsd.Close)
	nc, publisher := connect(b, nsd.URL())
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	url := receive(b, publisher)
	var raw, pushed float64
	for b.Loop() {
		raw += rawPublishes(b, js, phase)
		before := stored(b, js)
		n := wrkPushes(b, wrk, url, phase)
		if got := stored(b, js) - before; float64(got) < n {
			b.Fatalf("%v pushes were answered 202, the stream holds %d of them", n, got)
		}
		pushed += n
	}
	seconds := phase.Seconds() * float64(b.N)
	b.ReportMetric(raw/seconds, "raw/s")
	b.ReportMetric(pushed/seconds, "pushes/s")
	b.ReportMetric(pushed/raw, "ratio")
	b.ReportMetric(0, "ns/op") // a round takes as long as it is told to
}

// stored counts the events in the stream.
func stored(b *testing.B, js jetstream.JetStream) uint64 {
	b.Helper()
	stream, err := js.Stream(b.Context(), bus.StreamEvents)
	if err != nil {
		b.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

// rawPublishes counts what senders publish in a time, each waiting for the
// acknowledgement before the next.
func rawPublishes(b *testing.B, js jetstream.JetStream, d time.Duration) float64 {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), d)
	defer cancel()
	var n atomic.Int64
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for ctx.Err() == nil {
				msg, err := rawMessage(sequence.Add(1))
				if err != nil {
					b.Error(err)
					return
				}
				if _, err := js.PublishMsg(b.Context(), msg); err != nil {
					b.Error(err)
					return
				}
				n.Add(1)
			}
		})
	}
	all.Wait()
	return float64(n.Load())
}

var requests = regexp.MustCompile(`(\d+) requests in`)

// wrkPushes lets wrk post signed pushes for a time and counts the answers, all
// of which have to be 2xx.
func wrkPushes(b *testing.B, wrk, url string, d time.Duration) float64 {
	b.Helper()
	deliveries := filepath.Join(b.TempDir(), "deliveries")
	writeDeliveries(b, deliveries, int(d.Seconds()*mostPerSecond))
	cmd := exec.CommandContext(b.Context(), wrk, "-t", "2", "-c", strconv.Itoa(senders), "-d", fmt.Sprint(int(d.Seconds()), "s"),
		"-s", "testdata/push.lua", url+"/hooks", "--", deliveries)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		b.Fatalf("wrk: %v\n%s", err, out.String())
	}
	m := requests.FindStringSubmatch(out.String())
	if m == nil || strings.Contains(out.String(), "Non-2xx") || strings.Contains(out.String(), "Socket errors") {
		b.Fatalf("wrk met refusals:\n%s", out.String())
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// writeDeliveries writes what testdata/push.lua makes requests of: the body up
// to the commit and after it, then a line with commit and signature for each.
// They are signed here, since wrk's Lua has no HMAC.
func writeDeliveries(b *testing.B, path string, n int) {
	b.Helper()
	const commit = "cccccccccccccccccccccccccccccccccccccccc"
	body := bytes.Replace(pushBody(0), []byte(commitID(0)), []byte(commit), 1)
	head, tail, ok := bytes.Cut(body, []byte(commit))
	if !ok {
		b.Fatal("the body has no commit to replace")
	}
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, "%s\n%s\n", head, tail)
	mac := hmac.New(sha256.New, []byte(secret))
	for range n {
		id := commitID(sequence.Add(1))
		mac.Reset()
		mac.Write(head)
		mac.Write([]byte(id))
		mac.Write(tail)
		fmt.Fprintln(w, id, hex.EncodeToString(mac.Sum(nil)))
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
