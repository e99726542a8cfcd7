// Package artifactstest gives tests a real artifact store, and holds every kind
// of S3 server to one conformance suite.
package artifactstest

import (
	"os"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/fiord-bench/fiord/events"
)

// Bucket is the bucket of the stores that New returns.
const Bucket = "fiord-test"

// New returns a Store on a server of its own, on a real port, with its objects
// in the test's temporary folder. Both end with the test.
func New(t testing.TB) *artifacts.Store {
	t.Helper()
	return Open(t, Start(t, t.TempDir()).Config())
}

// Start runs an embedded server on dir until the test ends.
func Start(t testing.TB, dir string, users ...embedded.User) *embedded.Server {
	t.Helper()
	srv, err := embedded.Start(t.Context(), embedded.Options{
		Dir: dir, Bucket: Bucket, AccessKey: "test-root", SecretKey: "test-root-secret", Users: users,
	})
	if err != nil {
		t.Fatalf("start S3 server: %v", err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("stop S3 server: %v", err)
		}
	})
	return srv
}

// Open opens a Store until the test ends.
func Open(t testing.TB, cfg artifacts.Config) *artifacts.Store {
	t.Helper()
	s, err := artifacts.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("open artifact store: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// External returns the configuration of the server named by
// FIORD_TEST_S3_ENDPOINT, _ACCESS_KEY, _SECRET_KEY and _BUCKET (and _REGION, if
// set), or skips the test.
func External(t testing.TB) artifacts.Config {
	t.Helper()
	get := func(name string) string { return os.Getenv("FIORD_TEST_S3_" + name) }
	if get("ENDPOINT") == "" {
		t.Skip("no other S3 server: set FIORD_TEST_S3_ENDPOINT, _ACCESS_KEY, _SECRET_KEY and _BUCKET")
	}
	return artifacts.Config{
		Endpoint: get("ENDPOINT"), AccessKey: get("ACCESS_KEY"), SecretKey: get("SECRET_KEY"),
		Bucket: get("BUCKET"), Region: get("REGION"),
	}
}

// Put stores text or ends the test.
func Put(t testing.TB, s *artifacts.Store, key, mediaType, text string) events.ClaimCheck {
	t.Helper()
	claim, err := s.Put(t.Context(), key, mediaType, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return claim
}

// Read returns a small content or ends the test.
func Read(t testing.TB, s *artifacts.Store, claim events.ClaimCheck) string {
	t.Helper()
	b, err := s.ReadAll(t.Context(), claim, 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
