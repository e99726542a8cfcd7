package ingest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/keys"
	"github.com/fiord-bench/fiord/services/ingest/web"
)

// receiverOf names the NATS server for which the test binary is a receiver of
// webhooks and nothing else, so that its memory is the receiver's alone.
const receiverOf = "FIORD_TEST_RECEIVER_OF"

func TestMain(m *testing.M) {
	url := os.Getenv(receiverOf)
	if url == "" {
		os.Exit(m.Run())
	}
	if err := beReceiver(url); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// beReceiver prints its address and serves until its input ends.
func beReceiver(url string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	nc, err := bus.Connect(ctx, bus.Connection{URL: url})
	if err != nil {
		return err
	}
	defer nc.Close()
	publisher, err := bus.New(bus.Options{Conn: nc, Source: "fiord/ingest"})
	if err != nil {
		return err
	}
	ring, err := keys.Simple(secret, "")
	if err != nil {
		return err
	}
	s, err := web.New(web.Options{
		Publisher: publisher, Keys: func() *keys.Ring { return ring }, Policy: repos.Open,
		Limits: web.DefaultLimits(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with whoever started this
		cancel()
	}()
	return s.Serve(ctx, l)
}

// BenchmarkReceiveMemory reports the resident memory of a receiver, a process of
// its own, after 10,000 deliveries and after 100,000, which must not differ by
// more than the collector's moods.
//
//	go test -run '^$' -bench ReceiveMemory -benchtime 1x ./services/ingest
func BenchmarkReceiveMemory(b *testing.B) {
	const few, many = 10_000, 100_000
	nsd, err := natsd.Start(natsd.Options{StoreDir: b.TempDir(), Host: "127.0.0.1"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nsd.Close)
	connect(b, nsd.URL()) // makes the streams
	url, pid := receiverProcess(b, nsd.URL())
	for b.Loop() {
		deliverMany(b, url, few)
		before := resident(b, pid)
		deliverMany(b, url, many-few)
		after := resident(b, pid)
		b.ReportMetric(before, "MB-at-10k")
		b.ReportMetric(after, "MB-at-100k")
		if after > 1.25*before+4 {
			b.Errorf("%.1f MB after %d deliveries, %.1f MB after %d: it grows", before, few, after, many)
		}
	}
}

func receiverProcess(b *testing.B, nats string) (url string, pid int) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), self)
	cmd.Env = append(os.Environ(), receiverOf+"="+nats)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close() // which ends it
		if err := cmd.Wait(); err != nil {
			b.Errorf("receiver: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid
}

func deliverMany(b *testing.B, url string, n int) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for range n / senders {
				if err := deliver(client, url, pushBody(sequence.Add(1))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// resident is a process's resident memory in MB.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		b.Skipf("memory cannot be read here: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kB, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kB / 1000
		}
	}
	b.Fatal("the system does not tell a process's resident memory")
	return 0
}
