package job

import (
	"fmt"
	"strconv"
	"strings"
)

// Logs says which logs every job shall write. The zero value adds none.
type Logs struct {
	// Prefix is the path that every log's name begins with: PREFIX_bw.1.log
	// and so on. The numbers keep the jobs apart.
	Prefix string
	// AvgMsec is the window that bandwidth, IOPS and latency are averaged over,
	// in milliseconds; 0 leaves these logs out. Averaged logs are cheap, while
	// a line for every I/O halves what a fast device does.
	AvgMsec int
	// NoLatency leaves out those of latency, which cost the most of them: fio
	// keeps three (total, submission, completion), and adds to each for each I/O.
	NoLatency bool
	// HistMsec is the interval of the completion latency histograms, in
	// milliseconds; 0 leaves them out.
	HistMsec int
	// HistCoarseness merges 2^HistCoarseness neighbouring bins of them, 0 to 6.
	HistCoarseness int
	// Keep leaves a log under the name that the job gives it. Only logs that
	// the job does not ask for go to Prefix.
	Keep bool
}

// AddLogs makes every job write the given logs and changes nothing of the load.
// What a job already says about its logs stands: one that logs every I/O gets no
// averaged logs beside, since fio would average its own as well. Except for two
// things: all
// logs go to the prefix unless Keep is set, because the directory fio runs in may
// not be writable, and per_job_logs=0 is taken back, because fio would append one job's log to
// another's. It fails on a job whose own options would spoil the logs.
func (f *File) AddLogs(l Logs) ([]Change, error) {
	if err := checkLine("write_bw_log", l.Prefix); err != nil {
		return nil, fmt.Errorf("add logs: prefix: %w", err)
	}
	if l.AvgMsec < 0 || l.HistMsec < 0 || l.HistCoarseness < 0 || l.HistCoarseness > 6 {
		return nil, fmt.Errorf("add logs: window %d ms, histogram %d ms, coarseness %d: out of range", l.AvgMsec, l.HistMsec, l.HistCoarseness)
	}
	var changes []Change
	for _, j := range f.Jobs() {
		if err := j.checkLogs(l); err != nil {
			return nil, err
		}
		changes = append(changes, f.addLogs(j, l)...)
	}
	return changes, nil
}

// checkLogs refuses the combinations that make fio write garbage.
func (j *Job) checkLogs(l Logs) error {
	compressed := j.Get("log_compression")
	if compressed != nil && (l.HistMsec > 0 || j.Get("write_hist_log") != nil) {
		return &Error{
			Pos: compressed.Pos, Msg: "log_compression garbles histogram logs",
			Remedy: "remove it; logs are compressed when they are stored",
		}
	}
	return nil
}

// addLogs edits one job.
func (f *File) addLogs(j *Job, l Logs) []Change {
	var changes []Change
	set := func(name, value string) {
		changes = append(changes, f.set(j, Lookup(name, j.Engine()), name, value))
	}
	want := map[string]bool{
		"write_bw_log": l.AvgMsec > 0, "write_iops_log": l.AvgMsec > 0, "write_lat_log": l.AvgMsec > 0 && !l.NoLatency,
		"write_hist_log": l.HistMsec > 0,
	}
	if j.logsEachIO() { // averaging would change what its author asked for
		want["write_bw_log"], want["write_iops_log"], want["write_lat_log"] = false, false, false
	}
	averaged := false
	for _, name := range []string{"write_bw_log", "write_iops_log", "write_lat_log", "write_hist_log"} {
		own := j.Get(name)
		if own == nil && !want[name] {
			continue
		}
		averaged = averaged || own == nil && name != "write_hist_log"
		if own == nil || own.Value != l.Prefix && !l.Keep {
			set(name, l.Prefix)
		}
	}
	if averaged && j.Get("log_avg_msec") == nil {
		set("log_avg_msec", strconv.Itoa(l.AvgMsec))
	}
	if want["write_hist_log"] && j.Get("log_hist_msec") == nil {
		set("log_hist_msec", strconv.Itoa(l.HistMsec))
		if l.HistCoarseness > 0 && j.Get("log_hist_coarseness") == nil {
			set("log_hist_coarseness", strconv.Itoa(l.HistCoarseness))
		}
	}
	if len(changes) > 0 && !j.Bool("per_job_logs", true) {
		set("per_job_logs", "1")
	}
	return changes
}

// logsEachIO tells of a job that asks for a line for every I/O: its own logs
// without a window to average over. fio has one window for all logs of a job.
func (j *Job) logsEachIO() bool {
	if window, ok := j.Int("log_avg_msec", 0); !ok || window > 0 {
		return false
	}
	return j.Get("write_bw_log") != nil || j.Get("write_iops_log") != nil || j.Get("write_lat_log") != nil
}

// LogFile is what a log's name says.
type LogFile struct {
	Prefix string
	Kind   string // bw, iops, lat, slat, clat or clat_hist
	Number int    // of the job's copy over all jobs, from 1; 0 when per_job_logs=0
}

// ParseLogName reads the name of a log file, without its directory, as fio
// makes it: PREFIX_KIND[.N].log[.fz][.HOST], perhaps with .gz or .zst behind.
func ParseLogName(name string) (LogFile, bool) {
	stem, _, ok := cutLast(name, ".log")
	if !ok {
		return LogFile{}, false
	}
	number := 0
	if base, digits, found := cutLast(stem, "."); found {
		if n, err := strconv.Atoi(digits); err == nil && n > 0 {
			stem, number = base, n
		}
	}
	for _, kind := range []string{"clat_hist", "slat", "clat", "lat", "iops", "bw"} {
		if prefix, found := strings.CutSuffix(stem, "_"+kind); found {
			return LogFile{Prefix: prefix, Kind: kind, Number: number}, true
		}
	}
	return LogFile{}, false
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
