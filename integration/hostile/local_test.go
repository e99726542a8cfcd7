package hostile_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// another is a user of the machine who has nothing to do with fiord.
const another = 61234

// as runs a shell's command as another user.
func as(t *testing.T, script string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", script, "sh"}, args...)...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: another, Gid: another}}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// openFolder is one that every user of the machine may enter: fiord's own modes
// alone keep them out of what it keeps there.
func openFolder(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "only root can be another user: run as root")
	}
	dir, err := os.MkdirTemp("", "fiord-open-")
	if err == nil {
		err = os.Chmod(dir, 0o755) //nolint:gosec // as said
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestAnotherUserOfTheMachineGetsNothing(t *testing.T) {
	dir := filepath.Join(openFolder(t), "data")
	f := startFiord(t, dir)
	job := filepath.Join(t.TempDir(), "slow.fio")
	if err := os.WriteFile(job, []byte("[slow]\nrw=randread\nsize=1m\ntime_based\nruntime=60\nrate_iops=100\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	measured := make(chan struct{})
	go func() { defer close(measured); _, _ = f.run("run", job) }()
	fio := running(t, "FIORD_RUN=")
	defer func() {
		_ = syscall.Kill(fio, syscall.SIGTERM) // ours, found by its environment
		<-measured
	}()
	for name, script := range map[string]string{
		"list the data folder":         `ls "$1"`,
		"read the connection":          `cat "$1/connection.yaml"`,
		"read a key":                   `cat "$1"/credentials/people/nats.nk`,
		"read results that wait":       `ls "$1/bench/spool"`,
		"read what is measured":        `ls "$1/scratch"`,
		"put a file into what is":      `touch "$1/scratch/planted"`,
		"put a link into what is":      `ln -s /etc/passwd "$1/scratch/planted"`,
		"put a link into the spool":    `ln -s /etc/passwd "$1/bench/spool/planted"`,
		"hold the gate":                `flock -n "$1/gate" true`,
		"hold the gate's turn":         `flock -n "$1/gate.turn" true`,
		"hold the data folder":         `flock -n "$1/lock" true`,
		"signal fio":                   `kill -0 "$2"`,
		"read fio's environment":       `cat "/proc/$2/environ"`,
		"read fio's memory":            `cat "/proc/$2/maps"`,
		"go through fio's files":       `cat "/proc/$2/cwd/job.fio" || ls "/proc/$2/fd/"`,
		"go through fio's root folder": `ls "/proc/$2/root/"`,
	} {
		if out, err := as(t, script, dir, strconv.Itoa(fio)); err == nil {
			t.Errorf("%s: %s", name, out)
		}
	}
	// The addresses are open to every user of the machine: who comes without
	// credentials gets nothing by them.
	if nc, err := nats.Connect(f.at.NATS); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("NATS lets in whoever comes: %v, %v", nc, err)
	}
	for name, tt := range map[string]struct {
		method, url string
		status      []int
	}{
		"S3, a list":        {"GET", "http://" + strings.TrimPrefix(f.at.S3, "http://") + "/fiord?list-type=2", []int{403}},
		"S3, a job":         {"PUT", "http://" + strings.TrimPrefix(f.at.S3, "http://") + "/fiord/jobs/x.fio", []int{403}},
		"an event":          {"POST", f.at.Ingest + "/events", []int{401}},
		"a webhook":         {"POST", f.at.Ingest + "/hooks/git", []int{401}},
		"the page, changed": {"POST", f.at.Web + "/", []int{403, 404, 405}},
		"admin, changed":    {"POST", f.at.Admin + "/metrics", []int{403, 404, 405}},
	} {
		request, err := http.NewRequestWithContext(t.Context(), tt.method, tt.url, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if strings.HasSuffix(tt.url, "/events") {
			request.Header.Set("Content-Type", "application/cloudevents+json")
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = response.Body.Close()
		ok := false
		for _, s := range tt.status {
			ok = ok || response.StatusCode == s
		}
		if !ok {
			t.Errorf("%s: status %d, want one of %v", name, response.StatusCode, tt.status)
		}
	}
}

// running waits for a process of this test's fiord and returns its number.
func running(t *testing.T, mark string) int {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		all, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, path := range all {
			env, err := os.ReadFile(path)
			// Other tests have fios too: this one's host is here.
			if err == nil && strings.Contains(string(env), mark) && strings.Contains(string(env), "FIORD_HOST=here-") {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
				return pid
			}
		}
	}
	t.Fatal("no fio runs")
	return 0
}

// What another user prepares before fiord comes is not walked into.
func TestWhatAnotherUserPreparedIsNotWalkedInto(t *testing.T) {
	at := openFolder(t)
	if err := os.Chmod(at, 0o777|os.ModeSticky); err != nil { //nolint:gosec // as /tmp is
		t.Fatal(err)
	}
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := as(t, `cd "$1" && mkdir -m 777 data scratch && ln -s "$2" scratch/planted && ln -s data link && : > gate && chmod 666 gate`, at, victim); err != nil {
		t.Fatal(out, err)
	}
	binary, err := fiordBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ dir, flag, says string }{
		"a data folder of his":       {filepath.Join(at, "data"), "", "belongs to user 61234"},
		"a link to it":               {filepath.Join(at, "link"), "", "belongs to user 61234"},
		"a gate of his, open to all": {filepath.Join(t.TempDir(), "data"), "--bench.gate=" + filepath.Join(at, "gate"), "is not this user's"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"up", "--data", tt.dir, "--nats.listen=127.0.0.1:0", "--s3.listen=127.0.0.1:0", "--admin.listen=", "--plot.listen=127.0.0.1:0", "--ingest.listen=127.0.0.1:0", "--bench.runner=process"}
			if tt.flag != "" {
				args = append(args, tt.flag)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			out, err := exec.CommandContext(ctx, binary, args...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), tt.says) {
				t.Errorf("%v, want %q:\n%s", err, tt.says, out)
			}
		})
	}
	// A folder that everybody may write is the owner's choice; the links in it
	// are not his.
	f := startFiord(t, filepath.Join(t.TempDir(), "data"), "--bench.directories="+filepath.Join(at, "scratch"))
	job := filepath.Join(t.TempDir(), "x.fio")
	if err := os.WriteFile(job, []byte("[x]\nfilename=planted\nrw=write\nsize=4k\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := f.run("run", job); err == nil || !strings.Contains(out, "planted") {
		t.Errorf("%v:\n%s", err, out)
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "kept" {
		t.Errorf("the file behind the link: %q, %v", b, err)
	}
}
