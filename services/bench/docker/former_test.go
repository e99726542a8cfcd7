package docker

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/volume"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/runner/runnertest"
)

// What bears a former mark may be another's: it is listed as doubtful, and not
// removed on the way; volumes of that mark are still this host's.
func TestAContainerWithAFormerMarkIsLeftAlone(t *testing.T) {
	older := newEngine(t, Config{})
	newer := newEngine(t, Config{Host: older.cfg.Host + "-newer", Former: []string{older.cfg.Host}})
	inv := runnertest.Job(t, "former", "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=600\nrate_iops=10\n")
	name := "fiord-test-" + strings.ToLower(older.cfg.Host)
	inv.Volumes = []runner.Volume{{Name: name, Target: "/data"}}
	t.Cleanup(func() { _ = older.api.VolumeRemove(context.Background(), name, true) })
	process := runnertest.Start(t, older, inv)
	cfg, host := older.hardened()
	made, err := older.api.ContainerCreate(t.Context(), cfg, host, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { older.remove(made.ID) })
	left, err := newer.Leftovers(t.Context())
	if err != nil || len(left) != 1 || left[0].Key() != process.Key() || !runner.Doubtful(left[0]) || !strings.Contains(fmt.Sprint(left[0]), "container ") {
		t.Fatalf("left %v, %v", left, err)
	}
	if _, err := older.api.ContainerInspect(t.Context(), made.ID); err != nil {
		t.Errorf("a container that was not started is gone: %v", err)
	}
	if found, err := older.api.VolumeInspect(t.Context(), name); err != nil || !newer.made(found) || older.made(volume.Volume{Labels: map[string]string{LabelHost: newer.cfg.Host}}) || older.made(volume.Volume{}) {
		t.Errorf("whose volumes are whose is mistaken: %+v, %v", found, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(runner.AtOnce)
	if exit, err := left[0].Wait(ctx, nil); err != nil || !exit.Stopped {
		t.Errorf("exit %+v, %v", exit, err)
	}
}
