package embedded_test

import (
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/artifacts/embedded"
)

// A store that answers and takes no writes is not ready: each look at its bucket succeeds.
func TestAStoreThatTakesNoWritesIsNotHealthy(t *testing.T) {
	reader := embedded.User{AccessKey: "u", SecretKey: "u-secret", Rights: mayWrite()}
	srv := artifactstest.Start(t, t.TempDir(), reader)
	s := account(t, srv, "u", "u-secret")
	if err := s.Health(t.Context()); err != nil {
		t.Fatalf("before the first write: %v", err)
	}
	if _, err := s.Put(t.Context(), "runs/a", "text/plain", strings.NewReader("a")); err == nil {
		t.Fatal("written without the right")
	}
	err := s.Health(t.Context())
	if err == nil || !strings.Contains(err.Error(), "takes no writes since") || !strings.Contains(err.Error(), "runs/a") {
		t.Errorf("after a write was refused: %v", err)
	}
	reader.Rights = mayWrite("runs/")
	if err := srv.SetUsers([]embedded.User{reader}); err != nil {
		t.Fatal(err)
	}
	artifactstest.Put(t, s, "runs/a", "text/plain", "a")
	if err := s.Health(t.Context()); err != nil {
		t.Errorf("after a write that succeeded: %v", err)
	}
}
