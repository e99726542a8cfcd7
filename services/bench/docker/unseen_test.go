package docker

import (
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/runner/runnertest"
)

func TestAContainerThatIsRemovedFromOutsideHasAnUnknownEnd(t *testing.T) {
	e := newEngine(t, Config{})
	inv := runnertest.Job(t, "removed", "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=60\nrate_iops=100\n")
	p := runnertest.Start(t, e, inv)
	if err := e.api.ContainerRemove(t.Context(), p.(*fio).id, container.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	// The engine may still say that it was killed, before it is gone.
	if exit := runnertest.Wait(t.Context(), t, p); exit.OK() || exit.Unknown == "" && exit.Signal != "SIGKILL" {
		t.Fatalf("exit %+v", exit)
	}
	nobody(t, e)
	gone := &fio{engine: e, id: p.(*fio).id, key: inv.Key, dir: inv.Dir}
	if exit := runnertest.Wait(t.Context(), t, gone); exit.OK() || exit.Unknown == "" || exit.Code == 0 {
		t.Fatalf("exit of a container that is gone: %+v", exit)
	}
}

// The status that an engine notes for what it found dead, as after its host went
// down, is none of fio's.
func TestAnEndThatTheEngineDidNotSeeIsUnknown(t *testing.T) {
	for code, unknown := range map[int]bool{0: false, 1: false, 137: false, 255: true} {
		var exit runner.Exit
		fill(&exit, "0123456789abcdef", container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{
			State: &container.State{ExitCode: code}, HostConfig: &container.HostConfig{},
		}})
		if (exit.Unknown != "") != unknown || exit.OK() != (code == 0) {
			t.Errorf("status %d: %+v", code, exit)
		}
	}
}
