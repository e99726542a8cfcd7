package tracing_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/service/tracing"
)

// collector is an OTLP/HTTP endpoint that remembers what arrived.
type collector struct {
	mu    sync.Mutex
	paths []string
	body  string
}

func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paths = append(c.paths, r.URL.Path)
	c.body += string(body)
}

func TestSpansReachTheCollector(t *testing.T) {
	got := &collector{}
	server := httptest.NewServer(got)
	defer server.Close()
	ctx := t.Context()
	p, err := tracing.New(ctx, tracing.Config{Endpoint: server.URL, Sample: 1}, "bench", "1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.Tracer("test").Start(ctx, "measure disk")
	span.End()
	if err := p.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if len(got.paths) != 1 || got.paths[0] != "/v1/traces" {
		t.Errorf("requests to %v, want one to /v1/traces", got.paths)
	}
	for _, want := range []string{"measure disk", "fiord-bench", "1.2.3"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("no %q in what arrived", want)
		}
	}
}

func TestWithoutACollectorNothingIsRecorded(t *testing.T) {
	p, err := tracing.New(t.Context(), tracing.DefaultConfig(), "bench", "1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.Tracer("test").Start(t.Context(), "x")
	if span.IsRecording() {
		t.Error("a span is recorded though nobody will see it")
	}
	if err := p.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestACollectorThatIsAwayIsToldOnceAndDoesNotHoldUpTheEnd(t *testing.T) {
	var lines bytes.Buffer
	p, err := tracing.New(t.Context(), tracing.Config{Endpoint: "http://127.0.0.1:1", Sample: 1}, "bench", "0", slog.New(slog.NewTextHandler(&lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	begin := time.Now()
	for range 2 {
		_, span := p.Tracer("test").Start(t.Context(), "x")
		span.End()
		_ = p.TracerProvider.(interface{ ForceFlush(context.Context) error }).ForceFlush(ctx)
	}
	_ = p.Shutdown(ctx) // there may be nothing left to lose
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("shutdown took %v", took)
	}
	if got := strings.Count(lines.String(), "traces are lost"); got != 1 {
		t.Errorf("told %d times:\n%s", got, lines.String())
	}
}

func TestTheStandardVariablesSwitchTracingOn(t *testing.T) {
	if !tracing.InEnvironment([]string{"A=b", "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318"}) ||
		tracing.InEnvironment([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=", "OTEL_SERVICE_NAME=x"}) {
		t.Error("the endpoint's variables decide, and nothing else")
	}
}

func TestValidate(t *testing.T) {
	for _, bad := range []tracing.Config{{Sample: 1.5}, {Sample: -1}, {Endpoint: "collector:4318"}, {Endpoint: "grpc://c"}} {
		if bad.Validate() == nil {
			t.Errorf("%+v must be refused", bad)
		}
	}
	if err := (tracing.Config{Endpoint: "https://c:4318", Sample: 0.1}).Validate(); err != nil {
		t.Error(err)
	}
}
