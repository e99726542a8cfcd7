package bench

import (
	"context"

	"github.com/fiord-bench/fiord/host/runner"
)

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
