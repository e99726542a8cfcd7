package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/service"
)

// restartable is the deployment of five programs on servers of one's own, as
// the units of systemd and the manifests of Kubernetes run it: keys and rights of
// an export, and nothing that provisions once it runs.
type restartable struct {
	t        *testing.T
	export   string
	natsDir  string
	natsPort int
	nats     *server.Server
	s3       *embedded.Server
	s3With   embedded.Options
	admin    map[string]string // URL by service
	programs map[string]func() *exec.Cmd
	running  map[string]*exec.Cmd
}

const restartedHost = "nvme-1"

func newRestartable(t *testing.T) *restartable {
	t.Helper()
	dir := t.TempDir()
	r := &restartable{
		t: t, export: filepath.Join(dir, "export"), natsDir: filepath.Join(dir, "nats"), natsPort: freePorts(t, 1)[0],
		admin: map[string]string{}, programs: map[string]func() *exec.Cmd{}, running: map[string]*exec.Cmd{},
	}
	data := []string{"FIORD_DATA=" + filepath.Join(dir, "data")}
	fiord(t, data, "creds", "bench", restartedHost, "--out", filepath.Join(dir, "host"), "--nats", "nats://nats:4222", "--s3", "http://s3:9000")
	fiord(t, data, "creds", "person", "ci", "--role", "operator", "--out", filepath.Join(dir, "ci"), "--nats", "nats://nats:4222", "--s3", "http://s3:9000")
	fiord(t, data, "creds", "export", r.export, "--bucket", "fiord-test")
	r.s3With = storeOptions(t, r.export)
	r.startServers()
	r.s3With.Addr = strings.TrimPrefix(r.s3.Endpoint(), "http://")
	t.Cleanup(func() { _ = r.s3.Close() })
	fiord(t, r.env("operator"), "provision")
	r.prepare(dir)
	for _, name := range service.Names() {
		r.running[name] = r.programs[name]()
	}
	return r
}

func (r *restartable) startServers() {
	r.startNATS()
	r.s3 = serveS3(r.t, r.s3With)
}

func (r *restartable) startNATS() {
	r.nats = nats(r.t, "single.conf", filepath.Join(r.export, creds.ExportNATS), "", map[string]string{"NATS_NAME": "nats", "NATS_STORE": r.natsDir},
		func(o *server.Options) { o.Port = r.natsPort })
}

func (r *restartable) stopNATS() { r.nats.Shutdown(); r.nats.WaitForShutdown() }

func (r *restartable) env(user string, more ...string) []string {
	return environment(r.export, user, fmt.Sprintf("nats://127.0.0.1:%d", r.natsPort), r.s3.Endpoint(), more...)
}

// prepare says how each program is started, with an address of its own for
// health and readiness.
func (r *restartable) prepare(dir string) {
	worker := creds.Grant{Kind: creds.Bench, Name: restartedHost}.User()
	own := map[string][]string{
		"ingest":    {"FIORD_INGEST_LISTEN=127.0.0.1:0", "FIORD_INGEST_WEBHOOK_SECRET_FILE=" + filepath.Join(r.export, creds.ExportUsers, "ingest", "webhook")},
		"inventory": nil,
		"plot":      {"FIORD_PLOT_LISTEN=127.0.0.1:0"},
		"notify":    nil,
		"bench": {
			"FIORD_BENCH_HOST=" + restartedHost, "FIORD_BENCH_RUNNER=process", "FIORD_BENCH_STATE_DIR=" + filepath.Join(dir, "state"),
			"FIORD_BENCH_GATE=" + filepath.Join(dir, "gate"), "FIORD_BENCH_DIRECTORIES=" + filepath.Join(dir, "scratch"), "FIORD_BENCH_MIN_FREE=0B",
		},
	}
	for i, port := range freePorts(r.t, len(own)) {
		name := service.Names()[i]
		user := name
		if name == "bench" {
			user = worker
		}
		env := r.env(user, append(own[name], "FIORD_NATS_INBOX_PREFIX="+access.InboxPrefix(user), fmt.Sprintf("FIORD_ADMIN_LISTEN=127.0.0.1:%d", port))...)
		r.admin[name] = localURL(port)
		r.programs[name] = func() *exec.Cmd { return start(r.t, name, env) }
	}
}

// readiness is what each service answers to /readyz.
func (r *restartable) readiness() (ready int, said map[string]string) {
	said = map[string]string{}
	client := http.Client{Timeout: patience}
	for name, url := range r.admin {
		answer, err := client.Get(url + "/readyz")
		if err != nil {
			said[name] = err.Error()
			continue
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		said[name] = answer.Status + " " + string(text)
		if answer.StatusCode == http.StatusOK {
			ready++
		}
	}
	return ready, said
}

func (r *restartable) allReady(after string) {
	r.t.Helper()
	for end := time.Now().Add(3 * patience); ; time.Sleep(100 * time.Millisecond) {
		ready, said := r.readiness()
		if ready == len(r.admin) {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("after %s only %d are ready: %v", after, ready, said)
		}
	}
}

// noneReady waits until every service says that no bench could run.
func (r *restartable) noneReady(while string) {
	r.t.Helper()
	for end := time.Now().Add(3 * patience); ; time.Sleep(100 * time.Millisecond) {
		ready, said := r.readiness()
		if ready == 0 {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("%d services are ready %s: %v", ready, while, said)
		}
	}
}

// works asks for all that a person does: hosts, a bench that ends, and its page
// in the terminal.
func (r *restartable) works(after string) {
	r.t.Helper()
	person := append(r.env("person-ci"), "FIORD_NATS_INBOX_PREFIX="+access.InboxPrefix("people"))
	eventually(r.t, "host after "+after, func() bool {
		out, err := tryFiord(r.t, person, "hosts", "--json")
		return err == nil && strings.Contains(out, restartedHost)
	})
	job := filepath.Join(r.t.TempDir(), "restart.fio")
	write(r.t, job, quick)
	out, err := tryFiord(r.t, person, "run", job, "--host", restartedHost, "--json")
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 4) { // a null engine's moment need not pass for a measurement
		r.t.Fatalf("no bench ends after %s: %v\n%s", after, err, out)
	}
	var said struct{ Bench string }
	if at := strings.IndexByte(out, '{'); at < 0 || json.NewDecoder(strings.NewReader(out[at:])).Decode(&said) != nil || said.Bench == "" {
		r.t.Fatalf("fiord run says %s", out)
	}
	if shown, err := tryFiord(r.t, person, "show", "--json", said.Bench); err != nil || !strings.Contains(shown, "bench.reported") {
		r.t.Errorf("after %s fiord show says %v: %s", after, err, shown)
	}
}

// What a restart of NATS alone did: the registry of hosts and the live stream
// were gone, services hung or ended, and each said that it was ready.
func TestFiveProgramsSurviveARestartOfEachServer(t *testing.T) {
	if _, err := exec.LookPath("fio"); err != nil {
		missing(t, "fio is not installed: apt-get install fio")
	}
	r := newRestartable(t)
	r.allReady("the start")
	r.works("the start")

	r.stopNATS()
	r.noneReady("without NATS")
	r.startNATS()
	r.allReady("a restart of NATS")
	r.works("a restart of NATS")

	if err := r.s3.Close(); err != nil {
		t.Error(err)
	}
	r.noneReady("without S3")
	r.s3 = serveS3(t, r.s3With)
	r.allReady("a restart of S3")
	r.works("a restart of S3")

	r.everything()
}

// everything goes at once, as when the power does, and comes back in an order
// that nobody chose: programs before their servers.
func (r *restartable) everything() {
	r.t.Helper()
	for name, cmd := range r.running {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			r.t.Errorf("%s ended with %v", name, err)
		}
	}
	r.stopNATS()
	if err := r.s3.Close(); err != nil {
		r.t.Error(err)
	}
	for name, begin := range r.programs {
		r.running[name] = begin()
	}
	r.noneReady("with neither NATS nor S3")
	r.startServers()
	r.allReady("a restart of everything")
	r.works("a restart of everything")
}
