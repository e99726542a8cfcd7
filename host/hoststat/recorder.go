package hoststat

import (
	"cmp"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/internal/hostseries"
)

const (
	// Period is the time between two samples, until a run is so long that
	// they are merged.
	Period = time.Second
	// shortest is what the last interval must have: the kernel counts CPU
	// time in hundredths of a second.
	shortest = 100 * time.Millisecond
)

// Recorder takes samples in the background.
type Recorder struct {
	probe *Probe
	quota *quota // nil where no control group of fio's is seen
	began time.Time
	stop  chan struct{}
	once  sync.Once
	done  sync.WaitGroup

	// Of the goroutine, until done.
	at     time.Time // end of the last interval
	series hostseries.Series
	err    error
}

// Record begins to watch the host whose files lie below root ("" for this
// one): of its devices those named, and the limits of the fio that was given a
// job file by that path ("" for none). Stop must be called.
func Record(root string, devices []string, job string) (*Recorder, error) {
	return record(root, devices, job, Period)
}

func record(root string, devices []string, job string, period time.Duration) (*Recorder, error) {
	p, err := Open(root, devices)
	if err != nil {
		return nil, err
	}
	r := &Recorder{probe: p, quota: openQuota(cmp.Or(root, "/"), job), began: time.Now(), stop: make(chan struct{}), series: hostseries.Series{Devices: p.devices}}
	r.at = r.began
	if _, _, err := p.Sample(r.began); err != nil {
		r.close()
		return nil, err
	}
	r.done.Go(func() { r.loop(period) })
	return r, nil
}

// Stop ends it and returns what was seen between two times, with intervals
// counted from the first: fio's start and end. What was seen is returned
// beside an error too. Calls after the first return the same.
func (r *Recorder) Stop(from, to time.Time) (hostseries.Series, error) {
	r.once.Do(func() { close(r.stop) })
	r.done.Wait()
	offset := r.began.Sub(from)
	out := hostseries.Series{Devices: r.series.Devices}
	for _, s := range r.series.Samples {
		s.Start += offset
		if s.Start < 0 { // fio came up within the interval
			s.Start, s.Span = 0, s.End()
		}
		if s.Span >= time.Millisecond && from.Add(s.Start).Before(to) {
			out.Samples = append(out.Samples, s)
		}
	}
	return out, r.err
}

// Held is what limits of CPU time did to fio, once Stop has been called. It is
// zero when they did nothing, and when they could not be seen.
func (r *Recorder) Held() Held {
	if r.quota == nil {
		return Held{}
	}
	return r.quota.held()
}

func (r *Recorder) close() {
	r.probe.Close()
	if r.quota != nil {
		r.quota.close()
	}
}

func (r *Recorder) loop(period time.Duration) {
	defer r.close()
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			if now := time.Now(); now.Sub(r.at) >= min(shortest, period) {
				r.take(now)
			}
			return
		case <-tick.C:
		}
		if r.take(time.Now()) {
			period *= 2
			tick.Reset(period)
		}
		if r.err != nil {
			return
		}
	}
}

// take adds a sample and reports whether the series was merged.
func (r *Recorder) take(now time.Time) bool {
	if r.quota != nil {
		r.quota.sample()
	}
	s, ok, err := r.probe.Sample(now)
	if r.err = err; !ok {
		return false
	}
	s.Start = r.at.Sub(r.began)
	r.at = now
	return r.series.Add(s)
}
