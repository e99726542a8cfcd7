package report

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

// namedChanges bounds how many changes of an environment a sentence names.
const namedChanges = 3

// environmentsDiffer says in a clause what differs between the machines of a bench
// and of its baseline; empty if nothing does, or if it is not known.
func (r *Reporter) environmentsDiffer(ctx context.Context, bench, baseline string) (string, error) {
	b, err := r.archive.Bench(ctx, bench)
	if errors.Is(err, model.ErrUnknown) {
		return "", nil
	}
	if err != nil {
		return "", bus.ForStore(err)
	}
	list, err := r.differences(ctx, b, baseline)
	if err != nil {
		return "", err
	}
	var named []string
	more := 0
	for _, d := range list {
		for _, c := range d.Changes {
			if len(named) < namedChanges {
				named = append(named, strings.Join(d.Hosts, ", ")+": "+c.String())
			} else {
				more++
			}
		}
		more += d.More
	}
	text := strings.Join(named, "; ")
	if more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text, nil
}
