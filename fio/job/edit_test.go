package job

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const twoJobs = `[global]
bs=4k ; block size
ioengine=null
size=1m

[a]
iodepth=1
iodepth=2   # twice

[b]
stonewall
`

func TestSetChangesOneOptionInEveryJob(t *testing.T) {
	f := parse(t, twoJobs)
	changes, err := f.Set("iodepth", "32")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("iodepth=1\niodepth=2   # twice\n", "iodepth=32\n", "stonewall\n", "stonewall\niodepth=32\n").Replace(twoJobs)
	if diff := cmp.Diff(want, string(f.Bytes())); diff != "" {
		t.Error(diff)
	}
	wantChanges := []Change{
		{Job: "a", Option: "iodepth", Old: "iodepth=2   # twice", New: "iodepth=32"},
		{Job: "b", Option: "iodepth", New: "iodepth=32"},
	}
	if diff := cmp.Diff(wantChanges, changes); diff != "" {
		t.Error(diff)
	}
	for _, j := range f.Jobs() {
		if j.Value("iodepth") != "32" || j.Value("bs") != "4k" {
			t.Errorf("job %s: %v", j.Name, j.Options)
		}
	}
}

func TestSetWinsOverAnAliasInTheJobAndInGlobal(t *testing.T) {
	f := parse(t, "[global]\nblocksize=1k\n[a]\nblocksize=2k\n[b]\n")
	if _, err := f.Set("bs", "8k"); err != nil {
		t.Fatal(err)
	}
	want := "[global]\nblocksize=1k\n[a]\nbs=8k\n[b]\nbs=8k\n"
	if diff := cmp.Diff(want, string(f.Bytes())); diff != "" {
		t.Error(diff)
	}
}

func TestSetRefusesWhatWouldNotDoWhatItSays(t *testing.T) {
	for _, c := range []struct{ src, option, value, want string }{
		{"[a]\nbsrange=1k-4k\n", "bs", "8k", "decides the same thing (test.fio:2:1)"},
		{"[a]\n", "filename", "/dev/sda", "adds filename up"},
		{"[a]\n", "iodeph", "8", "did you mean iodepth?"},
		{"[a]\n", "bs", "4k\nfilename=/dev/sda", "line end"},
		{"[a]\n", "bs", "4k;x", "fio would cut it"},
		{"[a]\n", "bs", " 4k", "white space"},
		{"[a]\n", "bs", "${X}", "variables are not expanded"},
		{"[a]\n", "include x", "y", "not the name of an option"},
	} {
		f := parse(t, c.src)
		_, err := f.Set(c.option, c.value)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("set %s=%q: %v, want %q", c.option, c.value, err, c.want)
		}
		if string(f.Bytes()) != c.src {
			t.Errorf("set %s=%q: refused, yet the file changed:\n%s", c.option, c.value, f.Bytes())
		}
	}
}

func TestAddLogsKeepsWhatAJobSaysAboutItsLogs(t *testing.T) {
	f := parse(t, "[plain]\nrw=read\n[own]\nwrite_lat_log=mine\nlog_avg_msec=50\nper_job_logs=0\n")
	if _, err := f.AddLogs(Logs{Prefix: "/out/run", AvgMsec: 500, HistMsec: 1000, HistCoarseness: 1}); err != nil {
		t.Fatal(err)
	}
	want := `[plain]
rw=read
write_bw_log=/out/run
write_iops_log=/out/run
write_lat_log=/out/run
write_hist_log=/out/run
log_avg_msec=500
log_hist_msec=1000
log_hist_coarseness=1
[own]
write_lat_log=/out/run
log_avg_msec=50
per_job_logs=1
write_bw_log=/out/run
write_iops_log=/out/run
write_hist_log=/out/run
log_hist_msec=1000
log_hist_coarseness=1
`
	if diff := cmp.Diff(want, string(f.Bytes())); diff != "" {
		t.Error(diff)
	}
}

func TestAddLogsKeepsNamesWhenAsked(t *testing.T) {
	f := parse(t, "[global]\nper_job_logs=0\n[a]\nwrite_bw_log=mine\nlog_avg_msec=500\n[b]\nwrite_lat_log\nlog_avg_msec=100\n")
	if _, err := f.AddLogs(Logs{Prefix: "run", AvgMsec: 500, Keep: true}); err != nil {
		t.Fatal(err)
	}
	want := "[global]\nper_job_logs=0\n" +
		"[a]\nwrite_bw_log=mine\nlog_avg_msec=500\nwrite_iops_log=run\nwrite_lat_log=run\nper_job_logs=1\n" +
		"[b]\nwrite_lat_log\nlog_avg_msec=100\nwrite_bw_log=run\nwrite_iops_log=run\nper_job_logs=1\n"
	if diff := cmp.Diff(want, string(f.Bytes())); diff != "" {
		t.Error(diff)
	}
}

func TestAddLogsLeavesLatencyOutWhenAsked(t *testing.T) {
	f := parse(t, "[a]\nrw=read\n[own]\nwrite_lat_log=mine\nlog_avg_msec=250\n")
	if _, err := f.AddLogs(Logs{Prefix: "run", AvgMsec: 500, NoLatency: true}); err != nil {
		t.Fatal(err)
	}
	want := "[a]\nrw=read\nwrite_bw_log=run\nwrite_iops_log=run\nlog_avg_msec=500\n" +
		"[own]\nwrite_lat_log=run\nlog_avg_msec=250\nwrite_bw_log=run\nwrite_iops_log=run\n"
	if diff := cmp.Diff(want, string(f.Bytes())); diff != "" {
		t.Error(diff)
	}
}

func TestAddLogsRefusesCompressedHistograms(t *testing.T) {
	f := parse(t, "[a]\nlog_compression=64k\n")
	_, err := f.AddLogs(Logs{Prefix: "x", HistMsec: 100})
	if err == nil || !strings.HasPrefix(err.Error(), "test.fio:2:1: log_compression garbles") {
		t.Errorf("got %v", err)
	}
}

func TestParseLogName(t *testing.T) {
	for name, want := range map[string]LogFile{
		"run_bw.1.log":          {"run", "bw", 1},
		"a_b_clat_hist.12.log":  {"a_b", "clat_hist", 12},
		"a_slat.3.log.fz":       {"a", "slat", 3},
		"a_iops.log":            {"a", "iops", 0},
		"v1.2_lat.2.log.gz":     {"v1.2", "lat", 2},
		"x_clat.1.log.10.0.0.7": {"x", "clat", 1},
		"agg-read_bw.log":       {"agg-read", "bw", 0},
	} {
		got, ok := ParseLogName(name)
		if !ok || got != want {
			t.Errorf("%s: got %+v %v, want %+v", name, got, ok, want)
		}
	}
	for _, name := range []string{"fio.json", "run.log", "bw.1.txt"} {
		if got, ok := ParseLogName(name); ok {
			t.Errorf("%s: taken for %+v", name, got)
		}
	}
}

func TestDefaultLeavesEveryChoiceOfTheFileStanding(t *testing.T) {
	f := parse(t, "[global]\nlat_percentiles=0\n[a]\n[global]\nlat_percentiles=1\n[b]\n")
	if changes, err := f.Default("lat_percentiles", "1"); err != nil || len(changes) != 0 {
		t.Errorf("changed %v, %v", changes, err)
	}
	f = parse(t, "[a]\nlat_percentiles=0\n[b]\nrw=read\n")
	changes, err := f.Default("lat_percentiles", "1")
	if err != nil {
		t.Fatal(err)
	}
	if want := "[a]\nlat_percentiles=0\n[b]\nrw=read\nlat_percentiles=1\n"; string(f.Bytes()) != want || len(changes) != 1 {
		t.Errorf("%v:\n%s", changes, f.Bytes())
	}
	if _, err := f.Default("no_such_option", "1"); err == nil {
		t.Error("an unknown option was set")
	}
}

func TestALogOfEveryIOStaysThat(t *testing.T) {
	const own = "[exact]\nwrite_lat_log=run\nwrite_hist_log=run\nlog_hist_msec=1000\nlog_hist_coarseness=2\n"
	f := parse(t, own)
	if _, err := f.AddLogs(Logs{Prefix: "run", AvgMsec: 500, HistMsec: 500, HistCoarseness: 1}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(own, string(f.Bytes())); diff != "" {
		t.Error(diff)
	}
}
