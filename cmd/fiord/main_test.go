package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/events"
)

// fiord is a running `fiord up`.
type fiord struct {
	t    testing.TB
	dir  string
	conn connection.Connection
	out  *buffer
	stop func() int // ends it and returns the exit code
}

// anyPort are the flags that let several fiords run on one machine. fio runs
// as a process: what Docker does is tested by the bench service.
func anyPort() []string {
	return []string{
		"--nats.listen=127.0.0.1:0", "--s3.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0",
		"--plot.listen=127.0.0.1:0", "--ingest.listen=127.0.0.1:0", "--bench.runner=process", "--bench.host=here", "--log.level=warn",
	}
}

// startUp runs `fiord up` in this process until the test ends.
func startUp(t testing.TB, dir string, args ...string) *fiord {
	t.Helper()
	if _, err := exec.LookPath("fio"); err != nil {
		missing(t, "fio is not installed: apt-get install fio")
	}
	f := &fiord{t: t, dir: dir, out: &buffer{}}
	ready, ended := make(chan connection.Connection, 1), make(chan int, 1)
	ctx, cancel := context.WithCancel(context.Background())
	p := program{stdin: strings.NewReader(""), stdout: f.out, stderr: t.Output(), onUp: func(c connection.Connection) { ready <- c }}
	go func() {
		ended <- p.run(ctx, slices.Concat([]string{"up", "--data", dir}, anyPort(), args))
	}()
	f.stop = sync.OnceValue(func() int { cancel(); return <-ended })
	t.Cleanup(func() {
		if code := f.stop(); code != 0 {
			t.Errorf("fiord up ended with %d", code)
		}
	})
	select {
	case f.conn = <-ready:
	case code := <-ended:
		f.stop = func() int { return code }
		t.Fatalf("fiord up ended with %d before it was ready", code)
	case <-time.After(60 * time.Second):
		t.Fatal("fiord up is not ready after a minute")
	}
	return f
}

// missing skips, or fails where everything must be there.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// command runs a command against the fiord.
func (f *fiord) command(args ...string) (code int, stdout, stderr string) {
	f.t.Helper()
	return command(f.t, "", []string{"FIORD_DATA=" + f.dir}, args...)
}

func command(t testing.TB, stdin string, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs buffer
	p := program{environ: environ, stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	code = p.run(ctx, args)
	t.Logf("fiord %s: exit code %d\n%s%s", strings.Join(args, " "), code, out.String(), errs.String())
	return code, out.String(), errs.String()
}

// buffer is a bytes.Buffer for two goroutines.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// jobFile writes a job that measures nothing for a moment.
func jobFile(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "null.fio")
	text := "[null]\nioengine=null\nrw=randread\nbs=4k\nsize=64m\nruntime=1\ntime_based=1\n" + strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func contains(t testing.TB, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestAJobIsMeasuredAndReported(t *testing.T) {
	f := startUp(t, t.TempDir())
	t.Run("summary", func(t *testing.T) {
		code, out, progress := f.command("run", jobFile(t), "--matrix", "iodepth=1,4", "--repeat=2")
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
		contains(t, out, "null.fio", "iodepth=1", "iodepth=4", "here", "read", f.conn.WebURL)
		contains(t, progress, "placed on 1 slot, 4 runs", "iodepth=4 repeat 2 on here: completed: read")
	})
	t.Run("json", func(t *testing.T) {
		code, out, _ := f.command("run", jobFile(t), "--json", "--name", "j")
		var got result
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if code != 0 || got.Name != "j" || got.Counts.Completed != 1 || len(got.Rows) != 1 || got.Rows[0].IOPS < 1 || got.End != events.TypeBenchReported {
			t.Errorf("exit code %d, %+v", code, got)
		}
	})
	t.Run("detached, shown, listed, run again", func(t *testing.T) {
		_, out, _ := f.command("run", jobFile(t), "--detach")
		id := strings.TrimSpace(out)
		if !events.IsID(id) {
			t.Fatalf("%q is no id", id)
		}
		code, out, _ := f.command("rerun", id, "--json")
		var again result
		if err := json.Unmarshal([]byte(out), &again); err != nil || code != 0 || again.Bench == id {
			t.Errorf("rerun: exit code %d, %+v, %v", code, again, err)
		}
		f.command("watch", "--since=1h", "--bench", id, "--type=bench.reported", "-n=1")
		_, out, _ = f.command("show", id)
		contains(t, out, "bench.requested", "bench.placed", "runs.requested", "run.started", "run.completed", "bench.reported")
		_, out, _ = f.command("runs")
		contains(t, out, id, again.Bench, "1/1")
	})
	t.Run("page", func(t *testing.T) {
		_, out, _ := f.command("run", jobFile(t), "--json")
		var got result
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if status := get(t, got.URL); status != http.StatusOK {
			t.Errorf("GET %s: %d", got.URL, status)
		}
	})
}

func get(t testing.TB, url string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestOutcomesThatAreNotWell(t *testing.T) {
	f := startUp(t, t.TempDir())
	t.Run("nobody matches", func(t *testing.T) {
		code, out, _ := f.command("run", jobFile(t), "--group", "nvme")
		if code != 5 {
			t.Errorf("exit code %d, want 5", code)
		}
		contains(t, out, "not placed", "nvme")
	})
	t.Run("refused by the host", func(t *testing.T) {
		code, out, _ := f.command("run", jobFile(t, "ioengine=psync", "rw=randwrite", "filename=/etc/passwd"))
		if code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		contains(t, out, "on here: rejected", "/etc/passwd")
	})
	t.Run("cancelled", func(t *testing.T) {
		_, out, _ := f.command("run", jobFile(t, "runtime=60"), "--detach")
		id := strings.TrimSpace(out)
		if code, _, _ := f.command("watch", "--since=1h", "--bench", id, "--type=run.started", "-n=1"); code != 0 {
			t.Fatalf("watch: exit code %d", code)
		}
		if code, _, _ := f.command("cancel", id, "--reason", "enough"); code != 0 {
			t.Fatalf("cancel: exit code %d", code)
		}
		f.command("watch", "--since=1h", "--bench", id, "--type=bench.cancelled", "-n=1")
		if code, _, stderr := f.command("cancel", id); code != 2 || !strings.Contains(stderr, "has ended already (cancelled)") {
			t.Errorf("cancelled again: exit code %d, %s", code, stderr)
		}
		_, out, _ = f.command("show", id)
		contains(t, out, "cancelled by", "enough")
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		var out, errs buffer
		p := program{environ: []string{"FIORD_DATA=" + f.dir}, stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
		ended := make(chan int)
		go func() { ended <- p.run(ctx, []string{"run", jobFile(t, "runtime=60")}) }()
		for !strings.Contains(errs.String(), "started") {
			time.Sleep(20 * time.Millisecond)
		}
		interrupt()
		if code := <-ended; code != 6 {
			t.Errorf("exit code %d, want 6", code)
		}
		contains(t, errs.String(), "cancelling bench")
		contains(t, out.String(), "interrupted at the keyboard")
	})
}

func TestBadInputIsRefusedBeforeAnythingHappens(t *testing.T) {
	f := startUp(t, t.TempDir())
	broken := jobFile(t, "rw=sideways")
	for name, in := range map[string]struct {
		args []string
		want string
	}{
		"syntax of fio":    {[]string{"run", broken}, broken + ":8"},
		"missing job file": {[]string{"run", "none.fio"}, "none.fio: no such file"},
		"no job file":      {[]string{"run"}, "requires at least 1 arg"},
		"matrix":           {[]string{"run", jobFile(t), "--matrix", "bs"}, "want option=value,value"},
		"unknown flag":     {[]string{"run", "--speed=9"}, "unknown flag: --speed"},
		"unknown type":     {[]string{"publish", "bench.wanted"}, "no type"},
		"unknown field":    {[]string{"publish", "cancel.requested", "--data", file(t, `{"bench":"`+events.HashID("x")+`","reason":"r","by":"b","why":1}`)}, "why"},
		"missing field":    {[]string{"publish", "cancel.requested", "--data", file(t, `{"reason":"r","by":"b"}`)}, "bench"},
		"no JSON":          {[]string{"publish", "cancel.requested", "--data", file(t, `{`)}, "not JSON"},
		"unknown bench":    {[]string{"show", events.HashID("nobody")}, "no such bench"},
		"no id":            {[]string{"cancel", "all"}, "is not an id"},
		"no letter":        {[]string{"dead", "show", "7"}, "no such dead letter"},
		"no number":        {[]string{"dead", "redrive", "x"}, "is not the number of a dead letter"},
		"no stretch":       {[]string{"replay", "plot-draw"}, "is no stretch"},
		"nothing to purge": {[]string{"dead", "purge"}, "name letters by number"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := f.command(in.args...)
			if code != 2 || !strings.Contains(stderr, in.want) {
				t.Errorf("exit code %d, want 2 and %q", code, in.want)
			}
		})
	}
	if _, out, _ := f.command("runs"); strings.Contains(out, "null") {
		t.Error("something was requested nevertheless")
	}
}

func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestScriptsPublishAndWatch(t *testing.T) {
	f := startUp(t, t.TempDir())
	request := `{"name":"scripted","jobs":[{"name":"a.fio","inline":"[a]\nioengine=null\nsize=1m\n"}]}`
	code, out, _ := command(t, request, []string{"FIORD_DATA=" + f.dir}, "publish", "bench.requested", "--data", "-", "--json")
	var published struct{ ID, Bench string }
	if err := json.Unmarshal([]byte(out), &published); err != nil || code != 0 {
		t.Fatalf("exit code %d: %v", code, err)
	}
	code, out, _ = f.command("watch", "--since=1h", "--bench", published.Bench, "--type=bench.reported", "-n=1", "--json")
	var got struct {
		Type string
		Data events.BenchReported
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Data.Bench != published.Bench || got.Data.Counts.Completed != 1 {
		t.Errorf("exit code %d, %+v, %v", code, got, err)
	}
	_, out, _ = f.command("hosts", "--facts")
	contains(t, out, "here", "alive", "default", "architecture==")
	if code, _, _ := f.command("dead", "ls"); code != 0 {
		t.Errorf("dead ls: exit code %d", code)
	}
	_, out, _ = f.command("schema", "run.completed")
	contains(t, out, `"integrity"`)
	_, out, _ = f.command("schema")
	contains(t, out, "dev.fiord.bench.requested.v1")
}

func TestAScriptReactsDurably(t *testing.T) {
	f := startUp(t, t.TempDir())
	out := filepath.Join(t.TempDir(), "results")
	react := func(script string) (stop func() int, errs *buffer) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		errs = &buffer{}
		p := program{environ: append(os.Environ(), "FIORD_DATA="+f.dir, "OUT="+out), stdin: strings.NewReader(""), stdout: errs, stderr: errs}
		ended := make(chan int, 1)
		go func() {
			ended <- p.run(ctx, []string{"on", "run.completed", "--name=collect", "--attempts=2", "--", "sh", "-c", script, "{result.json}"})
		}()
		eventually(t, "the reaction to wait", func() bool { return strings.Contains(errs.String(), "on-collect waits") })
		return sync.OnceValue(func() int { cancel(); return <-ended }), errs
	}
	stop, _ := react(`grep -q '"' "$0" && echo $FIORD_EVENT_ID >> "$OUT"`)
	f.command("run", jobFile(t))
	eventually(t, "the first event", func() bool { return lines(out) == 1 })
	if code := stop(); code != 0 {
		t.Errorf("stopped with %d", code)
	}
	f.command("run", jobFile(t)) // while nobody listens
	stop, _ = react(`echo $FIORD_EVENT_ID >> "$OUT"`)
	eventually(t, "the event of the meantime", func() bool { return lines(out) == 2 })
	stop()
	stop, _ = react(`echo no luck >&2; exit 1`)
	f.command("run", jobFile(t))
	eventually(t, "a dead letter", func() bool {
		_, list, _ := f.command("dead", "ls", "--reaction", "on-collect")
		return strings.Contains(list, "exit status 1")
	})
	stop()
	stop, _ = react(`echo $FIORD_EVENT_ID >> "$OUT"`)
	if code, _, _ := f.command("dead", "redrive", "--reaction", "on-collect"); code != 0 {
		t.Errorf("redrive: exit code %d", code)
	}
	eventually(t, "the redriven event", func() bool { return lines(out) == 3 })
	stop()
	if code, _, stderr := f.command("on", "run.completed", "cat"); code != 2 || !strings.Contains(stderr, "then --, then a command") {
		t.Errorf("without --: exit code %d, %s", code, stderr)
	}
}

func lines(file string) int {
	text, _ := os.ReadFile(file) // missing: none yet
	return strings.Count(string(text), "\n")
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestWhatACloudPrintsBecomesAnInventory(t *testing.T) {
	f := startUp(t, t.TempDir())
	environ := []string{"FIORD_DATA=" + f.dir}
	described := `{"Reservations": [{"OwnerId": "123456789012", "Instances": [{"InstanceId": "i-0a1b2c3d", "InstanceType": "t3.micro",
		"State": {"Name": "running"}, "Placement": {"AvailabilityZone": "eu-west-1a"}, "PrivateIpAddress": "10.0.0.7",
		"LaunchTime": "2026-01-02T03:04:05Z", "Tags": [{"Key": "Name", "Value": "web"}]}]}]}`
	code, out, _ := command(t, described, environ, "discover", "-")
	if code != 0 || !strings.Contains(out, "1 instance in aws format") {
		t.Fatalf("exit code %d", code)
	}
	code, out, _ = f.command("watch", "--since=1h", "--type=inventory.generated", "-n=1", "--json")
	if code != 0 || !strings.Contains(out, "hosts.yaml") {
		t.Errorf("no inventory: exit code %d, %s", code, out)
	}
	for name, document := range map[string]string{"cut short": described[:200], "foreign": `{"hello": "world"}`, "empty": ""} {
		if code, _, _ := command(t, document, environ, "discover", "-"); code != 2 {
			t.Errorf("%s: exit code %d, want 2", name, code)
		}
	}
}

func TestLintSaysWhatAPushWouldBeTold(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("fiord.yaml", "version: 1\nbenches:\n  - name: a\n    jobs: [a.fio]\n")
	write("a.fio", "[a]\nioengine=null\nsize=1m\nruntime=5\ntime_based=1\n")
	if code, out, _ := command(t, "", nil, "lint", dir); code != 0 || !strings.Contains(out, "0 problems") {
		t.Errorf("a good folder: exit code %d", code)
	}
	write("a.fio", "[a]\nrw=sideways\n")
	code, out, _ := command(t, "", nil, "lint", dir, "--json")
	if code != 2 || !strings.Contains(out, `"line":2`) {
		t.Errorf("a bad job: exit code %d", code)
	}
	if code, _, stderr := command(t, "", nil, "lint", filepath.Join(dir, "none")); code != 2 || !strings.Contains(stderr, "no such file") {
		t.Errorf("no file: exit code %d", code)
	}
}

func TestUpTellsWhereItIsAndKeepsItsSecrets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data")
	f := startUp(t, dir)
	contains(t, f.out.String(), "fiord is up", f.conn.NATS.URL, f.conn.S3.Endpoint, f.conn.WebURL, f.conn.AdminURL, dir)
	if status := get(t, f.conn.AdminURL+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d", status)
	}
	err := filepath.WalkDir(filepath.Join(dir, "credentials"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	code, _, stderr := command(t, "", nil, slices.Concat([]string{"up", "--data", dir}, anyPort())...)
	if code != 1 || !strings.Contains(stderr, fmt.Sprintf("another fiord up (process %d) runs on %s", os.Getpid(), dir)) {
		t.Errorf("a second one on the same folder: exit code %d\n%s", code, stderr)
	}
	code, _, stderr = command(t, "", nil, slices.Concat([]string{"up", "--data", t.TempDir()}, anyPort(), []string{"--plot.listen=" + strings.TrimPrefix(f.conn.WebURL, "http://")})...)
	if code != 1 || !strings.Contains(stderr, "--plot.listen (port 0 takes any free one)") {
		t.Errorf("a second one on the same port: exit code %d\n%s", code, stderr)
	}
}

func TestUpGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	first := startUp(t, dir)
	_, out, _ := first.command("run", jobFile(t), "--json")
	var before result
	if err := json.Unmarshal([]byte(out), &before); err != nil {
		t.Fatal(err)
	}
	if code := first.stop(); code != 0 {
		t.Fatalf("stopped with %d", code)
	}
	if code, _, stderr := first.command("runs"); code != 1 || !strings.Contains(stderr, "is fiord up running?") {
		t.Errorf("commands to a stopped fiord: exit code %d\n%s", code, stderr)
	}
	second := startUp(t, dir)
	_, out, _ = second.command("show", before.Bench, "--json")
	var after result
	if err := json.Unmarshal([]byte(out), &after); err != nil || after.Verdict != before.Verdict {
		t.Errorf("before %+v\nafter %+v\n%v", before, after, err)
	}
}

func TestWithoutAFiordTheRemedyIsTold(t *testing.T) {
	dir := t.TempDir()
	code, _, stderr := command(t, "", nil, "runs", "--data", dir)
	if code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	contains(t, stderr, "no running fiord is known here", "fiord up", dir)
}

func TestUpRefusesWrongSettings(t *testing.T) {
	for name, in := range map[string]struct {
		args []string
		want string
	}{
		"unknown flag": {[]string{"--plots.listen=:0"}, "unknown flag"},
		"bad address":  {[]string{"--s3.listen=nowhere"}, "want host:port"},
		"no pools":     {[]string{"--bench.capacity=0"}, "bench: capacity and starts must be at least 1"},
		"missing file": {[]string{"--config=none.yaml"}, "none.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			code, _, stderr := command(t, "", nil, slices.Concat([]string{"up", "--data", dir}, anyPort(), in.args)...)
			if code == 0 || !strings.Contains(stderr, in.want) {
				t.Errorf("exit code %d, want %q", code, in.want)
			}
		})
	}
}
