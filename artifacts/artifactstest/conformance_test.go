package artifactstest_test

import (
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
)

func TestEmbeddedServerConforms(t *testing.T) {
	cfg := artifactstest.Start(t, t.TempDir()).Config()
	artifactstest.Run(t, func(t *testing.T) *artifacts.Store { return artifactstest.Open(t, cfg) })
}

func TestOtherServerConforms(t *testing.T) {
	cfg := artifactstest.External(t)
	artifactstest.Run(t, func(t *testing.T) *artifacts.Store { return artifactstest.Open(t, cfg) })
}
