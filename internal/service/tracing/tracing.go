// Package tracing sends spans to an OpenTelemetry collector when one is
// configured, and costs nothing when none is.
//
// It sets no global: the provider is handed to whoever makes spans.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/fiord-bench/fiord/internal/service/logging"
)

// InEnvironment says whether one of the standard variables switches tracing
// on. The exporter itself reads them and their siblings for headers and
// certificates. environ is in the form of os.Environ.
func InEnvironment(environ []string) bool {
	return slices.ContainsFunc(environ, func(pair string) bool {
		name, value, _ := strings.Cut(pair, "=")
		return value != "" && (name == "OTEL_EXPORTER_OTLP_ENDPOINT" || name == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	})
}

// Config says where spans go.
type Config struct {
	Endpoint string  `config:"endpoint" help:"URL of an OTLP/HTTP collector, as in http://127.0.0.1:4318; empty for OTEL_EXPORTER_OTLP_ENDPOINT"`
	Sample   float64 `config:"sample" help:"share of traces begun here that are kept, 0 to 1"`

	// FromEnvironment says that InEnvironment was true.
	FromEnvironment bool `config:"-"`
}

// DefaultConfig keeps every trace, if there is a collector.
func DefaultConfig() Config { return Config{Sample: 1} }

// Validate refuses a share out of range and an endpoint that is no URL.
func (c Config) Validate() error {
	if c.Sample < 0 || c.Sample > 1 {
		return fmt.Errorf("trace.sample is %v: want 0 to 1", c.Sample)
	}
	if c.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("trace.endpoint is %q: want a URL as in http://127.0.0.1:4318", c.Endpoint)
	}
	return nil
}

// Provider makes tracers until it is shut down.
type Provider struct {
	trace.TracerProvider
	shutdown func(context.Context) error
}

// New returns the provider of one service. A collector that is away is no
// error: spans are retried, in the end dropped, and the loss is logged.
func New(ctx context.Context, c Config, service, version string, log *slog.Logger) (*Provider, error) {
	if c.Endpoint == "" && !c.FromEnvironment {
		return &Provider{noop.NewTracerProvider(), func(context.Context) error { return nil }}, nil
	}
	var options []otlptracehttp.Option
	if c.Endpoint != "" {
		target, err := tracesURL(c.Endpoint)
		if err != nil {
			return nil, err
		}
		options = append(options, otlptracehttp.WithEndpointURL(target))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("set up tracing: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(&tellingExporter{SpanExporter: exporter, log: log}),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(c.Sample))),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "fiord-"+service),
			attribute.String("service.version", version))),
	)
	return &Provider{provider, provider.Shutdown}, nil
}

// Shutdown sends what is left, until ctx ends.
func (p *Provider) Shutdown(ctx context.Context) error {
	if err := p.shutdown(ctx); err != nil {
		return fmt.Errorf("send remaining spans: %w", err)
	}
	return nil
}

// tellingExporter logs losses, once per outage, in the place of the global
// error handler, which would write lines of its own form.
type tellingExporter struct {
	sdk.SpanExporter
	log  *slog.Logger
	away atomic.Bool
}

// ExportSpans implements [sdk.SpanExporter]. Batches come one at a time.
func (e *tellingExporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err != nil && !e.away.Swap(true) {
		e.log.Warn("traces are lost: the collector does not take them", logging.Error(err))
	}
	if err == nil && e.away.Swap(false) {
		e.log.Info("the collector takes traces again")
	}
	return nil
}

// tracesURL appends the standard path to a bare collector address.
func tracesURL(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", fmt.Errorf("set up tracing: %w", err)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return u.String(), nil
}
