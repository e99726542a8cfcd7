package guard

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheWatchReportsAFileSystemThatFallsUnderItsFloor(t *testing.T) {
	const mib = 1 << 20
	for name, tc := range map[string]struct {
		start, end Room
		what       string // "" for nothing
	}{
		"bytes":                          {Room{Bytes: 300 * mib}, Room{Bytes: 99 * mib}, "min_free"},
		"inodes":                         {Room{Bytes: 300 * mib, Inodes: 500}, Room{Bytes: 300 * mib, Inodes: 9}, "min_free_inodes"},
		"none counted":                   {Room{Bytes: 300 * mib, Countless: true}, Room{Bytes: 300 * mib, Countless: true}, ""},
		"enough":                         {Room{Bytes: 300 * mib, Inodes: 500}, Room{Bytes: 100 * mib, Inodes: 10}, ""},
		"full before, and not written":   {Room{Bytes: 64 * mib, Inodes: 500}, Room{Bytes: 63 * mib, Inodes: 500}, ""},
		"full before, and written to":    {Room{Bytes: 64 * mib, Inodes: 500}, Room{Bytes: 32 * mib, Inodes: 500}, "min_free"},
		"without inodes, and countless":  {Room{Bytes: 300 * mib, Countless: true}, Room{Bytes: 200 * mib, Countless: true}, ""},
		"without inodes, and under both": {Room{Bytes: 300 * mib, Countless: true}, Room{Bytes: 2 * mib, Countless: true}, "min_free"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				var late atomic.Bool
				g := &Guard{policy: Policy{MinFree: 100 * mib, MinFreeInodes: 10}}
				g.room = func(string) (Room, error) {
					if late.Load() {
						return tc.end, nil
					}
					return tc.start, nil
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				time.AfterFunc(10*time.Second, func() { late.Store(true) })
				began, what := time.Now(), ""
				g.Watch(ctx, []string{dir}, func(err error) {
					var f *FloorError
					if !errors.As(err, &f) {
						t.Errorf("%v", err)
						return
					}
					what = f.What
				})
				if what != tc.what {
					t.Fatalf("reported %q, want %q", what, tc.what)
				}
				if took := time.Since(began); what != "" && took > 11*time.Second {
					t.Errorf("seen after %s", took)
				}
			})
		})
	}
}

// The less room there is, the more often it is looked at: no file system fills
// between two looks.
func TestTheWatchIsFastWhereRoomIsSmall(t *testing.T) {
	f := floor{bytes: 100 << 20}
	for left, want := range map[uint64]time.Duration{101 << 20: lookOften, 1 << 30: 56 * time.Millisecond, 1 << 40: lookSeldom} {
		if got := f.nextLook(Room{Bytes: left, Countless: true}); got < want || got > want+2*time.Millisecond {
			t.Errorf("%d bytes left: %s, want %s", left, got, want)
		}
	}
}
