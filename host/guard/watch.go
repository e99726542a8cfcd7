package guard

import (
	"context"
	"fmt"
	"time"
)

// FloorError says that a file system has less left than the host's owner wants
// to stay free.
type FloorError struct {
	Dir        string
	What       string // min_free or min_free_inodes
	Left, Keep string
}

// Error says what to do as well.
func (e *FloorError) Error() string {
	return fmt.Sprintf("%s has %s left, and %s must stay free (%s); make room there, or have the job write less",
		e.Dir, e.Left, e.Keep, e.What)
}

// How fast a file system fills at most, in bytes and inodes a second, and how
// often it is looked at: seldom while there is plenty of room.
const (
	fillBytes  = 16 << 30
	fillInodes = 1 << 20
	lookOften  = 5 * time.Millisecond
	lookSeldom = time.Second
)

// Watch looks at the file systems of the directories until ctx ends, and calls
// fell once when one of them has less left than the policy wants to stay free,
// whatever was counted before and whoever writes there. What had less to begin
// with may lose a sixteenth of that.
func (g *Guard) Watch(ctx context.Context, dirs []string, fell func(error)) {
	floors := map[uint64]*floor{}
	for _, dir := range dirs {
		at := existing(dir)
		room, err := g.room(at)
		if err != nil || floors[room.Device] != nil {
			continue // not there, or known by another name
		}
		floors[room.Device] = &floor{
			dir: at, bytes: lower(g.policy.MinFree, room.Bytes), inodes: lower(g.policy.MinFreeInodes, room.Inodes),
		}
	}
	for {
		wait := lookSeldom
		for _, f := range floors {
			room, err := g.room(f.dir)
			if err != nil {
				continue // a folder that is gone takes no room
			}
			if err := f.under(room); err != nil {
				fell(err)
				return
			}
			wait = min(wait, f.nextLook(room))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// lower is the floor, or below what there is if that is less.
func lower(floor, left uint64) uint64 { return min(floor, left-left/16) }

// floor is what must stay free of one file system.
type floor struct {
	dir           string
	bytes, inodes uint64
}

func (f *floor) under(room Room) error {
	switch {
	case room.Bytes < f.bytes:
		return &FloorError{Dir: f.dir, What: "min_free", Left: size(room.Bytes), Keep: size(f.bytes)}
	case !room.Countless && room.Inodes < f.inodes:
		return &FloorError{Dir: f.dir, What: "min_free_inodes", Left: fmt.Sprint(room.Inodes, " inodes"), Keep: fmt.Sprint(f.inodes)}
	}
	return nil
}

// nextLook is when the floor can be reached at the earliest.
func (f *floor) nextLook(room Room) time.Duration {
	left := float64(less(room.Bytes, f.bytes)) / fillBytes
	if !room.Countless {
		left = min(left, float64(less(room.Inodes, f.inodes))/fillInodes)
	}
	return min(max(time.Duration(left*float64(time.Second)), lookOften), lookSeldom)
}
