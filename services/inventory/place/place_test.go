package place_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/services/inventory/place"
)

// worker is a live host with the facts given as k=v.
func worker(name string, pools []string, facts ...string) registry.Sighting {
	h := registry.Host{Beat: registry.Beat{Token: events.Token(name), Name: name, Incarnation: "i", Pools: pools, Capacity: 1}}
	h.Facts = map[string]string{}
	for _, f := range facts {
		k, v, _ := strings.Cut(f, "=")
		h.Facts[k] = v
	}
	return registry.Sighting{Host: h, Seen: time.Now(), Alive: true}
}

// fleet is four hosts: two in default, one of another architecture, one that
// has stopped beating.
func fleet() place.Fleet {
	dead := worker("dead", []string{"default"}, "architecture=x86_64")
	dead.Alive = false
	return place.Fleet{
		Pools: []string{"default", "scaled"},
		Hosts: []registry.Sighting{
			worker("a", []string{"default"}, "architecture=x86_64", "memory=8GiB"),
			worker("b", []string{"default", "fast"}, "architecture=x86_64", "memory=16GiB"),
			worker("c", []string{"fast"}, "architecture=aarch64", "memory=64GiB"),
			dead,
		},
	}
}

func request(t events.Targets) place.Request {
	return place.Request{
		Bench: events.HashID("bench"),
		Data:  events.BenchRequested{Name: "randread", Jobs: []events.Job{{Name: "a.fio", Inline: "[a]"}}, Targets: t},
		Files: []events.ClaimCheck{{Bucket: "fiord", Key: "jobs/a.fio"}},
	}
}

// owners writes the slots of a decision briefly: hosts by name, pools as @name.
func owners(d place.Decision) []string {
	var list []string
	for _, s := range d.Slots {
		if s.Pool != "" {
			list = append(list, "@"+s.Pool)
		} else {
			list = append(list, s.Host)
		}
	}
	return list
}

func TestTargetsBecomeSlots(t *testing.T) {
	for name, tc := range map[string]struct {
		targets events.Targets
		want    []string
	}{
		"no targets":                         {events.Targets{}, []string{"@default"}},
		"constraints alone":                  {events.Targets{Where: []string{"architecture==x86_64"}}, []string{"@default"}},
		"a pool":                             {events.Targets{Pool: "fast"}, []string{"@fast"}},
		"a declared pool without workers":    {events.Targets{Pool: "scaled"}, []string{"@scaled"}},
		"the same with constraints":          {events.Targets{Pool: "scaled", Where: []string{"x==y"}}, []string{"@scaled"}},
		"a pool, all of it":                  {events.Targets{Pool: "fast", Count: "all"}, []string{"b", "c"}},
		"hosts in the order given":           {events.Targets{Hosts: []string{"c", "a", "c"}}, []string{"c", "a"}},
		"absent hosts are waited for":        {events.Targets{Hosts: []string{"dead", "a", "nosuch"}}, []string{"dead", "a", "nosuch"}},
		"hosts that miss are left out":       {events.Targets{Hosts: []string{"a", "c"}, Where: []string{"architecture==aarch64"}}, []string{"c"}},
		"those present before those absent":  {events.Targets{Hosts: []string{"nosuch", "b"}, Count: "1"}, []string{"b"}},
		"every host that will do":            {events.Targets{Count: "all", Where: []string{"memory>=16GiB"}}, []string{"b", "c"}},
		"a soft constraint decides":          {events.Targets{Count: "1", Where: []string{"architecture==~aarch64"}}, []string{"c"}},
		"a soft constraint rules nobody out": {events.Targets{Count: "all", Where: []string{"architecture==~aarch64"}}, []string{"a", "b", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := place.Decide(request(tc.targets), fleet())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, owners(d)); diff != "" {
				t.Errorf("owners (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnplacedSaysWhy(t *testing.T) {
	for name, tc := range map[string]struct {
		targets events.Targets
		rule    string
		message string
		absent  bool
	}{
		"a constraint that can't be read": {events.Targets{Where: []string{"a==b", "zone~a"}}, place.RuleSyntax, "column 5", false},
		"an unknown pool":                 {events.Targets{Pool: "fsat"}, place.RuleAbsent, "default, fast, scaled", true},
		"no inventory":                    {events.Targets{Group: "nvme"}, place.RuleTargets, "fiord discover", false},
		"slots of hosts":                  {events.Targets{Hosts: []string{"a"}, Slots: 2}, place.RuleTargets, "needs pool", false},
		"more than there are":             {events.Targets{Count: "4"}, place.RuleTargets, "4 hosts are wanted and 3 will do", true},
		"more names than given":           {events.Targets{Hosts: []string{"a"}, Count: "2"}, place.RuleTargets, "2 hosts are wanted and 1 will do", false},
		"nobody in the pool will do":      {events.Targets{Pool: "default", Where: []string{"memory>1TiB"}}, place.RuleTargets, "none of 3 hosts will do (2 miss memory>1TiB)", false},
		"the named host won't do":         {events.Targets{Hosts: []string{"a"}, Where: []string{"memory>1TiB"}}, place.RuleTargets, "none of 1 hosts", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := place.Decide(request(tc.targets), fleet())
			var u *place.Unplaced
			if !errors.As(err, &u) {
				t.Fatalf("Decide = %v, want unplaced", err)
			}
			if p := u.Problems[0]; p.Rule != tc.rule || !strings.Contains(p.Message, tc.message) || u.Absent != tc.absent {
				t.Errorf("%+v, absent %v; want rule %s, %q, absent %v", p, u.Absent, tc.rule, tc.message, tc.absent)
			}
			event := events.BenchUnplaced{Bench: events.HashID("b"), Name: "randread", Problems: u.Problems}
			if err := event.Validate(); err != nil {
				t.Errorf("the problems make no valid event: %v", err)
			}
		})
	}
}

func TestNearestMissesComeFirst(t *testing.T) {
	f := fleet()
	draining := worker("z", nil, "architecture=sparc")
	draining.Draining = true
	f.Hosts = append(f.Hosts, draining)
	_, err := place.Decide(request(events.Targets{Count: "all", Where: []string{"architecture==aarch64", "memory>=1TiB"}}), f)
	var u *place.Unplaced
	if !errors.As(err, &u) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range u.Problems {
		got = append(got, p.Message)
	}
	want := []string{
		"all hosts: none of 5 hosts will do (2 miss architecture==aarch64, 3 miss memory>=1TiB)",
		`c: memory is "64GiB", wanted memory>=1TiB`,
		`a: architecture is "x86_64", wanted architecture==aarch64`,
		`a: memory is "8GiB", wanted memory>=1TiB`,
		`b: architecture is "x86_64", wanted architecture==aarch64`,
		`b: memory is "16GiB", wanted memory>=1TiB`,
		"dead: silent, its worker has stopped beating",
		"z: draining, takes nothing new",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestGroupMembersAreRecognisedByNameAndAddress(t *testing.T) {
	f := fleet()
	f.Hosts[2].Addresses = []string{"127.0.0.1", "10.0.0.3"}
	f.Hosts[1].Addresses = []string{"127.0.0.1"}
	f.Groups = map[string][]place.Member{
		"nvme":  {{Name: "a"}, {Name: "10.0.0.3"}, {Name: "a", Addresses: []string{"x"}}, {Name: "stranger", Addresses: []string{"10.9.9.9", "127.0.0.1"}}},
		"empty": {{Name: "stranger"}},
	}
	d, err := place.Decide(request(events.Targets{Group: "nvme"}), f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "c"}, owners(d)); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	if len(d.Excluded) != 1 || d.Excluded[0].Host != "stranger" {
		t.Errorf("excluded %+v, want stranger", d.Excluded)
	}
	_, err = place.Decide(request(events.Targets{Group: "empty"}), f)
	var u *place.Unplaced
	if !errors.As(err, &u) || !u.Absent {
		t.Errorf("group without workers: %v; want unplaced and absent", err)
	}
	if _, err = place.Decide(request(events.Targets{Group: "nmve"}), f); err == nil || !strings.Contains(err.Error(), "empty, nvme") {
		t.Errorf("unknown group: %v; want the groups named", err)
	}
}

func TestBusyHostsComeLast(t *testing.T) {
	f := place.Fleet{Hosts: []registry.Sighting{worker("a", nil), worker("b", nil), worker("c", nil)}}
	f.Hosts[0].Waiting = 3
	f.Hosts[2].Running = []registry.Running{{Bench: "x", Run: "y"}}
	d, err := place.Decide(request(events.Targets{Count: "2"}), f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b", "c"}, owners(d)); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
}

func TestRepeatsAreInterleavedOverPoints(t *testing.T) {
	r := request(events.Targets{})
	r.Data.Jobs = append(r.Data.Jobs, events.Job{Name: "b.fio", Inline: "[b]"})
	r.Files = append(r.Files, events.ClaimCheck{Key: "jobs/b.fio"})
	r.Data.Matrix = map[string][]events.Scalar{"iodepth": {"8", "1"}, "bs": {"4k", "64k"}}
	r.Data.Repeat = 2
	d, err := place.Decide(r, fleet())
	if err != nil {
		t.Fatal(err)
	}
	points := []string{"bs=4k,iodepth=1", "bs=4k,iodepth=8", "bs=64k,iodepth=1", "bs=64k,iodepth=8"}
	orders := map[string]bool{}
	for block := range slices.Chunk(d.Slots[0].Runs, 4) {
		var got []string
		for _, run := range block {
			if run.Job != block[0].Job || run.Repeat != block[0].Repeat {
				t.Errorf("%s of repeat %d among %s of repeat %d", run.Job, run.Repeat, block[0].Job, block[0].Repeat)
			}
			got = append(got, run.Point.Key())
		}
		orders[strings.Join(got, " ")] = true
		if slices.Sort(got); !slices.Equal(got, points) {
			t.Errorf("a block has %v", got)
		}
	}
	if len(orders) < 2 {
		t.Errorf("every block is in the order %v", orders)
	}
	var jobs []string
	for _, run := range d.Slots[0].Runs {
		jobs = append(jobs, run.Job)
	}
	if want := []string{"a.fio", "b.fio", "a.fio", "b.fio"}; !slices.Equal(slices.Compact(jobs), want) {
		t.Errorf("job files in the order %v: one may write what the next reads", slices.Compact(jobs))
	}
	again, err := place.Decide(r, fleet())
	if diff := cmp.Diff(d.Slots, again.Slots); err != nil || diff != "" {
		t.Errorf("another replica places otherwise (%v): %s", err, diff)
	}
	r.Bench = events.HashID("another")
	if other, err := place.Decide(r, fleet()); err != nil || slices.EqualFunc(d.Slots[0].Runs, other.Slots[0].Runs, func(x, y events.Invocation) bool { return x.Point.Key() == y.Point.Key() }) {
		t.Errorf("another bench has the same order (%v)", err)
	}
}

func TestSlotsSpreadThePointsOfAPool(t *testing.T) {
	r := request(events.Targets{Pool: "fast", Slots: 5})
	r.Data.Matrix = map[string][]events.Scalar{"iodepth": {"1", "2", "4"}}
	d, err := place.Decide(r, fleet())
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Slots) != 3 || d.Runs() != 3 {
		t.Errorf("%v, want 3 slots for 3 points", d)
	}
}

func TestMatricesThatCannotBeExpandedAreRefused(t *testing.T) {
	r := request(events.Targets{})
	r.Data.Matrix = map[string][]events.Scalar{"bs": {"4k", "8k", "4k"}}
	if _, err := place.Decide(r, fleet()); err == nil || !strings.Contains(err.Error(), "bs has the value 4k twice") {
		t.Errorf("value twice: %v", err)
	}
	values := make([]events.Scalar, 1000)
	for i := range values {
		values[i] = events.Scalar(fmt.Sprint(i))
	}
	r.Data.Matrix = map[string][]events.Scalar{}
	for i := range 30 {
		r.Data.Matrix[fmt.Sprint("option", i)] = values
	}
	if _, err := place.Decide(r, fleet()); err == nil || !strings.Contains(err.Error(), "more than 100000 runs") {
		t.Errorf("1000^30 points: %v", err)
	}
}

// Whatever the request: every point of every file is planned exactly the
// repeats asked for on each host (or once over the slots of a pool), ids are
// unique, indexes count up, and a second decision is the same.
func TestEveryPointIsPlannedExactlyAsOftenAsAsked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := request(events.Targets{})
		if rapid.Bool().Draw(t, "spread") {
			r.Data.Targets = events.Targets{Pool: "fast", Slots: rapid.IntRange(1, 9).Draw(t, "slots")}
		} else {
			r.Data.Targets = events.Targets{Count: "all"}
		}
		r.Data.Repeat = rapid.IntRange(0, 4).Draw(t, "repeat")
		r.Data.Matrix = rapid.MapOfN(rapid.StringMatching(`[a-z=,\\]{1,3}`),
			rapid.SliceOfNDistinct(rapid.Map(rapid.StringMatching(`[0-9=,\\;]{1,3}`), func(s string) events.Scalar { return events.Scalar(s) }), 1, 4, rapid.ID),
			0, 3).Draw(t, "matrix")
		d, err := place.Decide(r, fleet())
		if err != nil {
			t.Fatal(err)
		}
		again, err := place.Decide(r, fleet())
		if err != nil || !cmp.Equal(d, again) {
			t.Fatalf("a second decision differs: %v", err)
		}
		planned, ids := map[string]int{}, map[string]bool{}
		for _, s := range d.Slots {
			if len(s.Runs) == 0 {
				t.Fatal("a slot without runs")
			}
			for i, run := range s.Runs {
				if run.Index != i || ids[run.Run] {
					t.Fatalf("run %d: index %d, id seen before: %v", i, run.Index, ids[run.Run])
				}
				ids[run.Run] = true
				planned[run.Job+" "+run.Point.Key()+" "+s.Host]++
			}
		}
		copies := 1
		if d.Hosts() > 0 {
			copies = d.Hosts()
		}
		// A synchronised start counts on it: hosts all have the same list.
		for _, s := range d.Slots {
			if d.Hosts() > 0 && len(s.Runs) != len(d.Slots[0].Runs) {
				t.Fatalf("lists of %d and %d runs for hosts", len(s.Runs), len(d.Slots[0].Runs))
			}
		}
		want := copies
		for _, values := range r.Data.Matrix {
			want *= len(values)
		}
		if len(planned) != want {
			t.Fatalf("%d points planned, want %d", len(planned), want)
		}
		for point, n := range planned {
			if n != max(r.Data.Repeat, 1) {
				t.Fatalf("%s planned %d times, want %d", point, n, r.Data.Repeat)
			}
		}
	})
}

func TestSpreadPlansTheMostRepeats(t *testing.T) {
	r := request(events.Targets{})
	r.Data.Repeat = 3
	r.Data.Measure = &events.Measure{Spread: "2%", MaxRepeat: 10}
	d, err := place.Decide(r, fleet())
	if err != nil || d.Runs() != 10 {
		t.Errorf("%v, %v; want 10 runs", d, err)
	}
}

func TestExclusionsAreReported(t *testing.T) {
	d, err := place.Decide(request(events.Targets{Pool: "fast", Count: "all", Where: []string{"architecture==x86_64"}}), fleet())
	if err != nil {
		t.Fatal(err)
	}
	names := func(list []place.Exclusion) (names []string) {
		for _, e := range list {
			names = append(names, e.Host)
		}
		return names
	}
	if !slices.Equal(names(d.Excluded), []string{"c"}) {
		t.Errorf("excluded %v, want c", names(d.Excluded))
	}
	want := []events.Problem{{Rule: place.RuleMiss, Option: "architecture==x86_64", Message: `c: architecture is "aarch64", wanted architecture==x86_64`}}
	if diff := cmp.Diff(want, d.Excluded[0].Problems()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// 1,000 hosts, five constraints, ten runs on each.
func BenchmarkDecide(b *testing.B) {
	var f place.Fleet
	for i := range 1000 {
		f.Hosts = append(f.Hosts, worker(fmt.Sprintf("host-%04d", i), []string{"default"},
			"architecture=x86_64", "kernel=6.1.0-18-amd64", "virtual=kvm", "memory_free=8GiB", "system_overload_10min=07"))
	}
	r := request(events.Targets{Pool: "default", Count: "all", Where: []string{
		"architecture==x86_64", "kernel!=5.*", "virtual==/kvm|physical/", "memory_free>=1GiB", "system_overload_10min<=25"}})
	r.Data.Repeat = 5
	r.Data.Matrix = map[string][]events.Scalar{"iodepth": {"1", "32"}}
	for b.Loop() {
		d, err := place.Decide(r, f)
		if err != nil || d.Runs() != 10_000 {
			b.Fatal(err, d.Runs())
		}
	}
	b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}
