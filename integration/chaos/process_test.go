package chaos_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/child"
	"github.com/fiord-bench/fiord/internal/listen/listentest"
	"github.com/fiord-bench/fiord/services/bench"
)

// secret signs pushes.
const secret = "webhook-secret-of-the-tests"

// process is one service, which may be killed and started again.
type process struct {
	world  *world
	name   string
	config string // file
	env    []string
	proxy  *proxy // between the service and the store
	url    string // of ingest
	cmd    *exec.Cmd
}

// prepare writes the configuration of a service. Events whose worker died are
// given again after 2 s, so that a killing costs the test no more than that.
func (w *world) prepare(name string, u keys.User, nats, s3 string) *process {
	w.t.Helper()
	p := &process{world: w, name: name, config: filepath.Join(w.dir, name+".yaml"), proxy: newProxy(w.t, s3)}
	user := name
	if name == "bench" {
		user = bench.Needs(bench.DefaultConfig(), host).Name
	}
	var text strings.Builder
	fmt.Fprintf(&text, "nats: {url: %q, nkey_file: %q, inbox_prefix: %q, provision: false, ack_wait: 2s}\n", nats, u.NKeyFile, access.InboxPrefix(user))
	fmt.Fprintf(&text, "s3: {endpoint: %q, bucket: %q, access_key_file: %q, secret_key_file: %q}\n", p.proxy.url, artifactstest.Bucket, u.AccessKeyFile, u.SecretKeyFile)
	fmt.Fprintf(&text, "admin: {listen: \"\"}\nlog: {format: text}\n%s: {%s}\n", name, strings.Join(p.settings(), ", "))
	if err := os.WriteFile(p.config, []byte(text.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// settings of the service's own.
func (p *process) settings() []string {
	w := p.world
	switch p.name {
	case "ingest":
		address := listentest.Address(w.t) // which it gets again at each start
		p.url = "http://" + address
		p.env = []string{"FIORD_INGEST_WEBHOOK_SECRET=" + secret}
		return []string{
			"listen: " + address,
			fmt.Sprintf("checkout: {allow_local: true, dir: %q, git: %q}", filepath.Join(w.dir, "checkouts"), w.git.wrapper),
		}
	case "inventory":
		return []string{"sweep_every: 500ms"}
	case "bench":
		state := filepath.Join(w.dir, "bench")
		return []string{
			"host: " + host, "runner: " + w.runner, "ack_wait: 2s", "stop_wait: 1s", "starts: 10", "others: 0", // other tests run beside this one
			fmt.Sprintf("state_dir: %q, gate: %q, directories: [%q], facts_dir: %q", state, filepath.Join(state, "gate"), filepath.Join(w.dir, "scratch"), filepath.Join(w.dir, "facts.d")),
			"docker: {image: \"" + image + "\"}", "min_free: 0B",
		}
	case "plot":
		return []string{"listen: \"127.0.0.1:0\""}
	default:
		return []string{fmt.Sprintf("targets: [{name: hook, kind: webhook, url: %q, on: [bench.reported]}]", w.told.URL)}
	}
}

// start starts the program and, if it is ingest, waits until it listens.
func (p *process) start() {
	p.world.t.Helper()
	p.cmd = exec.Command(filepath.Join(binaries, p.name), "--config", p.config)
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stderr = p.world.root.Output()
	if err := child.Start(p.cmd, syscall.SIGKILL); err != nil {
		p.world.t.Fatal(err)
	}
	if p.url != "" {
		p.world.eventually("ingest that listens", func() bool {
			c, err := net.DialTimeout("tcp", strings.TrimPrefix(p.url, "http://"), time.Second)
			if err == nil {
				_ = c.Close()
			}
			return err == nil
		})
	}
}

// kill is kill -9: the service gets no word in.
func (p *process) kill() {
	if p.cmd == nil || p.cmd.Process == nil || p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// dies kills the service and starts it again.
func (p *process) dies() {
	p.world.t.Helper()
	if p.cmd.ProcessState != nil {
		p.world.t.Errorf("%s ended by itself: %v", p.name, p.cmd.ProcessState)
	}
	p.kill()
	p.start()
}
