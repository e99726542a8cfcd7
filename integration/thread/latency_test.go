package thread_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"

	contract "github.com/fiord-bench/fiord/events"
)

// BenchmarkPushToContainer measures from the webhook's 202 to the start of the
// fio container: checkout, fiord.yaml, placement, guard and everything between,
// over four events on a synced server. Beside it stands what the engine itself
// takes to create and start such a container, asked directly in the same
// session; the figure that is ours is the difference.
func BenchmarkPushToContainer(b *testing.B) {
	engine := engineClient(b)
	f := start(b, b.TempDir(), "--bench.runner=docker", "--ingest.checkout.allow_local", "--log.level=warn")
	repo := newRepository(b, f)
	if err := os.Remove(repo.bare + "/hooks/post-receive"); err != nil {
		b.Fatal(err)
	}
	seen := watchStarts(b, engine)
	var whole, bare []time.Duration
	ours := map[string]bool{}
	for i := 0; b.Loop(); i++ {
		before := zeroCommit
		if i > 0 {
			before = strings.TrimSpace(git(b, repo.work, "rev-parse", "HEAD"))
		}
		after, _ := repo.push(map[string]string{"fiord.yaml": shortYAML, "short.fio": fmt.Sprintf("# %d\n[none]\nioengine=null\nsize=4k\n", i)})
		accepted := post(b, f, repo.bare, before, after)
		run := await(f, "run.completed", func(e event[contract.RunCompleted]) bool { return !ours[e.Data.Run] }).Data.Run
		ours[run] = true
		whole = append(whole, seen.of(b, run).Sub(accepted))
		bare = append(bare, bareStart(b, engine, seen))
	}
	b.ReportMetric(float64(median(whole).Milliseconds()), "ms-202-to-container")
	b.ReportMetric(float64(median(bare).Milliseconds()), "ms-engine-alone")
	b.ReportMetric(float64((median(whole) - median(bare)).Milliseconds()), "ms-ours")
}

// shortYAML asks for one run that is over at once.
const shortYAML = `version: 1
on:
  push: {branches: [main]}
benches:
  - name: short
    jobs: [short.fio]
`

const zeroCommit = "0000000000000000000000000000000000000000"

func engineClient(b *testing.B) *client.Client {
	b.Helper()
	engine, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = engine.Close() })
	return engine
}

// post sends what the git hook would send, and returns when the 202 came.
func post(b *testing.B, f *fiord, bare, before, after string) time.Time {
	b.Helper()
	body, err := json.Marshal(map[string]any{
		"repo": map[string]string{"name": "lab/jobs", "clone_url": "file://" + bare, "default_branch": "main"},
		"user": "bench", "ref": "refs/heads/main", "before": before, "after": after,
	})
	if err != nil {
		b.Fatal(err)
	}
	secret, err := os.ReadFile(f.at.Secret)
	if err != nil {
		b.Fatal(err)
	}
	stamp := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, bytes.TrimSpace(secret))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, f.at.Ingest+"/hooks/git", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Fiord-Event": "push", "X-Fiord-Delivery": after,
		"X-Fiord-Timestamp": stamp, "X-Fiord-Signature": "sha256=" + hex.EncodeToString(mac.Sum(nil)),
	} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	at := time.Now()
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusAccepted {
		says, _ := io.ReadAll(resp.Body)
		b.Fatalf("status %s: %s", resp.Status, says)
	}
	return at
}

// starts notes when each container started, by the engine's own word and clock;
// the engine may have other work, so containers are told apart.
type starts struct {
	mu sync.Mutex
	at map[string]time.Time // by container id, and by the run it is labelled with
}

func watchStarts(b *testing.B, engine *client.Client) *starts {
	b.Helper()
	s := &starts{at: map[string]time.Time{}}
	messages, failed := engine.Events(b.Context(), events.ListOptions{Filters: filters.NewArgs(filters.Arg("event", "start"))})
	go func() {
		for {
			select {
			case m := <-messages:
				s.mu.Lock()
				s.at[m.Actor.ID] = time.Unix(0, m.TimeNano)
				s.at[m.Actor.Attributes["dev.fiord.run"]] = time.Unix(0, m.TimeNano)
				s.mu.Unlock()
			case err := <-failed:
				if b.Context().Err() == nil {
					b.Error(err)
				}
				return
			}
		}
	}()
	return s
}

func (s *starts) of(b *testing.B, key string) time.Time {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		at, ok := s.at[key]
		s.mu.Unlock()
		if ok {
			return at
		}
	}
	b.Fatalf("the engine did not tell that %s started", key)
	return time.Time{}
}

// bareStart creates and starts a container of the same image and limits, as
// lean a way as the engine has.
func bareStart(b *testing.B, engine *client.Client, seen *starts) time.Duration {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	begin := time.Now()
	made, err := engine.ContainerCreate(ctx, &container.Config{Image: "fiord-fio:latest", Cmd: []string{"fio", "--version"}},
		&container.HostConfig{NetworkMode: "none", ReadonlyRootfs: true, CapDrop: []string{"ALL"}, AutoRemove: true}, nil, nil, "")
	if err != nil {
		b.Fatal(err)
	}
	if err := engine.ContainerStart(ctx, made.ID, container.StartOptions{}); err != nil {
		b.Fatal(err)
	}
	return seen.of(b, made.ID).Sub(begin)
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}
