package dropin

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/fio/result"
)

// quick is a job that takes a second and touches no file.
const quick = "[global]\nioengine=null\nsize=1g\nruntime=1\ntime_based\nrate_iops=2000\n"

// volume is a data folder with job files, and what runs on it.
type volume struct {
	t *testing.T
	*Command
	out lockedBuffer
}

// lockedBuffer is read while a command writes to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newVolume(t *testing.T, env map[string]string, jobs map[string]string) *volume {
	t.Helper()
	if _, err := exec.LookPath("fio"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("fio is not installed: scripts/setup")
		}
		t.Skip("fio is not installed: apt-get install fio")
	}
	dir := t.TempDir()
	for name, text := range jobs {
		plant(t, dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	v := &volume{t: t}
	v.Command = &Command{Env: env, Data: dir, Dir: dir, Listen: "127.0.0.1:0", Fio: "fio", Stdout: &v.out, Stderr: &v.out}
	return v
}

// expect runs a command and checks its exit code and some of what it says.
func (v *volume) expect(code int, tool string, args []string, said ...string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), time.Minute)
	defer cancel()
	if got := v.Run(ctx, tool, args); got != code {
		v.t.Errorf("%s %q: exit code %d, want %d", tool, args, got, code)
	}
	for _, want := range said {
		if !strings.Contains(v.out.String(), want) {
			v.t.Errorf("nothing said %q", want)
		}
	}
	if v.t.Failed() {
		v.t.Log(v.out.String())
	}
}

func (v *volume) has(names ...string) {
	v.t.Helper()
	all := tree(v.t, v.Data)
	for _, name := range names {
		if !slices.Contains(all, name) {
			v.t.Errorf("no %s among %q", name, all)
		}
	}
}

func (v *volume) text(name string) string {
	v.t.Helper()
	text, err := os.ReadFile(filepath.Join(v.Data, name))
	if err != nil {
		v.t.Fatal(err)
	}
	return string(text)
}

func TestAJobWithoutLogOptionsIsRunAsItIs(t *testing.T) {
	v := newVolume(t, map[string]string{"JOBFILES": "my job.fio", "DEPTH": "3"}, map[string]string{
		"my job.fio": quick + "include common part\n[one]\nrw=randread\niodepth=${DEPTH}\n[two]\nrw=write\n", "common part": "bs=8k\n",
	})
	plant(t, v.Data, "old_bw.1.log", "fio.output")
	v.expect(ExitOK, "fio-tool", nil)
	want := []string{"common part", "fio.output", "my job.fio", "my job.json"}
	for _, kind := range []string{"bw", "clat", "clat_hist", "iops", "lat", "slat"} {
		want = append(want, "my job_"+kind+".1.log", "my job_"+kind+".2.log")
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, tree(t, v.Data)); diff != "" {
		t.Error(diff)
	}
	out, err := result.Parse([]byte(v.text("my job.json")))
	if err != nil {
		t.Fatal(err)
	}
	if depth, _ := out.Jobs[0].Option("iodepth"); depth != "3" {
		t.Errorf("iodepth is %q, not the environment's 3", depth)
	}
	if ios := out.Jobs[0].Read.IOs; ios < 1500 || ios > 2500 {
		t.Errorf("%d I/Os, want about 2000", ios)
	}
	if text := v.text("fio.output"); !strings.HasPrefix(text, "one: (g=0): rw=randread, bs=(R) 8192B") || !strings.Contains(text, "Run status group 0") || strings.Contains(text, "fio version") {
		t.Errorf("fio.output is not fio's own text:\n%s", text)
	}
}

func TestLogsKeepTheirNames(t *testing.T) {
	v := newVolume(t, map[string]string{"JOBFILES": "a.fio jobs/b.fio"}, map[string]string{
		"a.fio":      quick + "write_bw_log=mytest\n[one]\nrw=read\nwrite_iops_log\n",
		"jobs/b.fio": quick + "write_bw_log=mytest\n[two]\nrw=write\n",
	})
	v.expect(ExitOK, "fio-tool", nil)
	// b.fio would have overwritten the log of a.fio. Both log every I/O, so only
	// histograms are added: averaged logs would have averaged theirs.
	v.has("a.json", "b.json", "mytest_bw.1.log", "one_iops.1.log", "a_clat_hist.1.log", "b_bw.1.log", "b_clat_hist.1.log", "jobs/b.fio")
	if n := strings.Count(v.text("fio.output"), "Run status group 0"); n != 2 {
		t.Errorf("fio.output holds %d runs, want 2", n)
	}
}

func TestAFailedRunIsNoSuccess(t *testing.T) {
	v := newVolume(t, map[string]string{"JOBFILES": "bad.fio good.fio", "FIORD_SERVE": "never", "PLOTNAME": "a <b>"}, map[string]string{
		"bad.fio":  "[gone]\nrw=read\nfilename=gone\nsize=1m\nallow_file_create=0\n",
		"good.fio": quick + "[good]\nrw=read\n",
	})
	v.expect(ExitFailed, "fiotools-aio", nil, "bad.fio: fio ended with status 1")
	v.has("good.json", "figures/good/iops.svg")
	for _, want := range []string{"What went wrong", "bad.fio: fio ended with status 1", "a &lt;b&gt;", "good.json"} {
		if !strings.Contains(v.text("report.html"), want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

func TestNothingIsDeletedOrStartedWhenAJobIsRefused(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "victim")
	plant(t, filepath.Dir(victim), "victim")
	for name, c := range map[string]struct{ job, said string }{
		"outside":   {"[a]\nrw=write\nsize=1m\nfilename=" + victim + "\n", "outside the directories"},
		"command":   {"[a]\nrw=read\nsize=1m\nexec_prerun=touch /tmp/x\n", "runs the command"},
		"memory":    {"[a]\nrw=write\nsize=1m\nfilename=/dev/mem\n", "/dev/mem"},
		"full disk": {"[a]\nrw=write\nsize=900t\n", "must stay free"},
		"syntax":    {"[a]\nrw=wrong\nbogus=1\n", "bogus"},
		"missing":   {"", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVolume(t, map[string]string{"JOBFILES": "good.fio bad.fio"}, map[string]string{"good.fio": quick + "[good]\nrw=read\n"})
			plant(t, v.Data, "precious_bw.1.log")
			if c.job != "" {
				if err := os.WriteFile(filepath.Join(v.Data, "bad.fio"), []byte(c.job), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, v.Data)
			v.expect(ExitInput, "fio-tool", nil, c.said)
			if diff := cmp.Diff(before, tree(t, v.Data)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "victim" {
		t.Errorf("victim: %q, %v", text, err)
	}
}

func TestRemoteFiles(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".fio") {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(quick + "[far]\nrw=read\n"))
	}))
	t.Cleanup(server.Close)
	env := func(remote, jobs, private string) map[string]string {
		return map[string]string{"REMOTEFILES": remote, "JOBFILES": jobs, "FIORD_ALLOW_PRIVATE": private}
	}
	for name, c := range map[string]struct {
		env  map[string]string
		said string
	}{
		"private":   {env(server.URL+"/a.fio", "a.fio", ""), "FIORD_ALLOW_PRIVATE=yes"},
		"not there": {env(server.URL+"/a.txt", "a.txt", "yes"), "404"},
		"local job": {env(server.URL+"/a.fio", "local.fio", "yes"), "among the files that REMOTEFILES names (a.fio)"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVolume(t, c.env, map[string]string{"local.fio": quick})
			v.expect(ExitInput, "fio-tool", nil, c.said)
			v.has("local.fio")
		})
	}
	v := newVolume(t, env(server.URL+"/x/far%20away.fio", "far away.fio", "yes"), map[string]string{"local.fio": quick})
	v.expect(ExitOK, "fio-tool", nil)
	v.has("far away.fio", "far away.json")
	if slices.Contains(tree(t, v.Data), "local.fio") {
		t.Error("local.fio is still there: with REMOTEFILES everything old goes")
	}
}

func TestPlotsAreNamedAsFio2gnuplotNamesThem(t *testing.T) {
	v := newVolume(t, map[string]string{"JOBFILES": "a.fio"}, map[string]string{"a.fio": quick + "[one]\nrw=read\n[two]\nrw=randrw\n"})
	v.expect(ExitOK, "fio-tool", nil)
	before := tree(t, v.Data)
	fresh := func() []string {
		return slices.DeleteFunc(tree(t, v.Data), func(n string) bool { return slices.Contains(before, n) || filepath.Ext(n) == ".svg" })
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"-t", "Title", "-b", "-g", "-p", "*_bw*"}, []string{"a_bw.1-2Draw.png", "a_bw.2-2Draw.png", "compare-_bw-2Draw.png"}},
		{[]string{"-i", "-g"}, []string{"a_iops.1-2Draw.png", "a_iops.2-2Draw.png", "compare-result-2Draw.png"}},
		{[]string{"-i", "-o", "numbers"}, []string{"numbers.global"}},
		{[]string{"-g", "-b", "a_bw.1.log", "-d", "plots"}, []string{"plots/a_bw.1-2Draw.png"}},
		{nil, []string{
			"a_bw.1-2Draw.png", "a_bw.2-2Draw.png", "a_iops.1-2Draw.png", "a_iops.2-2Draw.png",
			"compare-result_bw-2Draw.png", "compare-result_iops-2Draw.png",
		}},
	} {
		v.expect(ExitOK, "fio-genplots", c.args)
		if diff := cmp.Diff(c.want, fresh()); diff != "" {
			t.Errorf("%q: %s", c.args, diff)
		}
		if slices.Contains(c.args, "numbers") && !strings.Contains(v.text("numbers.global"), "disks_count=2\n") {
			t.Errorf("numbers: %s", v.text("numbers.global"))
		}
		for _, n := range tree(t, v.Data) {
			if !slices.Contains(before, n) {
				_ = os.Remove(filepath.Join(v.Data, n))
			}
		}
	}
	v.expect(ExitFailed, "fio-genplots", []string{"-g", "-p", "none*"}, "no log was found")
	v.expect(ExitInput, "fio-genplots", []string{"-x"}, "unknown shorthand")
	v.expect(ExitInput, "fio-genplots", []string{"-m", "3"}, "-m is not supported")
}

func TestWrongCallsAreTold(t *testing.T) {
	v := newVolume(t, nil, nil)
	v.expect(ExitInput, "fio-toool", nil, "want one of fiotools-aio")
	v.expect(ExitInput, "fio-tool", []string{"job.fio"}, "takes no arguments")
	v.expect(ExitInput, "fiotools-aio", nil, "JOBFILES is not set")
	v.expect(ExitInput, "fio-plotserve", []string{"/nowhere/at/all"}, "no such file")
}
