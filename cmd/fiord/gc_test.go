package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Old benches go; pages of those that stay, and of their baselines, are as they
// were, drawn of real logs, and also when the stream has forgotten everything.
func TestPagesOutliveGarbageCollection(t *testing.T) {
	dir := t.TempDir()
	f := startUp(t, dir)
	bench := func(args ...string) (id, run string) {
		t.Helper()
		_, out, _ := f.command(append([]string{"run", jobFile(t), "--json"}, args...)...)
		var got result
		if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Runs) != 1 {
			t.Fatalf("%v in %s", err, out)
		}
		for run = range got.Runs {
		}
		return got.Bench, run
	}
	old, oldRun := bench()
	baseline, baselineRun := bench()
	archived := filepath.Join(dir, "s3", "fiord", "archive")
	for _, id := range []string{old, baseline} {
		eventually(t, "the archive of "+id, func() bool {
			_, err := os.Stat(filepath.Join(archived, id, "ended.json"))
			return err == nil
		})
	}
	makeOld(t, filepath.Join(dir, "s3", "fiord"), 100*24*time.Hour)
	young, youngRun := bench("--baseline", baseline, "--repeat", "1")
	eventually(t, "the archive of "+young, func() bool {
		_, err := os.Stat(filepath.Join(archived, young, "ended.json"))
		return err == nil
	})

	code, out, _ := f.command("gc", "--older-than=90d")
	contains(t, out, "runs/host.here/"+oldRun, "plots/"+oldRun, "reports/"+old, "nothing was removed", "2 baselines kept") // the one that was named, and the newest of its name
	if code != 0 || strings.Contains(out, baselineRun) || strings.Contains(out, youngRun) {
		t.Errorf("exit code %d, or something goes that is referred to", code)
	}
	code, out, _ = f.command("gc", "--older-than=90d", "--delete", "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var last struct {
		Summary struct {
			Deleted bool
			Total   struct{ Goes struct{ Objects int } }
		}
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || code != 0 || !last.Summary.Deleted || last.Summary.Total.Goes.Objects == 0 {
		t.Errorf("exit code %d, %v, %+v", code, err, last)
	}

	f.stop()
	if err := os.RemoveAll(filepath.Join(dir, "nats")); err != nil {
		t.Fatal(err)
	}
	f = startUp(t, dir)
	for _, path := range []string{
		"/benches/" + young, "/benches/" + baseline, "/benches/" + old, // this one only from the archive
		"/runs/" + youngRun, "/runs/" + baselineRun, "/artifacts/reports/" + baseline + "/report.html",
		"/artifacts/plots/" + youngRun + "/iops.svg", "/artifacts/plots/" + baselineRun + "/iops.svg",
		"/runs/" + youngRun + "/figures/steady.svg", "/runs/" + baselineRun + "/figures/cdf.svg",
		"/compare/iops.svg?run=" + baselineRun + "&run=" + youngRun,
	} {
		if status := get(t, f.conn.WebURL+path); status != http.StatusOK {
			t.Errorf("GET %s: %d", path, status)
		}
	}
	if status := get(t, f.conn.WebURL+"/artifacts/plots/"+oldRun+"/iops.svg"); status != http.StatusNotFound {
		t.Errorf("figures of a bench that went: %d", status)
	}
}

// makeOld makes everything stored look as if it had been written then.
func makeOld(t *testing.T, dir string, age time.Duration) {
	t.Helper()
	then := time.Now().Add(-age)
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, then, then)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCollectionRefusesWrongAges(t *testing.T) {
	for _, args := range [][]string{{"--older-than=soon"}, {"--older-than=0d"}, {"--grace=-1h"}, {"everything"}} {
		if code, _, stderr := command(t, "", nil, append([]string{"gc", "--data", t.TempDir()}, args...)...); code != 2 || stderr == "" {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}
