package plot

import (
	"context"
	"errors"

	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// differences tells what differs between the machines of a bench and those of
// its baseline; nil if there is none, or if it was removed.
func (s *Service) differences(ctx context.Context, b model.Bench, baseline string) ([]page.Difference, error) {
	if baseline == "" {
		return nil, nil
	}
	before, err := source{s}.Bench(ctx, baseline)
	if errors.Is(err, page.ErrUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, away(err)
	}
	list, err := page.Differences(ctx, objects{s.store, int64(s.cfg.LogLimit)}, before, b)
	return list, away(err)
}
