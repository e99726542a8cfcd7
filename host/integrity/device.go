package integrity

import (
	"math"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/internal/hostseries"
)

const (
	// foreignReads and foreignWrites are the shares of fio's own I/O that others
	// may do on its device. File systems add writes of their own.
	foreignReads, foreignWrites = 0.10, 0.25
	// foreignLeast in bytes per second is too little to matter.
	foreignLeast = 1 << 20
)

// device compares what the device measured did with what fio did. It can do so
// where there is one device, and for I/O that goes past the page cache, or in a
// direction that no job has.
func (j *judge) device(s hostseries.Series) {
	out := *j.Output
	out.Job = j.Job
	sum := out.Summary()
	if len(s.Devices) != 1 || sum.Mixed != nil || j.obscured() || !sameTime(sum.Sections) {
		return
	}
	var own rates
	var window time.Duration
	if r := sum.Read; r != nil {
		own.read, window = r.BWBytes, time.Duration(r.RuntimeMS)*time.Millisecond
	}
	if w := sum.Write; w != nil {
		own.written, window = w.BWBytes, max(window, time.Duration(w.RuntimeMS)*time.Millisecond)
	}
	seen, ok := ratesOf(s, window)
	if !ok {
		return
	}
	direct := j.direct()
	if direct || sum.Read == nil && j.wholePages() {
		j.foreign(s.Devices[0], "read", seen.read, own.read, foreignReads*(own.read+own.written))
	}
	if direct || sum.Write == nil {
		j.foreign(s.Devices[0], "written", seen.written, own.written, foreignWrites*(own.read+own.written))
	}
}

// sameTime tells whether all sections ran for all of the run: rates of one that
// did not cannot be held against what the device did over the run.
func sameTime(sections []result.Section) bool {
	for i := range sections {
		a, b := &sections[0], &sections[i]
		if max(a.StartMS, b.StartMS)-min(a.StartMS, b.StartMS)+max(a.EndMS(), b.EndMS())-min(a.EndMS(), b.EndMS()) > a.RuntimeMS/5 {
			return false
		}
	}
	return true
}

// wholePages tells whether every job writes whole pages: of others the kernel
// reads the rest first.
func (j *judge) wholePages() bool {
	for _, spec := range j.Job.Jobs() {
		for _, option := range []string{"bssplit", "bsrange", "bs_unaligned"} {
			if spec.Get(option) != nil {
				return false
			}
		}
		for text := range strings.SplitSeq(spec.Value("bs"), ",") {
			size, err := job.ParseSize(text, 1024)
			if text != "" && (err != nil || !size.Known() || size.Bytes%page != 0) {
				return false
			}
		}
	}
	return true
}

// page is the size of the kernel's pages where they are smallest.
const page = 4096

// foreign tells of more I/O on a device than fio's, and than allowed beside it.
func (j *judge) foreign(device, what string, seen, own, allowed float64) {
	if excess := seen - own; excess > allowed && excess > foreignLeast {
		j.find("busy_neighbour", events.IntegritySuspect, "%.1f MB/s were %s on %s, and fio's part was %.1f MB/s",
			seen/1e6, what, device, own/1e6)
	}
}

// rates are in bytes per second.
type rates struct{ read, written float64 }

// ratesOf are a device's over the last part of a series: before lie the layout
// of files and the warm-up.
func ratesOf(s hostseries.Series, window time.Duration) (r rates, ok bool) {
	if len(s.Samples) == 0 || window <= 0 {
		return r, false
	}
	from := s.Samples[len(s.Samples)-1].End() - window
	span := 0.0
	for _, one := range s.Samples {
		part := min(one.Span, one.End()-from).Seconds()
		if part <= 0 || math.IsNaN(one.Devices[0].ReadBytes) || math.IsNaN(one.Devices[0].WriteBytes) {
			continue
		}
		span += part
		r.read += part * one.Devices[0].ReadBytes
		r.written += part * one.Devices[0].WriteBytes
	}
	if span < window.Seconds()/2 {
		return r, false
	}
	return rates{r.read / span, r.written / span}, true
}

// direct tells whether every job goes past the page cache.
func (j *judge) direct() bool {
	for _, spec := range j.Job.Jobs() {
		if !spec.Bool("direct", !spec.Bool("buffered", true)) {
			return false
		}
	}
	return true
}

// obscured tells of jobs whose I/O is not all in fio's summary, or not at the
// end of the run.
func (j *judge) obscured() bool {
	for _, spec := range j.Job.Jobs() {
		for _, option := range []string{"verify", "startdelay", "read_iolog", "exec_prerun", "latency_target"} {
			if spec.Get(option) != nil {
				return true
			}
		}
		if spec.Bool("stonewall", false) && spec.Get("ramp_time") != nil {
			return true
		}
	}
	return false
}
