package artifacts_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
)

// bytesOf is content without a pattern, the same each time.
func bytesOf(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

func TestPutSurvivesWhatHappensToConnections(t *testing.T) {
	cfg, _ := server(t)
	direct := artifactstest.Open(t, cfg)
	content := bytesOf(3 << 20)
	for name, f := range map[string]fault{
		"request cut in the body":       {cutUp: 1 << 20},
		"request cut in the header":     {cutUp: 100},
		"answer lost after it was done": {noAnswer: true},
		"answer cut in the header":      {cutDown: 20},
		"503":                           {status: http.StatusServiceUnavailable},
		"500":                           {status: http.StatusInternalServerError},
		"429":                           {status: http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := faulty(t, cfg, firstly(2, f))
			key := "puts/" + artifacts.SafeName(name)
			claim, err := s.Put(t.Context(), key, "application/octet-stream", bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			if got := artifactstest.Read(t, direct, claim); got != string(content) {
				t.Error("stored content differs")
			}
			if p.accepted.Load() < 3 {
				t.Errorf("%d connections: the fault was not met", p.accepted.Load())
			}
		})
	}
}

// A server that refuses before it has read the body may close, so that the client sees
// a reset on each try and no answer.
func TestRefusalThatIsLostInAResetIsFound(t *testing.T) {
	cfg, _ := server(t)
	direct := artifactstest.Open(t, cfg)
	content := bytesOf(3 << 20)
	s, p := faulty(t, cfg, func(int) fault { return fault{cutUp: 1 << 20} }) // a HEAD passes
	artifactstest.Put(t, direct, "taken", "text/plain", "other content")
	if _, err := s.Put(t.Context(), "taken", "text/plain", bytes.NewReader(content)); !errors.Is(err, artifacts.ErrExists) {
		t.Errorf("put over other content: %v", err)
	}
	claim := artifactstest.Put(t, direct, "same", "text/plain", string(content))
	if got, err := s.Put(t.Context(), "same", "text/plain", bytes.NewReader(content)); err != nil || got != claim {
		t.Errorf("put of the same content: %+v, %v", got, err)
	}
	_, old, err := direct.Replace(t.Context(), "pointer", "", "text/plain", strings.NewReader("old"))
	if err != nil {
		t.Fatal(err)
	}
	_, now, err := direct.Replace(t.Context(), "pointer", old, "text/plain", strings.NewReader("new"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Replace(t.Context(), "pointer", old, "text/plain", bytes.NewReader(content)); !errors.Is(err, artifacts.ErrStale) {
		t.Errorf("replace of a version that is gone: %v", err)
	}
	before := p.accepted.Load()
	if _, _, err := s.Replace(t.Context(), "pointer", now, "text/plain", bytes.NewReader(content)); !errors.Is(err, artifacts.ErrUnavailable) {
		t.Errorf("replace of the version that is there: %v", err)
	}
	if p.accepted.Load() == before {
		t.Error("no connection was cut: the fault was not met")
	}
}

func TestReplaceWhoseAnswerIsLostSucceedsOnce(t *testing.T) {
	cfg, _ := server(t)
	direct := artifactstest.Open(t, cfg)
	_, etag, err := direct.Replace(t.Context(), "pointer", "", "text/plain", strings.NewReader("old"))
	if err != nil {
		t.Fatal(err)
	}
	s, _ := faulty(t, cfg, firstly(1, fault{noAnswer: true}))
	claim, tag, err := s.Replace(t.Context(), "pointer", etag, "text/plain", strings.NewReader("new"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := direct.Stat(t.Context(), "pointer")
	if err != nil || info.ETag != tag || info.SHA256 != claim.SHA256 {
		t.Errorf("server has %+v (%v), Replace returned %q, %+v", info, err, tag, claim)
	}
}

func TestReadResumesWhereTheConnectionBroke(t *testing.T) {
	cfg, _ := server(t)
	content := bytesOf(4 << 20)
	claim := artifactstest.Put(t, artifactstest.Open(t, cfg), "large", "application/octet-stream", string(content))
	// Each connection dies after 1 MiB, so that four resumptions are needed:
	// progress in between must not use up the attempts.
	cfg.Attempts = 2
	s, p := faulty(t, cfg, func(int) fault { return fault{cutDown: 1 << 20} })
	if got := artifactstest.Read(t, s, claim); got != string(content) {
		t.Error("content differs")
	}
	if n := p.accepted.Load(); n < 5 {
		t.Errorf("read over %d connections, want 5", n)
	}
}

func TestReadThatCannotResumeIsNoShortRead(t *testing.T) {
	cfg, _ := server(t)
	claim := artifactstest.Put(t, artifactstest.Open(t, cfg), "large", "application/octet-stream", string(bytesOf(4<<20)))
	s, _ := faulty(t, cfg, func(n int) fault {
		if n == 0 {
			return fault{cutDown: 1 << 20}
		}
		return fault{status: http.StatusServiceUnavailable}
	})
	r, err := s.Open(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n, err := io.Copy(io.Discard, r)
	if !errors.Is(err, artifacts.ErrUnavailable) || n == 0 || n >= claim.Size {
		t.Errorf("read %d of %d bytes, error %v", n, claim.Size, err)
	}
	if _, again := r.Read(make([]byte, 1)); !errors.Is(again, artifacts.ErrUnavailable) {
		t.Errorf("a further read returns %v", again)
	}
}

func TestBitFlippedOnTheWayIsCorrupt(t *testing.T) {
	cfg, _ := server(t)
	claim := artifactstest.Put(t, artifactstest.Open(t, cfg), "flip", "application/octet-stream", string(bytesOf(100_000)))
	s, _ := faulty(t, cfg, func(int) fault { return fault{corruptAt: 50_000} })
	if _, err := s.ReadAll(t.Context(), claim, claim.Size); !errors.Is(err, artifacts.ErrCorrupt) {
		t.Errorf("error is %v", err)
	}
}

func TestSlowServerIsWaitedForAndSilentOneIsNot(t *testing.T) {
	cfg, _ := server(t)
	content := bytesOf(300 << 10)
	claim := artifactstest.Put(t, artifactstest.Open(t, cfg), "slow", "application/octet-stream", string(content))

	cfg.Stall = 2 * time.Second
	slow, _ := faulty(t, cfg, func(int) fault { return fault{perWrite: 150 * time.Millisecond} })
	start := time.Now()
	if got := artifactstest.Read(t, slow, claim); got != string(content) {
		t.Error("content differs")
	}
	if took := time.Since(start); took < cfg.Stall {
		t.Errorf("the slow transfer took %v, not longer than the stall limit: nothing was tested", took)
	}

	cfg.Attempts = 2
	silent, _ := faulty(t, cfg, func(int) fault { return fault{silence: true} })
	start = time.Now()
	_, err := silent.ReadAll(t.Context(), claim, claim.Size)
	if !errors.Is(err, artifacts.ErrUnavailable) || time.Since(start) > 30*time.Second {
		t.Errorf("error is %v after %v", err, time.Since(start))
	}
}

func TestServerThatIsAwayIsUnavailableEverywhere(t *testing.T) {
	cfg, _ := server(t)
	claim := artifactstest.Put(t, artifactstest.Open(t, cfg), "here", "text/plain", "x")
	cfg.Attempts = 2
	s, p := faulty(t, cfg, func(int) fault { return fault{} })
	_ = p.listener.Close()
	ctx := t.Context()
	for name, err := range map[string]error{
		"put":     second(s.Put(ctx, "away", "text/plain", strings.NewReader("x"))),
		"open":    second(s.Open(ctx, claim)),
		"stat":    second(s.Stat(ctx, "here")),
		"remove":  s.Remove(ctx, "here"),
		"ensure":  s.EnsureBucket(ctx),
		"health":  s.Health(ctx),
		"update":  s.Update(ctx, "up", "text/plain", func([]byte) ([]byte, error) { return []byte("x"), nil }),
		"listing": listError(ctx, s),
	} {
		if !errors.Is(err, artifacts.ErrUnavailable) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func listError(ctx context.Context, s *artifacts.Store) error {
	for _, err := range s.List(ctx, "") {
		return err
	}
	return nil
}

func TestContentChangedBehindTheServerIsCorrupt(t *testing.T) {
	cfg, dir := server(t)
	s := artifactstest.Open(t, cfg)
	for name, damage := range map[string]func([]byte) []byte{
		"changed":   func(b []byte) []byte { b[10] ^= 1; return b },
		"shortened": func(b []byte) []byte { return b[:50] },
		"lengthened": func(b []byte) []byte {
			return append(b, "more"...)
		},
		"emptied": func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			claim := artifactstest.Put(t, s, "runs/"+name, "application/octet-stream", string(bytesOf(100)))
			file := filepath.Join(dir, artifactstest.Bucket, "runs", name)
			if err := os.WriteFile(file, damage(bytesOf(100)), 0o600); err != nil {
				t.Fatal(err)
			}
			if b, err := s.ReadAll(t.Context(), claim, 1000); !errors.Is(err, artifacts.ErrCorrupt) || b != nil {
				t.Errorf("read %d bytes, error %v", len(b), err)
			}
			// Putting the same again must not vouch for what is there.
			_, err := s.Put(t.Context(), claim.Key, claim.MediaType, bytes.NewReader(bytesOf(100)))
			if !errors.Is(err, artifacts.ErrCorrupt) && !errors.Is(err, artifacts.ErrExists) {
				t.Errorf("putting it again: error is %v", err)
			}
		})
	}
}

// pattern is a stream that is nowhere in memory as a whole.
type pattern struct{ rng *rand.ChaCha8 }

func (p pattern) Read(b []byte) (int, error) { return p.rng.Read(b) }

func TestLargeContentPassesInConstantMemory(t *testing.T) {
	const size, limit = 256 << 20, 48 << 20 // the server runs in this process, and counts
	s := artifactstest.New(t)
	peak := watchHeap(t)
	claim, err := s.Put(t.Context(), "runs/large/1/log", "text/csv", io.LimitReader(pattern{rand.NewChaCha8([32]byte{})}, size))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); err != nil || n != size {
		t.Fatalf("read %d bytes, error %v", n, err)
	}
	if got := peak(); got > limit {
		t.Errorf("heap grew to %d MiB, limit %d MiB", got>>20, limit>>20)
	} else {
		t.Logf("heap peak %d MiB for %d MiB of content", got>>20, size>>20)
	}
}

// watchHeap samples the live heap until the returned function is called.
func watchHeap(t *testing.T) func() uint64 {
	t.Helper()
	runtime.GC()
	stop, result := make(chan struct{}), make(chan uint64)
	go func() {
		var m runtime.MemStats
		var peak uint64
		for {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
			select {
			case <-stop:
				result <- peak
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(stop); return <-result }
}
