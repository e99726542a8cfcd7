package gc

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/verdict/history"
)

// rule says what goes below one prefix.
type rule struct {
	prefix string
	// limit is the age that an object must have.
	limit time.Time
	// over tells whether the thing with this id may go; nil lets all go.
	over func(ctx context.Context, id string) (bool, error)
	// stays spares single objects; nil spares none.
	stays func(key string) bool
	// others are ids below the prefix that other rules judge.
	others []string
	// whole things stay if one of their objects is too young.
	whole bool
	// counted under another prefix than its own.
	counted string
}

// rules are in the order in which things go: the archive last, by which it is
// known whose everything else is.
func (c *collector) rules() []rule {
	list := []rule{
		{prefix: artifacts.PrefixRuns, limit: c.limit, over: c.runOver},
		{prefix: artifacts.PrefixPlots, limit: c.limit, over: c.figuresOver},
		{prefix: artifacts.PrefixReports, limit: c.limit, over: c.benchOver, stays: c.verdictStays},
		{prefix: artifacts.PrefixPlacements, limit: c.forgotten, over: c.decisionOver},
		{prefix: artifacts.PrefixInventories, limit: c.limit, over: c.inventoryOver},
		{prefix: artifacts.PrefixRequests, limit: c.limit},
		{prefix: artifacts.PrefixJobs, limit: c.limit},
	}
	if c.opt.Archive {
		list = append(list,
			rule{prefix: artifacts.PrefixArchive + history.Folder + "/", over: never, counted: artifacts.PrefixArchive},
			rule{prefix: artifacts.PrefixArchive + folderRuns + "/", limit: c.forgotten, over: c.pointerOver, counted: artifacts.PrefixArchive},
			rule{prefix: artifacts.PrefixArchive, limit: c.forgotten, over: c.archiveOver, stays: c.endStays, others: []string{history.Folder, folderRuns}, whole: true})
	}
	for i := range list {
		if list[i].counted == "" {
			list[i].counted = list[i].prefix
		}
	}
	return list
}

// verdictStays spares the verdicts that histories list.
func (c *collector) verdictStays(key string) bool {
	bench, isVerdict := strings.CutSuffix(strings.TrimPrefix(key, artifacts.PrefixReports), "/verdict.json")
	return isVerdict && c.pins.hasVerdict(bench)
}

// endStays spares the ends of benches whose verdicts stay: without its end a
// bench would never go.
func (c *collector) endStays(key string) bool {
	bench, isEnd := strings.CutSuffix(strings.TrimPrefix(key, artifacts.PrefixArchive), "/"+nameEnded+".json")
	return isEnd && c.pins.hasVerdict(bench)
}

// inventoryOver looks again where the pointers point: they move on meanwhile.
func (c *collector) inventoryOver(ctx context.Context, _ string) (bool, error) {
	err := c.markInventory(ctx)
	return err == nil, err
}

// sweep removes, or counts, prefix by prefix. The first error ends it, so that
// nothing goes whose dependents could not.
func (c *collector) sweep(ctx context.Context) error {
	for _, r := range c.rules() {
		if err := c.sweepPrefix(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// found is a thing with its objects, in the order of their keys.
type found struct {
	id, name string
	objects  []object
}

type object struct {
	key  string
	size int64
	old  bool
}

// sweepPrefix gathers what belongs together and judges it while the listing
// goes on.
func (c *collector) sweepPrefix(ctx context.Context, r rule) error {
	group, judging := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	var thing found
	done := func() {
		if whole := thing; len(whole.objects) > 0 {
			group.Go(func() error { return c.settle(judging, r, whole) })
		}
	}
	for info, err := range c.store.List(judging, r.prefix) {
		if err != nil {
			if failed := group.Wait(); failed != nil {
				return failed // the listing ended because of it
			}
			return err
		}
		id, name := r.thingOf(info.Key)
		if slices.Contains(r.others, id) {
			continue
		}
		if name != thing.name {
			done()
			thing = found{id: id, name: name}
		}
		thing.objects = append(thing.objects, object{info.Key, info.Size, info.Modified.Before(r.limit)})
	}
	done()
	return group.Wait()
}

// thingOf is the thing that a key belongs to: its id, and its prefix and id as they
// are shown. A run's files lie below its host.
func (r rule) thingOf(key string) (id, name string) {
	if r.prefix == artifacts.PrefixRuns {
		id = artifacts.RunOf(key)
		folder, _, _ := strings.Cut(key, "/"+id+"/")
		return id, folder + "/" + id
	}
	id = idOf(strings.TrimPrefix(key, r.prefix))
	return id, r.prefix + id
}

// idOf is what comes first in a key: a folder, or a file without its suffix.
func idOf(rest string) string {
	if id, _, isFolder := strings.Cut(rest, "/"); isFolder {
		return id
	}
	id, _, _ := strings.Cut(rest, ".")
	return id
}

// settle judges one thing, removes what goes of it, and counts.
func (c *collector) settle(ctx context.Context, r rule, thing found) error {
	goes, err := c.goes(ctx, r, thing)
	if err != nil {
		return err
	}
	if c.opt.Delete {
		if err := c.remove(ctx, goes); err != nil {
			return err
		}
	}
	if err := c.linger(ctx, r, thing, goes); err != nil {
		return err
	}
	gone, all := sizes(goes), sizes(thing.objects)
	stays := Count{all.Objects - gone.Objects, all.Bytes - gone.Bytes}
	return c.count(r.counted, stays, Thing{Name: thing.name, Count: gone})
}

// goes selects the objects of a thing that go.
func (c *collector) goes(ctx context.Context, r rule, thing found) ([]object, error) {
	young := func(o object) bool { return !o.old }
	if r.whole && slices.ContainsFunc(thing.objects, young) || !slices.ContainsFunc(thing.objects, func(o object) bool { return o.old }) {
		return nil, nil
	}
	if r.over != nil {
		if over, err := r.over(ctx, thing.id); err != nil || !over {
			return nil, err
		}
	}
	var list []object
	for _, o := range thing.objects {
		if o.old && !c.pins.hasKey(o.key) && (r.stays == nil || !r.stays(o.key)) {
			list = append(list, o)
		}
	}
	return list, nil
}

// remove removes objects, the record of an end after all others.
func (c *collector) remove(ctx context.Context, list []object) error {
	end := ""
	for _, o := range list {
		if strings.HasPrefix(o.key, artifacts.PrefixArchive) && strings.HasSuffix(o.key, "/"+nameEnded+".json") {
			end = o.key
			continue
		}
		if err := c.store.Remove(ctx, o.key); err != nil {
			return err
		}
	}
	if end == "" {
		return nil
	}
	return c.store.Remove(ctx, end)
}

func sizes(list []object) Count {
	var n Count
	for _, o := range list {
		n.add(o.size)
	}
	return n
}
