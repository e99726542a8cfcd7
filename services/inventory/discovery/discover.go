package discovery

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/services/inventory/ec2"
	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/source"
)

// Workers lists the hosts of fiord's registry as instances.
type Workers func() []instance.Instance

// Discover asks the sources named, or all if none is, at once. What fails is
// in the snapshot's statuses; the error is a name that no source has, or that
// of a context that ended.
func (c *Config) Discover(ctx context.Context, names []string, workers Workers) (*instance.Snapshot, error) {
	for _, n := range names {
		if !slices.ContainsFunc(c.Sources, func(s Source) bool { return s.Name == n }) {
			return nil, fmt.Errorf("no source is named %q", n)
		}
	}
	var (
		mu       sync.Mutex
		snapshot = &instance.Snapshot{At: time.Now().UTC().Truncate(time.Millisecond)}
		asking   sync.WaitGroup
	)
	for _, s := range c.Sources {
		if len(names) > 0 && !slices.Contains(names, s.Name) {
			continue
		}
		asking.Go(func() {
			list, statuses := s.discover(ctx, workers)
			mu.Lock()
			defer mu.Unlock()
			snapshot.Instances = append(snapshot.Instances, list...)
			snapshot.Sources = append(snapshot.Sources, statuses...)
		})
	}
	asking.Wait()
	snapshot.Sort()
	return snapshot, ctx.Err()
}

// discover asks one source.
func (s *Source) discover(ctx context.Context, workers Workers) ([]instance.Instance, []instance.Status) {
	switch {
	case s.EC2 != nil:
		src, err := ec2.New(*s.EC2)
		if err != nil {
			return s.one(nil, err)
		}
		list, statuses, err := src.Discover(ctx)
		if err != nil {
			return s.one(nil, err)
		}
		return list, statuses
	case s.File != "":
		raw, err := os.ReadFile(s.File)
		if err != nil {
			return s.one(nil, err)
		}
		return s.one(source.Parse(s.Format, s.Name, raw))
	case s.Workers:
		list := workers()
		for i := range list {
			list[i].Source = s.Name
		}
		return s.one(list, nil)
	}
	return s.engines(ctx)
}

// one is the outcome of a source that answers as a whole.
func (s *Source) one(list []instance.Instance, err error) ([]instance.Instance, []instance.Status) {
	st := instance.Status{Scope: instance.Scope{Source: s.Name}, Instances: len(list)}
	if err != nil {
		st.Error = err.Error()
	}
	return list, []instance.Status{st}
}

// engines asks Docker engines, each by itself: the endpoint is the region that
// may fail alone.
func (s *Source) engines(ctx context.Context) ([]instance.Instance, []instance.Status) {
	list := make([]instance.Instance, len(s.Docker))
	statuses := make([]instance.Status, len(s.Docker))
	var asking sync.WaitGroup
	for n, endpoint := range s.Docker {
		asking.Go(func() {
			i, err := source.Docker(ctx, s.Name, endpoint)
			i.Region = endpoint
			list[n] = i
			statuses[n] = instance.Status{Scope: instance.Scope{Source: s.Name, Region: endpoint}, Instances: 1}
			if err != nil {
				statuses[n].Instances, statuses[n].Error = 0, err.Error()
			}
		})
	}
	asking.Wait()
	return slices.DeleteFunc(list, func(i instance.Instance) bool { return i.ID == "" }), statuses
}

// EC2 finds the source to look an instance of Amazon's up with, nil if none is
// configured.
func (c *Config) EC2() []*ec2.Source {
	var list []*ec2.Source
	for _, s := range c.Sources {
		if s.EC2 == nil {
			continue
		}
		if src, err := ec2.New(*s.EC2); err == nil {
			list = append(list, src)
		}
	}
	return list
}

// Sift marks the machines of documents that the configured sources would not
// have asked for, or would have left out, with the reason.
func (c *Config) Sift(machines []instance.Instance) error {
	for _, s := range c.Sources {
		if s.EC2 == nil {
			continue
		}
		if err := s.EC2.Sift(machines); err != nil {
			return err
		}
	}
	return nil
}
