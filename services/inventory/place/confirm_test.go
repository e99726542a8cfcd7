package place_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/inventory/place"
)

// confirming is a request that measures two points again, the first with the
// baseline's job file beside its own.
func confirming(hosts ...string) place.Request {
	r := request(events.Targets{Hosts: hosts})
	r.Data.Confirms, r.Data.Repeat = events.HashID("first"), 2
	r.Data.Jobs = []events.Job{
		{Name: "before/a.fio", Inline: "[a]", Side: events.SideBefore},
		{Name: "after/a.fio", Inline: "[b]", Side: events.SideAfter},
	}
	small, large := events.Point{"bs": "4k"}, events.Point{"bs": "1m", "iodepth": "8"}
	r.Data.Only = []events.Sample{{Job: "before/a.fio", Point: small}, {Job: "after/a.fio", Point: small}, {Job: "after/a.fio", Point: large}}
	r.Files = []events.ClaimCheck{{Bucket: "fiord", Key: "jobs/before"}, {Bucket: "fiord", Key: "jobs/after"}}
	return r
}

// Before, after, after, before: what drifts steadily over the bench is no difference of
// the sides.
func TestSidesAlternateInEachRepeat(t *testing.T) {
	d, err := place.Decide(confirming("a"), fleet())
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	ids := map[string]bool{}
	for i, r := range d.Slots[0].Runs {
		order = append(order, r.Job+" "+r.Point.Key()+" "+strings.TrimPrefix(r.File.Key, "jobs/"))
		ids[r.Run] = true
		if r.Index != i || r.Repeat != i/3 {
			t.Errorf("run %d has index %d, repeat %d", i, r.Index, r.Repeat)
		}
	}
	once := []string{"before/a.fio bs=4k before", "after/a.fio bs=4k after", "after/a.fio bs=1m,iodepth=8 after"}
	back := slices.Clone(once)
	slices.Reverse(back)
	if diff := cmp.Diff(slices.Concat(once, back), order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if len(ids) != 6 {
		t.Errorf("%d ids of 6 runs", len(ids))
	}
}

// Waiting for a host to return would keep the first bench's verdict waiting.
func TestAConfirmationDoesNotWaitForHostsThatAreGone(t *testing.T) {
	d, err := place.Decide(confirming("dead", "a"), fleet())
	if err != nil || !slices.Equal(owners(d), []string{"a"}) {
		t.Fatalf("placed on %v: %v", owners(d), err)
	}
	if len(d.Excluded) != 1 || d.Excluded[0].Host != "dead" || !strings.Contains(d.Excluded[0].Why, "gone since") {
		t.Errorf("left out %+v", d.Excluded)
	}
	_, err = place.Decide(confirming("dead", "nosuch"), fleet())
	var u *place.Unplaced
	if !errors.As(err, &u) || !u.Absent || !strings.Contains(u.Error(), "gone since") {
		t.Errorf("with nobody left: %v", err)
	}
}

func TestNamedSamplesCountAgainstTheMostRuns(t *testing.T) {
	r := confirming("a")
	r.MaxRuns = 5
	var u *place.Unplaced
	if _, err := place.Decide(r, fleet()); !errors.As(err, &u) {
		t.Errorf("6 runs where 5 are allowed: %v", err)
	}
}
