package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/nats-io/nkeys"
	"go.uber.org/goleak"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/internal/listen/listentest"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/admin"
	"github.com/fiord-bench/fiord/internal/service/config"
)

// sample is the smallest service: it stores one artifact and waits.
type sample struct {
	deps    service.Deps
	stopped chan struct{}
}

func (s *sample) Run(ctx context.Context) error {
	defer close(s.stopped)
	if _, err := s.deps.Store.Put(context.WithoutCancel(ctx), "jobs/sample", "text/plain", strings.NewReader("x")); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// world is what services stand on: NATS and S3 on real ports.
type world struct {
	nats   *natsd.Server
	common service.Common
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{common: service.DefaultCommon()}
	w.startNATS(t, natsd.Options{})
	s3 := artifactstest.Start(t, t.TempDir()).Config()
	w.common.Admin.Listen = "127.0.0.1:0"
	w.common.S3.Endpoint, w.common.S3.Bucket = s3.Endpoint, s3.Bucket
	w.common.S3.AccessKey, w.common.S3.SecretKey = config.NewSecret(s3.AccessKey), config.NewSecret(s3.SecretKey)
	return w
}

func (w *world) startNATS(t *testing.T, o natsd.Options) {
	t.Helper()
	o.StoreDir, o.Host = t.TempDir(), "127.0.0.1"
	var err error
	if w.nats, err = natsd.Start(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.nats.Close)
	w.common.NATS.URL = w.nats.URL()
}

// warmUp lets the servers start what they start at the first use.
func (w *world) warmUp(t *testing.T) {
	t.Helper()
	r := run(t, service.Options{Name: "bench", Common: w.common, Build: build(&sample{})})
	r.await(t, ready)
	r.stop(t)
}

// verifyNothingLeft fails for connections and goroutines that outlived an app.
func (w *world) verifyNothingLeft(t *testing.T, before goleak.Option) {
	t.Helper()
	for end := time.Now().Add(time.Minute); w.nats.NATS().NumClients() != 0; {
		if time.Now().After(end) { // the server notices an end a moment later
			t.Errorf("%d connections to NATS are left", w.nats.NATS().NumClients())
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	// The S3 server adds and drops workers as it likes.
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).workerFunc"))
}

// running is an app that runs until the test or stop ends it.
type running struct {
	*service.App
	cancel context.CancelFunc
	ended  chan error
}

func run(t *testing.T, o service.Options) *running {
	t.Helper()
	o.LogOutput = testLog{t}
	app, err := service.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{App: app, cancel: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- app.Run(ctx) }()
	t.Cleanup(cancel)
	return r
}

func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if err := <-r.ended; err != nil {
		t.Errorf("stop: %v", err)
	}
}

// await asks /readyz until want holds.
func (r *running) await(t *testing.T, want func(admin.Report) bool) admin.Report {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var report admin.Report
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		select {
		case err := <-r.ended:
			t.Fatalf("ended too early: %v", err)
		case <-time.After(25 * time.Millisecond):
		}
		response, err := client.Get("http://" + r.AdminAddr() + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		report = admin.Report{}
		if err := json.Unmarshal(body, &report); err != nil {
			t.Fatal(err)
		}
		if report.Ready != (response.StatusCode == http.StatusOK) {
			t.Fatalf("status %d with %+v", response.StatusCode, report)
		}
		if want(report) {
			return report
		}
	}
	t.Fatalf("not reached, last %+v", report)
	return report
}

func ready(r admin.Report) bool { return r.Ready }

type testLog struct{ t testing.TB }

func (l testLog) Write(line []byte) (int, error) {
	l.t.Logf("%s", line)
	return len(line), nil
}

func build(s *sample) func(service.Deps) (service.Runner, error) {
	s.stopped = make(chan struct{})
	return func(d service.Deps) (service.Runner, error) { s.deps = d; return s, nil }
}

func TestTwoInstancesLiveInOneProcessAndLeaveNothingBehind(t *testing.T) {
	w := newWorld(t)
	w.warmUp(t)
	before := goleak.IgnoreCurrent()
	var one, two sample
	first := run(t, service.Options{Name: "bench", Version: "1.2.3", Common: w.common, Build: build(&one)})
	second := run(t, service.Options{Name: "bench", Version: "1.2.3", Common: w.common, Build: build(&two)})
	report := first.await(t, ready)
	second.await(t, ready)
	for _, name := range []string{"bench.nats", "bench.s3"} {
		if report.Checks[name] != "ok" {
			t.Errorf("check %s is %q", name, report.Checks[name])
		}
	}
	if got := pinged(t, w); !slices.Equal(got, []string{"fiord-bench 1.2.3", "fiord-bench 1.2.3"}) {
		t.Errorf("registered with NATS: %v", got)
	}
	first.stop(t)
	second.await(t, ready) // the one's end is not the other's
	second.stop(t)
	<-one.stopped
	<-two.stopped
	w.verifyNothingLeft(t, before)
}

// pinged is what `nats micro ls` shows.
func pinged(t *testing.T, w *world) (found []string) {
	t.Helper()
	nc, err := nats.Connect(w.nats.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	answers, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.PublishRequest("$SRV.PING", answers.Subject, nil); err != nil {
		t.Fatal(err)
	}
	for {
		msg, err := answers.NextMsg(300 * time.Millisecond)
		if err != nil {
			return found
		}
		var ping micro.Ping
		if err := json.Unmarshal(msg.Data, &ping); err != nil {
			t.Fatal(err)
		}
		found = append(found, ping.Name+" "+ping.Version)
	}
}

func TestAPartialSetUpIsRolledBack(t *testing.T) {
	common := service.DefaultCommon()
	common.Admin.Listen = listentest.Address(t)
	common.Trace.Endpoint = "http://%zz" // fails after the admin address is open
	_, err := service.New(service.Options{Name: "bench", Common: common, Build: build(&sample{}), LogOutput: testLog{t}})
	if err == nil {
		t.Fatal("want an error")
	}
	again, err := net.Listen("tcp", common.Admin.Listen)
	if err != nil {
		t.Fatalf("the admin address was not freed: %v", err)
	}
	again.Close()
}

func TestAServiceThatCannotBeBuiltLeavesNothingOpen(t *testing.T) {
	w := newWorld(t)
	w.warmUp(t)
	before := goleak.IgnoreCurrent()
	r := run(t, service.Options{Name: "bench", Common: w.common, Build: func(service.Deps) (service.Runner, error) {
		return nil, errors.New("no engine")
	}})
	if err := <-r.ended; err == nil || !strings.Contains(err.Error(), "set up bench: no engine") {
		t.Errorf("got %v", err)
	}
	w.verifyNothingLeft(t, before)
}

func TestDependenciesThatAreNotUpYetAreWaitedFor(t *testing.T) {
	w := newWorld(t)
	url := w.nats.URL()
	w.nats.Close()
	var s sample
	r := run(t, service.Options{Name: "plot", Common: w.common, Build: build(&s)})
	r.await(t, func(report admin.Report) bool {
		return !report.Ready && strings.Contains(report.Checks["plot.nats"], "waiting for NATS at "+url)
	})
	w.startNATS(t, natsd.Options{Port: port(t, url)})
	r.await(t, ready)
	r.stop(t)
}

func port(t *testing.T, url string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(strings.TrimPrefix(url, "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	number, err := net.LookupPort("tcp", text)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func TestAStopDuringTheWaitIsNoError(t *testing.T) {
	w := newWorld(t)
	w.common.NATS.URL = "nats://" + listentest.Address(t)
	r := run(t, service.Options{Name: "plot", Common: w.common, Build: build(&sample{})})
	r.await(t, func(report admin.Report) bool { return !report.Ready })
	r.stop(t)
	w.common.NATS.URL, w.common.S3.Endpoint = w.nats.URL(), "http://"+listentest.Address(t)
	r = run(t, service.Options{Name: "plot", Common: w.common, Build: build(&sample{})})
	r.await(t, func(report admin.Report) bool { return report.Checks["plot.nats"] == "ok" })
	r.stop(t)
}

func TestRefusedCredentialsEndWithTheReason(t *testing.T) {
	w := newWorld(t)
	t.Run("nats", func(t *testing.T) {
		locked := *w
		known, _ := newKey(t)
		locked.startNATS(t, natsd.Options{Users: []natsd.User{{NKey: known}}})
		_, locked.common.NATS.NKeyFile = newKey(t) // another key than the server knows
		r := run(t, service.Options{Name: "bench", Common: locked.common, Build: build(&sample{})})
		if err := <-r.ended; err == nil || !strings.Contains(err.Error(), "check the user's key") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("s3", func(t *testing.T) {
		common := w.common
		common.S3.SecretKey = config.NewSecret("wrong-secret")
		r := run(t, service.Options{Name: "bench", Common: common, Build: build(&sample{})})
		err := <-r.ended
		if err == nil || !strings.Contains(err.Error(), "check s3.endpoint, s3.bucket and the s3 keys") {
			t.Errorf("got %v", err)
		}
	})
}

// A service that was given its own user's seed alone, as fiord up makes users, is
// not told of provisioning: it failed after many tries at what it may not do.
func TestAUserWhoMayNotMakeStreamsUsesThoseThatAreThere(t *testing.T) {
	w := newWorld(t)
	operator, operatorFile := newKey(t)
	own, ownFile := newKey(t)
	everything := &server.SubjectPermission{Allow: []string{">"}}
	w.startNATS(t, natsd.Options{Users: []natsd.User{{NKey: operator}, {NKey: own, Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{">"}, Deny: []string{"$JS.API.STREAM.CREATE.>", "$JS.API.STREAM.UPDATE.>"}},
		Subscribe: everything,
	}}}})
	w.common.NATS.NKeyFile = operatorFile
	w.warmUp(t)

	seed, err := os.ReadFile(ownFile)
	if err != nil {
		t.Fatal(err)
	}
	w.common.NATS.NKeyFile, w.common.NATS.NKeySeed = "", config.NewSecret(string(seed)+"\n")
	r := run(t, service.Options{Name: "bench", Common: w.common, Build: build(&sample{})})
	r.await(t, ready)
	r.stop(t)
}

func TestASeedIsNeverShown(t *testing.T) {
	w := newWorld(t)
	w.common.NATS.NKeySeed = config.NewSecret("SUANOTASEED")
	r := run(t, service.Options{Name: "bench", Common: w.common, Build: build(&sample{})})
	err := <-r.ended
	if err == nil || !strings.Contains(err.Error(), "read nkey seed") || strings.Contains(err.Error(), "NOTASEED") {
		t.Errorf("got %v", err)
	}
	w.common.NATS.NKeyFile = "somewhere"
	if err := w.common.Validate(); err == nil || !strings.Contains(err.Error(), "choose one") || strings.Contains(err.Error(), "NOTASEED") {
		t.Errorf("two keys: %v", err)
	}
}

// newKey makes an nkey user and the file with its seed.
func newKey(t *testing.T) (public, seedFile string) {
	t.Helper()
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	seedFile = filepath.Join(t.TempDir(), "nkey")
	if err := os.WriteFile(seedFile, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	if public, err = user.PublicKey(); err != nil {
		t.Fatal(err)
	}
	return public, seedFile
}

func TestAServicesOwnCheckDecidesOnReadiness(t *testing.T) {
	w := newWorld(t)
	var s sample
	r := run(t, service.Options{Name: "bench", Common: w.common, Build: build(&s)})
	r.await(t, ready)
	s.deps.Ready("engine", func(context.Context) error { return errors.New("no answer from Docker") })
	r.await(t, func(report admin.Report) bool {
		return !report.Ready && report.Checks["bench.engine"] == "no answer from Docker"
	})
	s.deps.Ready("engine", nil)
	r.await(t, ready)
	r.stop(t)
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Errorf("closing again: %v", err)
	}
}
