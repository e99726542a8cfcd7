package ec2

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/services/inventory/instance"
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
			list, err := s.query(ctx, target, nil)
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

// query lists the instances of one region, found and excluded. What only says
// narrows it further.
func (s *Source) query(ctx context.Context, t target, only Filter) ([]instance.Instance, error) {
	client := ec2.NewFromConfig(t.config)
	var list []instance.Instance
	at := map[string]int{} // index by id: filters overlap
	for _, f := range s.cfg.includes() {
		err := s.pages(ctx, client, t.scope.Region, and(f, only), func(i instance.Instance) {
			if _, seen := at[i.ID]; !seen {
				if t.scope.Account != i.Account {
					i.AccountName = t.scope.Account
				}
				at[i.ID] = len(list)
				list = append(list, i)
			}
		})
		if err != nil {
			return list, err
		}
	}
	for n, f := range s.cfg.ExcludeFilters {
		err := s.pages(ctx, client, t.scope.Region, and(f, only), func(i instance.Instance) {
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
		Filters: api(f), MaxResults: aws.Int32(pageSize),
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

// lookups is how often a lookup is tried: a new instance may take some seconds
// to be known everywhere.
const lookups = 4

// lookupPause is multiplied by the number of tries.
const lookupPause = 500 * time.Millisecond

// Lookup asks for instances of one region by their ids, with the source's
// filters: one that they leave out isn't found. account may be empty. Those in
// expect are asked for again if they aren't there at once.
func (s *Source) Lookup(ctx context.Context, account, region string, ids, expect []string) ([]instance.Instance, error) {
	var found []instance.Instance
	var failed error
	expect = slices.DeleteFunc(slices.Clone(expect), func(id string) bool { return !slices.Contains(ids, id) })
	for _, a := range s.accounts() {
		if label := a.label(); account != "" && isAccount.MatchString(label) && label != account {
			continue
		}
		cfg, err := s.load(ctx, a)
		if err == nil {
			cfg.Region = region
			var list []instance.Instance
			list, err = s.lookup(ctx, target{s.scope(a, region), cfg}, ids, expect)
			found = append(found, list...)
		}
		failed = errors.Join(failed, err)
	}
	if failed != nil && !containsAll(found, ids) {
		return nil, failed // what isn't found may be the failed account's
	}
	return found, nil
}

var isAccount = regexp.MustCompile(`^[0-9]{12}$`)

func (s *Source) lookup(ctx context.Context, t target, ids, expect []string) ([]instance.Instance, error) {
	for try := 1; ; try++ {
		list, err := s.query(ctx, t, Filter{"instance-id": ids})
		if err != nil || try == lookups || containsAll(list, expect) {
			return list, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(try) * lookupPause):
		}
	}
}

func containsAll(list []instance.Instance, ids []string) bool {
	for _, id := range ids {
		if !slices.ContainsFunc(list, func(i instance.Instance) bool { return i.ID == id }) {
			return false
		}
	}
	return true
}
