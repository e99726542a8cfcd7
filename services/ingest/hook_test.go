package ingest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/services/ingest/forge"
)

// shells that the hook may meet on git servers. sh is there always; the others
// are tried where they are installed.
var shells = map[string][]string{"sh": {"sh"}, "dash": {"dash"}, "bash": {"bash", "--posix"}, "busybox": {"busybox", "sh"}}

// receiver answers hooks and keeps what they sent.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	received []forge.Delivery
	status   int
	answer   string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusAccepted, answer: `{"events":[{"id":"abc","type":"x"}]}` + "\n"}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.received = append(r.received, forge.Delivery{Header: req.Header, Body: body})
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, r.answer)
	}))
	t.Cleanup(r.Close)
	return r
}

// answers sets what the next hooks are told. The lock is what orders it before
// them: nothing else does across processes.
func (r *receiver) answers(status int, answer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.answer = status, answer
}

// deliveries are what hooks sent so far.
func (r *receiver) deliveries() []forge.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.received)
}

// runHook runs the hook under a shell, as git does in a bare repository.
func runHook(t *testing.T, shell []string, dir, stdin string, env ...string) string {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("..", "..", "deploy", "git", "post-receive"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(shell[0], append(shell[1:], script)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append([]string{"GIT_DIR=.", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1"}, env...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the hook failed, and must never: %v\n%s", err, out)
	}
	return string(out)
}

const (
	idA   = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
	idB   = "a10867b14bb761a232cd80139fbd4c0d33264240"
	lines = idA + " " + idB + " refs/heads/main\n" + zero + " " + idB + " refs/tags/say-\"v1\"\n" + idA + " " + idB + " refs/notes/commits\n"
)

func TestHookUnderEveryShell(t *testing.T) {
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(shell[0]); err != nil {
				t.Skipf("%s is not installed: apt-get install %s", shell[0], shell[0])
			}
			dir := t.TempDir()
			run(t, dir, "git", "init", "--quiet", "--bare", "--initial-branch=trunk", ".")
			for _, key := range []string{"short", "exactly-sixty-four-bytes-long-" + strings.Repeat("k", 34), strings.Repeat("long key ", 20), "quote'\"$\\%"} {
				r := newReceiver(t)
				file := filepath.Join(t.TempDir(), "secret")
				writeFile(t, file, key+"\n", 0o600)
				output := runHook(t, shell, dir, lines, "FIORD_HOOK_URL="+r.URL+"/", "FIORD_HOOK_SECRET_FILE="+file,
					`FIORD_HOOK_REPOSITORY=lab/jo"b\s`, "FIORD_HOOK_CLONE_URL=ssh://git@h/lab/jobs", "FIORD_HOOK_WEB_URL=https://h/lab", "REMOTE_USER=bench-bot")
				if want := "fiord: main: push abc received\nfiord: say-\"v1\": push abc received\n"; output != want {
					t.Errorf("the pusher saw %q, want %q", output, want)
				}
				if len(r.deliveries()) != 2 {
					t.Fatalf("%d deliveries, want 2", len(r.deliveries()))
				}
				verify(t, r.deliveries()[0], key)
				verify(t, r.deliveries()[1], key)
			}
		})
	}
}

// verify holds a delivery to the other end's idea of it.
func verify(t *testing.T, d forge.Delivery, key string) {
	t.Helper()
	if _, err := (forge.Git{}).Verify(d, []forge.Key{{ID: "k", Secret: []byte(key)}}, time.Now()); err != nil {
		t.Errorf("signature with key %q: %v", key, err)
	}
	var body struct {
		Repo forge.Repo `json:"repo"`
		User string     `json:"user"`
		Ref  string     `json:"ref"`
	}
	if err := json.Unmarshal(d.Body, &body); err != nil {
		t.Fatalf("body %s: %v", d.Body, err)
	}
	if body.Repo.Name != `lab/jo"b\s` || body.Repo.CloneURL != "ssh://git@h/lab/jobs" || body.Repo.DefaultBranch != "trunk" || body.User != "bench-bot" {
		t.Errorf("body %s", d.Body)
	}
}

func TestHookTellsThePusherWhatWentWrong(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "git", "init", "--quiet", "--bare", ".")
	file := filepath.Join(t.TempDir(), "secret")
	writeFile(t, file, "s\n", 0o600)
	r := newReceiver(t)
	r.answers(http.StatusForbidden, `{"type":"x","title":"The signature is not valid","status":403,"detail":"the key \"lab\" is not meant for <it>"}`)
	line := idA + " " + idB + " refs/heads/main\n"
	tests := map[string]struct {
		env  []string
		says string
	}{
		"refused":        {[]string{"FIORD_HOOK_URL=" + r.URL, "FIORD_HOOK_SECRET_FILE=" + file}, "not told, status 403: The signature is not valid: the key 'lab' is not meant for <it>\n"},
		"nobody answers": {[]string{"FIORD_HOOK_URL=http://127.0.0.1:1", "FIORD_HOOK_SECRET_FILE=" + file}, "http://127.0.0.1:1 does not answer"},
		"no secret":      {[]string{"FIORD_HOOK_URL=" + r.URL}, "set fiord.secretFile"},
		"secret is gone": {[]string{"FIORD_HOOK_URL=" + r.URL, "FIORD_HOOK_SECRET_FILE=/nowhere"}, "set fiord.secretFile"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if output := runHook(t, []string{"sh"}, dir, line, tt.env...); !strings.Contains(output, tt.says) {
				t.Errorf("the pusher saw %q, want %q", output, tt.says)
			}
		})
	}
}

func TestHookTriesTheConnectionByHand(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "git", "init", "--quiet", "--bare", ".")
	file := filepath.Join(t.TempDir(), "secret")
	writeFile(t, file, "a secret of the hook\n", 0o600)
	r := newReceiver(t)
	r.answers(http.StatusOK, `{"message":"the connection works"}`)
	output := runHook(t, []string{"sh", "-c", `exec sh "$0" ping`}, dir, "", "FIORD_HOOK_URL="+r.URL, "FIORD_HOOK_SECRET_FILE="+file, "FIORD_HOOK_REPOSITORY=lab/jobs")
	if output != "fiord: lab/jobs: the connection works\n" || len(r.deliveries()) != 1 {
		t.Fatalf("the person saw %q after %d deliveries", output, len(r.deliveries()))
	}
	d := r.deliveries()[0]
	if _, err := (forge.Git{}).Verify(d, []forge.Key{{ID: "k", Secret: []byte("a secret of the hook")}}, time.Now()); err != nil {
		t.Error(err)
	}
	if m, err := (forge.Git{}).Parse(d); err != nil || !m.Ping || m.Repo.Name != "lab/jobs" {
		t.Errorf("message %+v, error %v", m, err)
	}
}

// The secret must never be an argument: ps shows those to everybody.
func TestHookKeepsTheSecretOutOfArguments(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "git", "init", "--quiet", "--bare", ".")
	file, bin, log := filepath.Join(t.TempDir(), "secret"), t.TempDir(), filepath.Join(t.TempDir(), "args")
	writeFile(t, file, "unguessable-9f3b\n", 0o600)
	for _, tool := range []string{"openssl", "curl", "od", "tr", "sed", "git", "date", "cat", "wc", "head"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(bin, tool), "#!/bin/sh\necho "+tool+" \"$@\" >>'"+log+"'\nexec "+path+" \"$@\"\n", 0o755)
	}
	r := newReceiver(t)
	runHook(t, []string{"sh"}, dir, idA+" "+idB+" refs/heads/main\n", "PATH="+bin+":"+os.Getenv("PATH"), "FIORD_HOOK_URL="+r.URL, "FIORD_HOOK_SECRET_FILE="+file)
	args, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(args), "openssl dgst") {
		t.Fatalf("no arguments were recorded: %v\n%s", err, args)
	}
	if len(r.deliveries()) != 1 || strings.Contains(string(args), "unguessable") {
		t.Errorf("%d deliveries; the secret is among the arguments:\n%s", len(r.deliveries()), args)
	}
}
