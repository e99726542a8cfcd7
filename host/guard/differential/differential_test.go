package differential

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	duration = flag.Duration("differential.for", 5*time.Second, "how long jobs are drawn and run")
	workers  = flag.Int("differential.workers", 2, "sandboxes at once")
	seed     = flag.Uint64("differential.seed", 1, "of the random numbers; 0 for a new one")
	verbose  = flag.Bool("differential.verbose", false, "print what fio complains of")
	keep     = flag.String("differential.keep", "", "folder for jobs that break the guard, made as small as they go")
)

// need finds a program or skips; in CI its absence is a failure.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("%s is missing: apt-get install %s", program, program)
	default:
		t.Skipf("%s is missing: apt-get install %s", program, program)
	}
	return path
}

// open starts a sandbox or skips where the kernel allows none.
func open(t *testing.T) *sandbox {
	t.Helper()
	need(t, "strace")
	need(t, "fio")
	s, err := startSandbox()
	if err == nil {
		_, err = s.run("[a]\nioengine=null\nsize=4k\n")
	}
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("no sandbox: %v (user namespaces must be allowed)", err)
	default:
		t.Skipf("no sandbox: %v (user namespaces must be allowed)", err)
	}
	t.Cleanup(s.close)
	return s
}

// tally counts what became of the jobs.
type tally struct {
	mu      sync.Mutex
	drawn   int
	refused map[string]int // by the guard's rule
	ran     int
	well    int // fio ended with 0
	counted int // of those that ran, with a bound on their space
	ended   int // for taking too long
	broken  map[string]string
}

func (c *tally) add(got outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drawn++
	if got.Refused != "" {
		c.refused[got.Refused]++
		return
	}
	c.ran++
	if got.Exit == 0 && !got.Timeout {
		c.well++
	}
	if got.Counted {
		c.counted++
	}
	if got.Timeout {
		c.ended++
	}
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var rules []string
	for _, rule := range slices.Sorted(maps.Keys(c.refused)) {
		rules = append(rules, fmt.Sprintf("%s %d", rule, c.refused[rule]))
	}
	return fmt.Sprintf("%d jobs drawn; the guard refused %d (%s); %d ran, %d of them with their space counted; fio did %d, refused or failed %d, and was ended in %d; %d kinds of breach",
		c.drawn, c.drawn-c.ran, strings.Join(rules, ", "), c.ran, c.counted, c.well, c.ran-c.well-c.ended, c.ended, len(c.broken))
}

func TestFioDoesNothingThatTheGuardDidNotKnowOf(t *testing.T) {
	fio := need(t, "fio")
	open(t)
	table, err := readTable(fio)
	if err != nil {
		t.Fatal(err)
	}
	from := *seed
	if from == 0 {
		from = rand.Uint64()
	}
	t.Logf("seed %d", from)
	sum := &tally{refused: map[string]int{}, broken: map[string]string{}}
	until := time.Now().Add(*duration)
	var wg sync.WaitGroup
	for w := range *workers {
		wg.Go(func() {
			s, err := startSandbox()
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { s.close() }()
			g := &generator{Rand: rand.New(rand.NewPCG(from, uint64(w))), table: table} //nolint:gosec // nothing secret
			for time.Now().Before(until) {
				text := g.job()
				got, err := s.run(text)
				if err != nil {
					t.Errorf("the sandbox broke: %v\n%s", err, text)
					return
				}
				sum.add(got)
				if *verbose && got.Exit != 0 {
					fmt.Println("fio:", got.Said)
				}
				if len(got.Breaches) > 0 {
					sum.breach(t, s, text, got.Breaches)
				}
			}
		})
	}
	progress := time.NewTicker(time.Minute)
	defer progress.Stop()
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-progress.C:
			fmt.Println(sum)
		case <-done:
			running = false
		}
	}
	t.Log(sum)
	if sum.ran == 0 {
		t.Error("no job ran")
	}
}

// breach makes a job that breaks the guard small and reports it.
func (c *tally) breach(t *testing.T, s *sandbox, text string, found []string) {
	small, why := shrink(s, text, found[0])
	kind := kindOf(why)
	c.mu.Lock()
	first := c.broken[kind] == ""
	c.broken[kind] = small
	c.mu.Unlock()
	if !first {
		return
	}
	t.Errorf("%s\n%s", why, small)
	if *keep != "" {
		name := fmt.Sprintf("%x.fio", sha256.Sum256([]byte(small)))[:12] + ".fio"
		body := "# " + why + "\n" + small
		if err := os.WriteFile(filepath.Join(*keep, name), []byte(body), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// kindOf is what a breach is about, without the names in it.
func kindOf(why string) string {
	words := strings.Fields(why)
	return strings.Join(words[:min(len(words), 2)], " ")
}

// shrink takes lines away for as long as the same kind of breach remains.
func shrink(s *sandbox, text, why string) (small, reason string) {
	lines := strings.SplitAfter(text, "\n")
	for again, tries := true, 0; again && tries < 300; {
		again = false
		for i := 0; i < len(lines) && tries < 300; i++ {
			fewer := slices.Delete(slices.Clone(lines), i, i+1)
			tries++
			got, err := s.run(strings.Join(fewer, ""))
			if err != nil {
				return strings.Join(lines, ""), why
			}
			for _, b := range got.Breaches {
				if kindOf(b) == kindOf(why) {
					lines, why, again = fewer, b, true
					i--
					break
				}
			}
		}
	}
	return strings.Join(lines, ""), why
}

// Jobs that once did what the guard did not know of.
func TestJobsThatOnceBrokeTheGuard(t *testing.T) {
	s := open(t)
	jobs, err := filepath.Glob("testdata/found/*.fio")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range jobs {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".fio"), func(t *testing.T) {
			text, err := os.ReadFile(path) //nolint:gosec // a job of this test
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.run(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Breaches) > 0 {
				t.Errorf("%s\n%s", strings.Join(got.Breaches, "\n"), text)
			}
		})
	}
}
