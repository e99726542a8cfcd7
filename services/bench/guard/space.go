package guard

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/fio/job"
)

// space refuses a job whose files would not fit, before fio lays them out.
// What is there already counts as laid out.
func (c *checker) space() error {
	need := map[string]uint64{} // by allowed directory
	at := map[string]*job.Job{}
	for _, j := range c.request.File.Jobs() {
		dir := c.directoryOf(j)
		if dir == "" {
			continue // a device, a volume or nothing at all
		}
		if j.Bool("fill_device", false) {
			c.refuse(j.Section.Pos, "fill_device", RuleSpace, "job %s would fill the file system of %s to the last byte", j.Name, dir)
			continue
		}
		if option := unreadable(j); option != "" {
			c.refuse(j.Get(option).Pos, option, RuleSpace, "job %s: %s is %q, of which nobody can tell how much space it takes", j.Name, option, j.Value(option))
			continue
		}
		need[dir] = add(need[dir], c.layout(j))
		if at[dir] == nil {
			at[dir] = j
		}
	}
	for _, dir := range keys(need) {
		free, err := c.guard.free(dir)
		if err != nil {
			return fmt.Errorf("read free space of %s: %w", dir, err)
		}
		if want := add(need[dir], c.guard.policy.MinFree); need[dir] > 0 && want > free {
			c.refuse(at[dir].Section.Pos, "size", RuleSpace,
				"the jobs lay out up to %s in %s, where %s are free and %s must stay free",
				size(need[dir]), dir, size(free), size(c.guard.policy.MinFree))
		}
	}
	return nil
}

// unreadable names a size that is set and cannot be read, "" if there is none.
func unreadable(j *job.Job) string {
	for _, option := range []string{"size", "filesize", "offset", "offset_increment"} {
		if _, ok := largest(j, option); !ok {
			return option
		}
	}
	return ""
}

// largest is the value of a size option, 0 if it is not set; of a range of
// file sizes it is the upper end.
func largest(j *job.Job, option string) (uint64, bool) {
	set := j.Get(option)
	if set == nil {
		return 0, true
	}
	_, high, isRange := strings.Cut(set.Value, "-")
	if !isRange {
		size, ok := j.Size(option)
		return positive(size.Bytes), ok
	}
	if set.Computed || set.Machine {
		return 0, false
	}
	size, err := job.ParseSize(high, 1000) // units may mean either: the larger reading counts
	if larger, err2 := job.ParseSize(high, 1024); err2 == nil && larger.Bytes > size.Bytes {
		size, err = larger, nil
	}
	return positive(size.Bytes), err == nil
}

// directoryOf is the allowed directory a job creates files in, "" if none.
func (c *checker) directoryOf(j *job.Job) string {
	touches, _ := j.Touches()
	for _, t := range touches {
		if !t.Access.Has(job.Create) || t.IfSpecial {
			continue
		}
		p := t.Path
		if !filepath.IsAbs(p) {
			p = filepath.Join(c.request.WorkDir, p)
		}
		p = filepath.Clean(p)
		if within(p, c.request.Scratch) {
			continue
		}
		for _, dir := range c.guard.policy.Directories {
			if within(p, dir) && !c.volume(p) {
				return dir
			}
		}
	}
	return ""
}

func (c *checker) volume(p string) bool {
	for _, v := range c.request.Volumes {
		if within(p, v) {
			return true
		}
	}
	return false
}

// layout is how many bytes of files a job makes at most, less what is there.
func (c *checker) layout(j *job.Job) uint64 {
	copies := uint64(max(1, j.NumJobs())) //nolint:gosec // at least 1
	files, _ := j.Int("nrfiles", 1)
	each, _ := largest(j, "filesize")
	total, _ := largest(j, "size")
	offset, _ := largest(j, "offset")
	step, _ := largest(j, "offset_increment")

	bytes := max(total, mul(each, positive(files)))
	bytes = add(bytes, offset)
	if j.Value("filename") != "" { // all copies share the files
		bytes = add(bytes, mul(step, copies-1))
	} else {
		bytes = mul(bytes, copies)
	}
	there := c.existing(j)
	if bytes <= there {
		return 0
	}
	return bytes - there
}

// existing adds up the regular files that the job names and that are there.
func (c *checker) existing(j *job.Job) uint64 {
	var total uint64
	touches, _ := j.Touches()
	for _, t := range touches {
		p := t.Path
		if !filepath.IsAbs(p) {
			p = filepath.Join(c.request.WorkDir, p)
		}
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() && t.Access.Has(job.Create) {
			total = add(total, positive(info.Size()))
		}
	}
	return total
}

func freeBytes(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return st.Bavail * uint64(st.Bsize), nil //nolint:gosec // block sizes are positive
}

func positive(n int64) uint64 { return uint64(max(0, n)) } //nolint:gosec // not negative

func add(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

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
