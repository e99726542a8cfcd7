package guard

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/fio/job"
)

// Space is what a job file may take of one file system.
type Space struct {
	// Dir is a directory on it that the job writes to.
	Dir string
	// Bytes and Inodes come on top of what is there, at most.
	Bytes, Inodes uint64
	// Unbounded says why it may be more, "" when it may not: then only a watch
	// on the free space keeps the host's floor.
	Unbounded string
}

// Room is what a file system has left for users without privileges.
type Room struct {
	Device        uint64 // number of the file system
	Bytes, Inodes uint64
	Countless     bool // it makes inodes as it needs them
}

// RoomOf reads what the file system of a directory has left.
func RoomOf(dir string) (Room, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Room{}, fmt.Errorf("read free space of %s: %w", dir, err)
	}
	var at unix.Stat_t
	if err := unix.Stat(dir, &at); err != nil {
		return Room{}, fmt.Errorf("find file system of %s: %w", dir, err)
	}
	return Room{
		Device: at.Dev, Bytes: st.Bavail * uint64(st.Bsize), //nolint:gosec // block sizes are positive
		Inodes: st.Ffree, Countless: st.Files == 0,
	}, nil
}

// Shortage is what a file system has too little of.
type Shortage struct {
	System        uint64 // its number
	Bytes, Inodes uint64
}

// page is what files are rounded up to, and metadata the part of what is
// written that a file system needs for itself, one of so many bytes.
const (
	page     = 4096
	metadata = 256
	// maxNames is how many names of one job are looked up to see what is there.
	maxNames = 1 << 20
)

// space counts what the jobs will write and refuses what would not fit, before
// fio lays anything out. What is there already counts as laid out.
func (c *checker) space() error {
	count := counter{checker: c, files: map[string]*counted{}, systems: map[uint64]*Space{}, first: map[uint64]job.Growth{}}
	for _, j := range c.request.File.Jobs() {
		if j.Bool("fill_device", false) {
			c.refuse(j.Section.Pos, "fill_device", RuleSpace, "job %s would fill the file system to the last byte", j.Name)
			continue
		}
		if option := unreadable(j); option != "" {
			c.refuse(j.Get(option).Pos, option, RuleSpace, "job %s: %s is %q, and how much space that takes cannot be known", j.Name, option, j.Value(option))
			continue
		}
		for _, g := range j.Footprint() {
			if err := count.add(g); err != nil {
				return err
			}
		}
	}
	if len(c.problems) > 0 {
		return nil
	}
	return count.judge()
}

// unreadable names a size that is set and cannot be read, "" if there is none.
func unreadable(j *job.Job) string {
	for _, option := range []string{"size", "filesize", "offset", "offset_increment"} {
		o := j.Get(option)
		if o == nil {
			continue
		}
		readable := !o.Computed && !o.Machine
		for _, part := range strings.FieldsFunc(o.Value, func(r rune) bool { return strings.ContainsRune(",:-", r) }) {
			if _, err := job.ParseSize(part, 1024); err != nil {
				readable = false
			}
		}
		if !readable {
			return option
		}
	}
	return ""
}

// counter adds up what jobs write, by file system. A file that several jobs
// use is counted once.
type counter struct {
	*checker
	files   map[string]*counted // by where the name leads
	systems map[uint64]*Space
	first   map[uint64]job.Growth // what to name in a refusal
}

// counted is one file with what it has become so far.
type counted struct {
	system    *Space
	end       int64  // bytes
	allocated uint64 // bytes that it takes already
	users     uint64 // processes
	replaced  bool   // while others have it open
}

// add counts one file, or the files of a folder.
func (c *counter) add(g job.Growth) error {
	at := c.absolute(g.Path, g.Aux)
	if c.volume(at) {
		return nil // the engine's, which the host cannot look into
	}
	where, err := locate(c.guard.sys, at)
	if err != nil {
		return err
	}
	if where.kind == kindBlock || where.kind == kindSpecial {
		return nil // as large as it is
	}
	system, err := c.system(where.real, g)
	if err != nil {
		return err
	}
	if g.Unbounded != "" {
		system.Unbounded = g.Unbounded
	}
	if g.Tree {
		return c.addTree(g, where.real, system)
	}
	c.makes(where.real)
	f := c.files[where.real]
	if f == nil {
		f = &counted{system: system}
		if f.end, f.allocated, err = there(where.real); err != nil {
			return err
		}
		if f.end < 0 { // not there
			f.end = 0
			system.Inodes = add(system.Inodes, c.missing(where.real))
		}
		c.files[where.real] = f
	}
	f.end = g.End(f.end)
	f.users = add(f.users, positive(g.Users))
	f.replaced = f.replaced || g.Replaces
	return nil
}

// sum charges what each file has become to its file system.
func (c *counter) sum() {
	for _, f := range c.files {
		need := rounded(f.end)
		if f.replaced { // those that are open stay, without a name
			need = mul(need, f.users)
			f.system.Inodes = add(f.system.Inodes, f.users-1)
		}
		f.system.Bytes = add(f.system.Bytes, less(need, f.allocated))
	}
}

// addTree counts files whose names are too many to list. Those that are there
// have been laid out by an earlier run.
func (c *counter) addTree(g job.Growth, real string, system *Space) error {
	bytes := add(positive(g.End(0)), mul(positive(g.Files), page))
	files := positive(g.Files)
	if g.Names != nil && g.Files <= maxNames {
		for name := range g.Names {
			file := filepath.Join(real, filepath.Base(name)) // names with a slash are not summed up
			end, allocated, err := there(file)
			if err != nil {
				return err
			}
			c.makes(file)
			if end >= 0 {
				bytes, files = less(bytes, allocated), less(files, 1)
			}
		}
	}
	system.Bytes = add(system.Bytes, bytes)
	system.Inodes = add(system.Inodes, add(files, c.missing(real)))
	return nil
}

// makes notes a file of the measured folders.
func (c *checker) makes(real string) {
	if !within(real, c.request.Scratch) {
		c.made[real] = true
	}
}

// system finds the file system that a file is on, or will be.
func (c *counter) system(path string, g job.Growth) (*Space, error) {
	dir := existing(path)
	room, err := c.guard.room(dir)
	if err != nil {
		return nil, err
	}
	if c.systems[room.Device] == nil {
		c.systems[room.Device] = &Space{Dir: dir}
		c.first[room.Device] = g
	}
	return c.systems[room.Device], nil
}

// judge holds what was counted against what is free.
func (c *counter) judge() error {
	c.sum()
	for device, s := range c.systems {
		room, err := c.guard.room(s.Dir)
		if err != nil {
			return err
		}
		s.Bytes = add(s.Bytes, s.Bytes/metadata)
		c.fits(device, *s, room)
		c.spaces = append(c.spaces, *s)
	}
	return nil
}

// fits refuses what a file system has no room for, unless leftovers of earlier
// jobs make room.
func (c *counter) fits(system uint64, s Space, room Room) {
	floor, inodes := c.guard.policy.MinFree, c.guard.policy.MinFreeInodes
	lack := Shortage{System: system}
	if s.Bytes > 0 {
		lack.Bytes = less(add(s.Bytes, floor), room.Bytes)
	}
	if s.Inodes > 0 && !room.Countless {
		lack.Inodes = less(add(s.Inodes, inodes), room.Inodes)
	}
	if lack.Bytes == 0 && lack.Inodes == 0 {
		return
	}
	var left Leftovers
	if c.request.Leftovers != nil {
		left = c.request.Leftovers(system, c.made)
	}
	if left.Removable && left.Bytes >= lack.Bytes && left.Inodes >= lack.Inodes {
		c.short = append(c.short, lack)
		return
	}
	at, remedy := c.first[system], ""
	if left.Remedy != "" {
		remedy = "; " + left.Remedy
	}
	if lack.Bytes > 0 {
		c.refuse(at.Pos, at.Option, RuleSpace,
			"the jobs write up to %s in %s, where %s are free and %s must stay free (min_free)%s",
			size(s.Bytes), s.Dir, size(room.Bytes), size(floor), remedy)
	}
	if lack.Inodes > 0 {
		c.refuse(at.Pos, at.Option, RuleSpace,
			"the jobs make up to %d files in %s, where %d inodes are free and %d must stay free (min_free_inodes)%s",
			s.Inodes, s.Dir, room.Inodes, inodes, remedy)
	}
}

// absolute is where a path of the job file leads; aux is for what fio keeps
// beside its results, which runners have it put into the attempt's folder.
func (c *checker) absolute(p string, aux bool) string {
	switch {
	case filepath.IsAbs(p):
	case aux:
		p = filepath.Join(c.request.Scratch, p)
	default:
		p = filepath.Join(c.request.WorkDir, p)
	}
	return filepath.Clean(p)
}

func (c *checker) volume(p string) bool {
	for _, v := range c.request.Volumes {
		if within(p, v) {
			return true
		}
	}
	return false
}

// missing counts the folders above a file that fio will make, and the file.
func (c *checker) missing(path string) uint64 {
	n := uint64(0)
	for p := path; ; p = filepath.Dir(p) {
		if _, err := os.Lstat(p); err == nil || p == filepath.Dir(p) {
			return n
		}
		n++
	}
}

// existing is the nearest folder above a path that is there.
func existing(path string) string {
	for p := path; ; p = filepath.Dir(p) {
		if info, err := os.Stat(p); err == nil && info.IsDir() || p == filepath.Dir(p) {
			return p
		}
	}
}

// there returns the size of a file and the bytes it takes, -1 when it is not
// there. A file with several names gives nothing back when fio removes one of
// them, so what it takes is nothing that a new one could use.
func there(path string) (end int64, allocated uint64, err error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return -1, 0, nil
	case err != nil:
		return 0, 0, fmt.Errorf("look at %s: %w", path, err)
	case !info.Mode().IsRegular():
		return 0, 0, nil
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Nlink == 1 {
		allocated = mul(positive(st.Blocks), 512)
	}
	return info.Size(), min(allocated, rounded(info.Size())), nil
}

func rounded(n int64) uint64 {
	return mul(add(positive(n), page-1)/page, page)
}

func positive(n int64) uint64 { return uint64(max(0, n)) } //nolint:gosec // not negative

func add(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

func less(a, b uint64) uint64 { return a - min(a, b) }

func mul(a, b uint64) uint64 {
	if b != 0 && a > math.MaxUint64/b {
		return math.MaxUint64
	}
	return a * b
}

func size(n uint64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d bytes", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0") + " " + units[i:i+1] + "iB"
}
