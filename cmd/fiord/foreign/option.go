package foreign

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/result"
)

// shaping are the options by which people vary a job, as fio repeats them.
var shaping = []string{"rw", "bs", "iodepth", "numjobs", "rwmixread", "ioengine", "direct", "size", "rate_iops", "filename", "directory"}

// logging are the options that name logs.
var logging = []string{"write_bw_log", "write_iops_log", "write_lat_log", "write_hist_log"}

// learn keeps what a result says of its jobs.
func (r *Run) learn(out *result.Output) {
	var names []string
	for i := range out.Jobs {
		j := &out.Jobs[i]
		if !slices.Contains(names, j.Name) {
			names = append(names, j.Name)
		}
		for _, option := range logging {
			value, ok := optionOf(out, j, option)
			if !ok {
				continue
			}
			prefix := path.Base(cmp.Or(value, j.Name)) // fio's own default is the job's name
			if !slices.Contains(r.prefixes, prefix) {
				r.prefixes = append(r.prefixes, prefix)
			}
		}
	}
	r.job = strings.Join(names[:min(len(names), 3)], ", ")
	if len(names) > 3 {
		r.job += ", …"
	}
	r.options = agreed(out)
}

// agreed returns the shaping options that all jobs have alike.
func agreed(out *result.Output) map[string]string {
	all := map[string]string{}
	for _, option := range shaping {
		for i := range out.Jobs {
			value, _ := optionOf(out, &out.Jobs[i], option)
			if i > 0 && value != all[option] {
				delete(all, option)
				break
			}
			if value != "" {
				all[option] = value
			}
		}
	}
	for _, option := range []string{"filename", "directory"} {
		if v, ok := all[option]; ok {
			all[option] = path.Base(v)
		}
	}
	return all
}

// optionOf returns a job's option, or else the global one.
func optionOf(out *result.Output, j *result.Job, name string) (string, bool) {
	if v, ok := j.Option(name); ok {
		return v, true
	}
	for _, globals := range out.Globals {
		for _, s := range globals {
			if s.Name == name {
				return s.Value, true
			}
		}
	}
	return "", false
}

// refs names runs so that figures can tell them apart: by the options that vary
// among them, and by their own names where these are not enough.
func refs(title string, runs []Run) []events.RunRef {
	varying := varying(runs)
	out := make([]events.RunRef, len(runs))
	count := map[string]int{}
	for i, r := range runs {
		point := events.Point{}
		for _, option := range varying {
			if v := r.options[option]; v != "" {
				point[option] = v
			}
		}
		out[i] = events.RunRef{Run: r.Name, Name: title, Job: cmp.Or(r.job, r.Name), Point: point, Index: i}
		count[out[i].Job+"\x00"+point.Key()]++
	}
	for i := range out {
		if count[out[i].Job+"\x00"+out[i].Point.Key()] > 1 {
			out[i].Job = runs[i].Name
		}
	}
	return out
}

// varying lists the shaping options that runs with results differ in.
func varying(runs []Run) []string {
	var out []string
	for _, option := range shaping {
		first, known := "", false
		for _, r := range runs {
			if r.Result == "" {
				continue
			}
			if v := r.options[option]; known && v != first {
				out = append(out, option)
				break
			} else if !known {
				first, known = v, true
			}
		}
	}
	return out
}

// natural compares names so that 9 comes before 10.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := leadingDigits(a), leadingDigits(b)
		if x != "" && y != "" {
			m, n := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n), cmp.Compare(len(x), len(y))); c != 0 {
				return c
			}
			a, b = a[len(x):], b[len(y):]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}
