package artifacts

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// Config says where the bucket is and how patient to be. Nothing is read from
// the environment: the command that builds a Store decides what it is given.
type Config struct {
	// Endpoint is host:port, or a URL whose scheme decides on TLS.
	Endpoint string
	// Region is sent with every signature; us-east-1 unless Amazon is asked.
	Region string
	// Bucket holds every object. Open makes it when it is missing.
	Bucket string
	// AccessKey and SecretKey sign the requests.
	AccessKey string
	SecretKey string `json:"-"`
	// SessionToken goes with temporary credentials.
	SessionToken string `json:"-"`
	// Secure asks for TLS when Endpoint has no scheme.
	Secure bool
	// CAFile is a PEM file of authorities trusted besides the system's.
	CAFile string
	// VirtualHost puts the bucket into the host name. The default is the path,
	// which every server understands, and Amazon's own rule for Amazon.
	VirtualHost bool
	// Attempts bounds the tries of one operation; 5 by default.
	Attempts int
	// Stall ends a connection on which nothing moves; 30 s by default. It is
	// no limit on the length of a transfer.
	Stall time.Duration
	// Backoff is the longest pause after the first failure, doubled after each
	// further one up to 5 s; 100 ms by default. Pauses are jittered.
	Backoff time.Duration
	// SpoolDir takes the temporary files of large content; the system's by default.
	SpoolDir string
}

const maxBackoff = 5 * time.Second

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	if c.Attempts == 0 {
		c.Attempts = 5
	}
	if c.Stall == 0 {
		c.Stall = 30 * time.Second
	}
	if c.Backoff == 0 {
		c.Backoff = 100 * time.Millisecond
	}
	host, secure := splitEndpoint(c.Endpoint, c.Secure)
	c.Endpoint, c.Secure = host, secure
	if c.Region == "" && !strings.HasSuffix(hostOnly(host), ".amazonaws.com") {
		c.Region = "us-east-1"
	}
	return c
}

// Validate reports everything that is missing or out of range.
func (c Config) Validate() error {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: %s", ErrInvalid, what))
		}
	}
	host, _ := splitEndpoint(c.Endpoint, c.Secure)
	need(host != "" && !strings.ContainsAny(host, "/?#@ "), "endpoint must be host:port or an http(s) URL without a path")
	need(c.Bucket != "", "bucket is missing")
	need(c.AccessKey != "", "access_key is missing")
	need(c.SecretKey != "", "secret_key is missing")
	need(c.Attempts >= 0 && c.Attempts <= 100, "attempts must be 1 to 100")
	need(c.Stall >= 0 && c.Backoff >= 0, "stall and backoff must not be negative")
	return errors.Join(errs...)
}

// LogValue shows the place and hides the secrets.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("endpoint", c.Endpoint),
		slog.String("bucket", c.Bucket),
		slog.String("access_key", c.AccessKey),
		slog.Bool("secure", c.Secure),
	)
}

// String is what fmt prints, without the secrets.
func (c Config) String() string {
	return fmt.Sprintf("s3://%s at %s", c.Bucket, c.Endpoint)
}

// splitEndpoint takes the scheme off an endpoint; the scheme wins over secure.
func splitEndpoint(endpoint string, secure bool) (string, bool) {
	if rest, ok := strings.CutPrefix(endpoint, "https://"); ok {
		return strings.TrimSuffix(rest, "/"), true
	}
	if rest, ok := strings.CutPrefix(endpoint, "http://"); ok {
		return strings.TrimSuffix(rest, "/"), false
	}
	return endpoint, secure
}

// hostOnly drops the port.
func hostOnly(hostport string) string {
	return (&url.URL{Host: hostport}).Hostname()
}
