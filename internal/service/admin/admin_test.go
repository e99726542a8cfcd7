package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/internal/service/admin"
)

type server struct {
	*admin.Server
	Checks *admin.Checks
}

// serve starts a server on a free port and stops it with the test.
func serve(t *testing.T, c admin.Config) (*server, *prometheus.Registry) {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	registry := prometheus.NewRegistry()
	checks := &admin.Checks{}
	s, err := admin.Listen(c, checks, registry, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), s.Close(), <-ended); err != nil {
			t.Error(err)
		}
	})
	return &server{s, checks}, registry
}

func get(t *testing.T, s *server, path string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + s.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestReadinessNamesEachCheckWithItsReason(t *testing.T) {
	s, _ := serve(t, admin.Config{})
	if status, _ := get(t, s, "/readyz"); status != http.StatusOK {
		t.Errorf("without checks: %d", status)
	}
	s.Checks.Set("nats", func(context.Context) error { return nil })
	s.Checks.Set("store", func(context.Context) error { return errors.New("no answer from 127.0.0.1:9000") })
	status, body := get(t, s, "/readyz")
	var got admin.Report
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := admin.Report{Checks: map[string]string{"nats": "ok", "store": "no answer from 127.0.0.1:9000"}}
	if diff := cmp.Diff(want, got); diff != "" || status != http.StatusServiceUnavailable {
		t.Errorf("status %d, report (-want +got):\n%s", status, diff)
	}
	s.Checks.Set("store", nil)
	if status, _ := get(t, s, "/readyz"); status != http.StatusOK {
		t.Errorf("after the failing check was removed: %d", status)
	}
}

func TestAHangingCheckDoesNotHangTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c admin.Checks
		c.Set("stuck", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		begin := time.Now()
		if report := c.Report(t.Context()); report.Ready || report.Checks["stuck"] != context.DeadlineExceeded.Error() {
			t.Errorf("got %+v", report)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestLivenessDoesNotDependOnChecks(t *testing.T) {
	s, _ := serve(t, admin.Config{})
	s.Checks.Set("store", func(context.Context) error { return errors.New("away") })
	if status, body := get(t, s, "/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("got %d %q", status, body)
	}
}

func TestMetricsAreThoseOfTheOwnRegistry(t *testing.T) {
	s, registry := serve(t, admin.Config{})
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "fiord_test_total", Help: "x"})
	registry.MustRegister(counter)
	counter.Inc()
	if _, body := get(t, s, "/metrics"); !strings.Contains(body, "fiord_test_total 1") || strings.Contains(body, "go_goroutines") {
		t.Errorf("got\n%s", body)
	}
}

func TestProfilesAreServedOnlyOnRequest(t *testing.T) {
	off, _ := serve(t, admin.Config{})
	if status, _ := get(t, off, "/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("switched off: %d", status)
	}
	on, _ := serve(t, admin.Config{Pprof: true})
	if status, body := get(t, on, "/debug/pprof/"); status != http.StatusOK || !strings.Contains(body, "goroutine") {
		t.Errorf("switched on: %d", status)
	}
}

func TestATakenPortIsToldAtOnce(t *testing.T) {
	s, _ := serve(t, admin.Config{})
	if _, err := admin.Listen(admin.Config{Listen: s.Addr()}, &admin.Checks{}, prometheus.NewRegistry(), false, nil); err == nil ||
		!strings.Contains(err.Error(), "listen on admin address") {
		t.Errorf("got %v", err)
	}
}

func TestCloseBeforeServeFreesThePort(t *testing.T) {
	s, err := admin.Listen(admin.Config{Listen: "127.0.0.1:0"}, &admin.Checks{}, prometheus.NewRegistry(), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := admin.Listen(admin.Config{Listen: s.Addr()}, &admin.Checks{}, prometheus.NewRegistry(), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
