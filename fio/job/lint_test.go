package job

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLint(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"nothing to say", "[global]\nioengine=libaio\ndirect=1\ntime_based\nruntime=30\n[a]\nrw=randread\nfilename=f\nsize=1g\n", nil},
		{"several at once, by line", "[a]\nrw=sideways\niodeph=4\nruntime=1m30s\nwrite_hist_log=h\n", []string{
			"error: test.fio:2:1: unknown direction rw=sideways (use read, write, randread, randwrite, rw, randrw or a trim mode)",
			"error: test.fio:3:1: unknown option \"iodeph\" (did you mean iodepth?)",
			"error: test.fio:4:1: runtime: time \"1m30s\": unknown unit \"m30s\"; fio takes one of us, ms, s, m, h, d",
			"error: test.fio:5:1: write_hist_log without log_hist_msec writes nothing (set log_hist_msec)",
		}},
		{"logs", "[a]\nrw=read\nwrite_bw_log=1\nwrite_hist_log=h\nlog_hist_msec=100\nlog_compression=64k\nper_job_logs=0\n", []string{
			"warning: test.fio:3:1: write_bw_log writes a line for every I/O, which may halve the rate of a fast device (set log_avg_msec)",
			"warning: test.fio:3:1: write_bw_log=1 names a file: the log is called 1_… (give it a name, or leave the value out)",
			"error: test.fio:6:1: log_compression garbles histogram logs (remove it)",
			"warning: test.fio:7:1: per_job_logs=0 appends one job's log to another's (remove it)",
		}},
		{"a default is complained of once", "[global]\ngroup_reporting\ngtod_reduce=1\n[a]\nrw=read\n[b]\nrw=read\n", []string{
			"warning: test.fio:2:1: group_reporting shows the first job's name with the last job's options, and the averages of single jobs (remove it: fiord adds jobs up itself, percentiles included)",
			"warning: test.fio:3:1: gtod_reduce leaves latencies out (remove it to see latencies)",
		}},
		{"engines", "[a]\nrw=read\niodepth=8\nioengine=psync\n[b]\nrw=read\nioengine=libaio\n", []string{
			"warning: test.fio:3:1: iodepth=8 has no effect with ioengine=psync, which does one I/O at a time (use libaio or io_uring, or numjobs)",
			"warning: test.fio:7:1: libaio without direct=1 does one I/O at a time (set direct=1)",
		}},
		{"files that add up", "[global]\nfilename=/dev/x\n[a]\nrw=read\ndirectory=/d\nfilename=y\n", []string{
			"warning: test.fio:5:1: directory has no effect on the filename of [global] (set filename in the job)",
			"warning: test.fio:6:1: job a uses this and also filename=/dev/x of [global] (line 2): file names add up (set filename in the jobs only)",
		}},
		{"times", "[a]\nrw=read\ntime_based\n[b]\nrw=read\nruntime=2\nruntime=3\n", []string{
			"error: test.fio:3:1: time_based without runtime (set runtime)",
			"hint: test.fio:4:1: job b measures for 3s only (10 s and more repeat better)",
			"warning: test.fio:7:1: runtime was set in line 6 already; the last one counts (remove one)",
		}},
		{"values", "[a]\nrw=read\nsize\nbs=\nsize=4q\n", []string{
			"error: test.fio:3:1: size needs a value (write size=…)",
			"error: test.fio:4:1: bs: the value is empty",
			"error: test.fio:5:1: size: size \"4q\": unknown unit \"q\"",
			"warning: test.fio:5:1: size was set in line 3 already; the last one counts (remove one)",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, p := range Lint("test.fio", []byte(c.src), Config{}) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Lint must not cry wolf: these are read by fio without a complaint.
func TestLintFindsNoErrorInTheCorpus(t *testing.T) {
	for _, dir := range []string{"averaged", "stalls", "each-io", "compressed", "grouped", "unified", "percentiles", "tab", "file-sync", "trims", "steady"} {
		path := "../testdata/fio-3.39/" + dir + "/job.fio"
		for _, p := range Lint(path, readFile(t, path), Config{}) {
			if p.Severity == SeverityError && !strings.Contains(p.Message, "histogram") {
				t.Errorf("%s", p)
			}
		}
	}
}

// fio's own reading of units decides: what it transfers is size.
func TestSizesAreWhatFioTransfers(t *testing.T) {
	fio := need(t, "fio", "fio")
	for _, c := range []struct{ global, size string }{
		{"", "16k"}, {"", "16kb"}, {"", "16kib"}, {"", "0x10000"}, {"kb_base=1000\n", "16k"}, {"kb_base=1000\n", "16kib"}, {"", "1m"},
	} {
		src := "[global]\n" + c.global + "[j]\nioengine=null\nrw=read\nbs=512b\nsize=" + c.size + "\n"
		size, ok := parse(t, src).Jobs()[0].Size("size")
		if !ok {
			t.Errorf("%s cannot be read", c.size)
			continue
		}
		path := t.TempDir() + "/job.fio"
		writeFile(t, path, src)
		// fio does whole blocks only
		want := size.Bytes / 512 * 512
		if got := transferred(t, fio, path); got != want {
			t.Errorf("%ssize=%s: fio transfers %d, read as %d", c.global, c.size, got, size.Bytes)
		}
	}
}
