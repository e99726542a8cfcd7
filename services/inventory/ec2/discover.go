package ec2

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/fiord-bench/fiord/services/inventory/instance"
	"golang.org/x/sync/errgroup"
)

// pageSize is the most that one call returns.
const pageSize = 1000

// Discover asks every account and region. What fails is in the statuses; the
// error is only that of a context that ended.
func (s *Source) Discover(ctx context.Context) ([]instance.Instance, []instance.Status, error) {
	found := &findings{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.cfg.Parallel)
	for _, target := range s.targets(ctx, found) {
		group.Go(func() error {
			list, err := s.region(ctx, target)
			found.add(target.scope, list, err)
			return ctx.Err()
		})
	}
	err := group.Wait()
	found.doubt()
	return found.instances, found.statuses, err
}

// target is one region of one account.
type target struct {
	scope  instance.Scope
	config aws.Config
}

// targets resolves accounts and their regions, in parallel, since an account
// may have to be asked for them.
func (s *Source) targets(ctx context.Context, found *findings) []target {
	var (
		mu      sync.Mutex
		targets []target
		asking  sync.WaitGroup
	)
	for _, a := range s.accounts() {
		asking.Go(func() {
			cfg, err := s.load(ctx, a)
			var regions []string
			if err == nil {
				regions, err = s.regions(ctx, cfg)
			}
			if err != nil {
				found.add(s.scope(a, ""), nil, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, region := range regions {
				regional := cfg.Copy()
				regional.Region = region
				targets = append(targets, target{s.scope(a, region), regional})
			}
		})
	}
	asking.Wait()
	return targets
}

// findings collect what the regions answer.
type findings struct {
	mu        sync.Mutex
	instances []instance.Instance
	statuses  []instance.Status
}

func (f *findings) add(scope instance.Scope, list []instance.Instance, err error) {
	st := instance.Status{Scope: scope, Instances: len(list)}
	if err != nil {
		st.Error, st.Skipped = err.Error(), switchedOff(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.instances = append(f.instances, list...)
	f.statuses = append(f.statuses, st)
}

// doubt takes back that regions are switched off if all of them are: wrong
// credentials answer alike, and must not look like having no machines.
func (f *findings) doubt() {
	for _, st := range f.statuses {
		if !st.Skipped {
			return
		}
	}
	for i := range f.statuses {
		f.statuses[i].Skipped = false
	}
}

// switchedOff says whether the error is how a region answers that the account
// hasn't opted in to.
func switchedOff(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "OptInRequired" || api.ErrorCode() == "AuthFailure")
}

// region lists the instances of one region, found and excluded.
func (s *Source) region(ctx context.Context, t target) ([]instance.Instance, error) {
	client := ec2.NewFromConfig(t.config)
	var list []instance.Instance
	at := map[string]int{} // index by id: filters overlap
	for _, f := range s.cfg.includes() {
		err := s.pages(ctx, client, t.scope.Region, f, func(i instance.Instance) {
			if _, seen := at[i.ID]; !seen {
				at[i.ID] = len(list)
				list = append(list, i)
			}
		})
		if err != nil {
			return list, err
		}
	}
	for n, f := range s.cfg.ExcludeFilters {
		err := s.pages(ctx, client, t.scope.Region, f, func(i instance.Instance) {
			if index, seen := at[i.ID]; seen && list[index].Excluded == "" {
				list[index].Excluded = fmt.Sprintf("exclude_filters[%d] of source %s", n, s.cfg.Name)
			}
		})
		if err != nil {
			return nil, err // what should be left out must not slip in
		}
	}
	return list, nil
}

// pages walks one query. Each page is converted before the next is asked for,
// so that the SDK's larger form of it can go.
func (s *Source) pages(ctx context.Context, client *ec2.Client, region string, f Filter, each func(instance.Instance)) error {
	pages := ec2.NewDescribeInstancesPaginator(client, &ec2.DescribeInstancesInput{
		Filters: f.api(), MaxResults: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("describe instances in %s: %w", region, err)
		}
		s.each(page.Reservations, region, each)
	}
	return nil
}

func (s *Source) each(reservations []types.Reservation, region string, each func(instance.Instance)) {
	for r := range reservations {
		for i := range reservations[r].Instances {
			each(s.encoder.convert(&reservations[r].Instances[i], &reservations[r], s.cfg.Name, region))
		}
	}
}

// ErrNotFound: EC2 doesn't know the instance, or no longer.
var ErrNotFound = errors.New("no such instance")

// lookups is how often a lookup is tried: a new instance may take some seconds
// to be known everywhere.
const lookups = 4

// Lookup asks for one instance. account may be empty if the source has one.
func (s *Source) Lookup(ctx context.Context, account, region, id string) (instance.Instance, error) {
	for _, a := range s.accounts() {
		if label := a.label(); account != "" && label != "" && label != account {
			continue
		}
		cfg, err := s.load(ctx, a)
		if err != nil {
			return instance.Instance{}, err
		}
		cfg.Region = region
		i, err := s.lookup(ctx, ec2.NewFromConfig(cfg), region, id)
		if !errors.Is(err, ErrNotFound) {
			return i, err
		}
	}
	return instance.Instance{}, fmt.Errorf("look up %s in %s: %w", id, region, ErrNotFound)
}

func (s *Source) lookup(ctx context.Context, client *ec2.Client, region, id string) (found instance.Instance, err error) {
	for try := range lookups {
		if try > 0 {
			select {
			case <-ctx.Done():
				return found, ctx.Err()
			case <-time.After(time.Duration(try) * 500 * time.Millisecond):
			}
		}
		out, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
		var api smithy.APIError
		switch {
		case errors.As(err, &api) && api.ErrorCode() == "InvalidInstanceID.NotFound":
			continue
		case err != nil:
			return found, fmt.Errorf("look up %s in %s: %w", id, region, err)
		}
		s.each(out.Reservations, region, func(i instance.Instance) { found = i })
		if found.ID != "" {
			return found, nil
		}
	}
	return found, ErrNotFound
}
