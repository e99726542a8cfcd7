package gc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict/history"
)

// mark pins what is referred to by what stays.
func (c *collector) mark(ctx context.Context) error {
	for _, step := range []func(context.Context) error{c.markHistories, c.markInventory, c.markBenches, c.markUnarchived, c.markBaselines} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// markHistories pins baselines, and the verdicts that trends are drawn of.
func (c *collector) markHistories(ctx context.Context) error {
	for info, err := range c.store.List(ctx, artifacts.PrefixArchive+history.Folder+"/") {
		if err != nil {
			return err
		}
		var h history.History
		if _, err := c.decode(ctx, info.Key, &h); err != nil {
			return err
		}
		for _, id := range h.Baselines() {
			c.pins.bench(id)
		}
		for _, e := range h.Entries {
			c.pins.verdict(e.Bench)
		}
	}
	return nil
}

// pointers are the documents that move on and name what is newest.
func pointers() []string {
	return []string{artifacts.KeyLatestInventory, artifacts.InventoryKey("snapshots", "latest.json")}
}

// markInventory pins the newest inventory and snapshot.
func (c *collector) markInventory(ctx context.Context) error {
	for _, pointer := range pointers() {
		c.pins.key(pointer)
		raw, err := c.read(ctx, pointer)
		if err != nil {
			return err
		}
		if raw == nil {
			continue
		}
		keys, err := claimed(raw)
		if err != nil {
			return fmt.Errorf("read %s: %w", pointer, err)
		}
		for _, key := range keys {
			c.pins.key(key)
		}
	}
	return nil
}

// folder is what a listing tells of a bench's folder in the archive.
type folder struct {
	bench            string
	requested, ended bool
	endedAt          time.Time
}

// markBenches goes through the archive and pins what kept benches refer to.
func (c *collector) markBenches(ctx context.Context) error {
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	var f folder
	done := func() {
		if !events.IsID(f.bench) || f.ended && f.endedAt.Before(c.limit) {
			return
		}
		kept := f
		group.Go(func() error { return c.markBench(reading, kept) })
	}
	var stays Count
	for info, err := range c.store.List(ctx, artifacts.PrefixArchive) {
		if err != nil {
			_ = group.Wait()
			return err
		}
		stays.add(info.Size)
		bench, name, _ := strings.Cut(strings.TrimPrefix(info.Key, artifacts.PrefixArchive), "/")
		if bench != f.bench {
			done()
			f = folder{bench: strings.Clone(bench)}
		}
		switch name {
		case nameRequested + ".json":
			f.requested = true
		case nameEnded + ".json":
			f.ended, f.endedAt = true, info.Modified
		}
	}
	done()
	if !c.opt.Archive { // otherwise the sweep counts
		_ = c.count(artifacts.PrefixArchive, stays, Thing{})
	}
	return group.Wait()
}

// markBench pins the job files of a bench that stays in its own right, what it
// was or will be held against, and the second look that confirmed it.
func (c *collector) markBench(ctx context.Context, f folder) error {
	if f.requested {
		request, err := c.markJobs(ctx, f.bench)
		if err != nil {
			return err
		}
		if compare := request.Compare; compare != nil && events.IsID(compare.Baseline) {
			c.pins.bench(compare.Baseline)
		}
	}
	if !f.ended {
		return nil
	}
	end, err := c.archived(ctx, f.bench, nameEnded)
	report, _ := end.(events.BenchReported)
	if report.Baseline != "" {
		c.pins.bench(report.Baseline)
	}
	if report.Confirmation != nil && report.Confirmation.Bench != "" {
		c.pins.bench(report.Confirmation.Bench)
	}
	return err
}

// markJobs pins the job files that the archived request of a bench names.
func (c *collector) markJobs(ctx context.Context, bench string) (events.BenchRequested, error) {
	data, err := c.archived(ctx, bench, nameRequested)
	request, _ := data.(events.BenchRequested)
	c.pins.jobs(request)
	return request, err
}

// markUnarchived pins the job files of benches whose request neither the
// archive nor the stream has any more: they have no end either, and stay.
func (c *collector) markUnarchived(ctx context.Context) error {
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for info, err := range c.store.List(ctx, artifacts.PrefixPlacements) {
		if err != nil {
			_ = group.Wait()
			return err
		}
		bench, isDecision := strings.CutSuffix(strings.TrimPrefix(info.Key, artifacts.PrefixPlacements), ".json")
		if !isDecision || !events.IsID(bench) || !info.Modified.Before(c.forgotten) {
			continue
		}
		group.Go(func() error {
			known, err := c.ended(reading, bench)
			if err != nil || !known.IsZero() {
				return err
			}
			var p events.Placement
			_, err = c.decode(reading, info.Key, &p)
			c.pins.jobs(p.Request)
			return err
		})
	}
	return group.Wait()
}

// markBaselines pins the job files of baselines. What those were held against
// is not followed.
func (c *collector) markBaselines(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, bench := range c.pins.list() {
		if !events.IsID(bench) {
			continue
		}
		group.Go(func() error {
			_, err := c.markJobs(ctx, bench)
			return err
		})
	}
	return group.Wait()
}
