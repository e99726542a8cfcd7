package job

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

func TestSeveralValuesForOneNumberAreFound(t *testing.T) {
	for option, several := range map[string]bool{
		"size=4k,8t": true, "size=4k:8t": true, "size=1m-8t": true, "numjobs=1,1000": true, "fill_device=0,1": true,
		"runtime=1,1000": true, "filesize=1m-2m,8t": true, "nrfiles=1:5": true,
		"size=4k": false, "size=50%": false, "bs=4k,8k": false, "rate=1m,2m": false, "filesize=1m-2m": false,
		"nice=-5": false, "startdelay=1-5": false, "time_based": false, "cpus_allowed=0-3,5": false,
	} {
		f, err := Parse("test", []byte("[a]\nrw=read\n"+option+"\n"), Config{})
		if err != nil {
			t.Fatal(err)
		}
		_, findings := f.Jobs()[0].Touches()
		found := false
		for _, finding := range findings {
			found = found || finding.Rule == RuleValues
		}
		if found != several {
			t.Errorf("%s: %v, %v", option, found, findings)
		}
	}
}

// What fio makes of several values is why they are refused.
func TestFioTakesTheLastOfSeveralValues(t *testing.T) {
	fio, err := exec.LookPath("fio")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: apt-get install fio", err)
	}
	read := regexp.MustCompile(`"io_bytes" : (\d+)`)
	for _, size := range []string{"8k,4k", "8k:4k", "8k-4k"} {
		path := filepath.Join(t.TempDir(), "job.fio")
		if err := os.WriteFile(path, []byte("[a]\nioengine=null\nrw=read\nbs=4k\nsize="+size+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(fio, "--output-format=json", path).Output()
		if got := read.FindSubmatch(out); err != nil || got == nil || string(got[1]) != "4096" {
			t.Errorf("size=%s: %s read, %v", size, got, err)
		}
	}
}
