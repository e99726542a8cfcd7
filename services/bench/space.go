package bench

import (
	"context"

	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
)

// written are the folders whose file systems a run writes to: what it
// measures, and dir, where its logs go.
func written(g guard.Grant, dir string) []string {
	dirs := []string{dir}
	for _, s := range g.Space {
		dirs = append(dirs, s.Dir)
	}
	for _, m := range g.Mounts {
		dirs = append(dirs, m.Path)
	}
	return dirs
}

// floorCause ends fio at once.
type floorCause struct{ error }

// Is makes it a cause of that kind.
func (floorCause) Is(target error) bool { return target == runner.AtOnce } //nolint:errorlint // the identity is meant

// watchSpace returns a context that ends when a file system of the folders has
// less left than must stay free. What was counted before the start is what fio
// says it writes; this is what holds when it writes more, or somebody else
// does. fio is killed at once: asking it first could cost what is left.
func (s *Service) watchSpace(ctx context.Context, dirs []string) (context.Context, context.CancelFunc) {
	watched, end := context.WithCancelCause(ctx)
	go s.guard.Watch(watched, dirs, func(fell error) {
		end(floorCause{fell})
	})
	return watched, func() { end(context.Canceled) }
}
