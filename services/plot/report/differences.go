package report

import (
	"context"
	"errors"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// differences lists what differs between the machines of a bench and those of
// its baseline; nil if there is none, or if it was removed.
func (r *Reporter) differences(ctx context.Context, b model.Bench, baseline string) ([]page.Difference, error) {
	if baseline == "" {
		return nil, nil
	}
	before, err := r.archive.Bench(ctx, baseline)
	if errors.Is(err, model.ErrUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, bus.ForStore(err)
	}
	list, err := page.Differences(ctx, r.archive.Objects(r.opt.LogLimit), before, b)
	return list, bus.ForStore(err)
}
