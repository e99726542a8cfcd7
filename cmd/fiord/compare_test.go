package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/cmd/fiord/contrast"
	"github.com/fiord-bench/fiord/events"
)

// comparing runs fiord compare and returns its exit code and what it prints.
func comparing(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := program{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	return p.run(t.Context(), append([]string{"compare"}, args...)), out.String(), errs.String()
}

// results writes a folder of results of fio 3.33 with one section each, by their
// IOPS over ten seconds, and returns its path.
func results(t *testing.T, options string, rates ...int) string {
	t.Helper()
	dir := t.TempDir()
	for i, iops := range rates {
		text := fmt.Sprintf(`{"fio version":"fio-3.33","timestamp":1700000000,"global options":{%s},"jobs":[{"jobname":"db","groupid":0,"error":0,"elapsed":11,
"job options":{"rw":"randread","bs":"4k"},"read":{"io_bytes":%d,"bw_bytes":%d,"iops":%d,"runtime":10000,"total_ios":%d,"short_ios":0,"drop_ios":0,
"lat_ns":{"min":1000,"max":90000,"mean":20000,"stddev":10,"N":%[5]d},"clat_ns":{"min":1000,"max":90000,"mean":19000,"stddev":10,"N":%[5]d,"percentile":{"50.000000":18000,"99.000000":40000}}},
"usr_cpu":1,"sys_cpu":1,"ctx":100,"job_runtime":10000}]}`, options, iops*10*4096, iops*4096, iops, iops*10)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCompareHoldsFoldersAgainstEachOther(t *testing.T) {
	before := results(t, `"iodepth":"1"`, 50000, 50100, 49900, 50050, 49950)
	half := results(t, `"iodepth":"32"`, 25000, 25100, 24900, 25050, 24950)
	same := results(t, `"iodepth":"1"`, 50010, 50110, 49910, 50060, 49960)
	code, text, errs := comparing(t, before, half)
	if code != 3 || !strings.Contains(text, "read.iops -50.0%") || !strings.Contains(text, "iodepth differs: 1 before, 32 after") {
		t.Errorf("exit code %d: %s%s", code, text, errs)
	}
	code, text, _ = comparing(t, before, same)
	if code != 0 || !strings.Contains(text, "Unchanged") {
		t.Errorf("exit code %d: %s", code, text)
	}
	code, text, _ = comparing(t, half, "--", before, same, "--threshold", "10%")
	if code != 2 {
		t.Errorf("flags after -- are files: exit code %d: %s", code, text)
	}
	code, text, _ = comparing(t, "--threshold", "10%", half, "--", before, same)
	if code != 0 || !strings.Contains(text, "Improved") || !strings.Contains(text, "5+10") {
		t.Errorf("exit code %d: %s", code, text)
	}
}

func TestCompareWritesFormats(t *testing.T) {
	before, half := results(t, "", 50000, 50100, 49900, 50050, 49950), results(t, "", 25000, 25100, 24900, 25050, 24950)
	_, text, _ := comparing(t, "--format", "json", before, half)
	var r contrast.Result
	if err := json.Unmarshal([]byte(text), &r); err != nil || r.Verdict != events.VerdictRegressed || len(r.Comparisons) == 0 || r.Samples[0].Runs != 5 {
		t.Errorf("JSON: %v: %s", err, text)
	}
	_, text, _ = comparing(t, "--format", "csv", before, half)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) < 2 || rows[1][5] != "50000" || rows[1][6] != "25000" {
		t.Errorf("CSV: %v: %s", err, text)
	}
	_, text, _ = comparing(t, "--format", "markdown", before, half)
	if !strings.HasPrefix(text, "**Regressed") || !strings.Contains(text, "| read.iops | 50.0k | 25.0k |") {
		t.Errorf("Markdown: %s", text)
	}
}

func TestCompareFollowsAHistory(t *testing.T) {
	var dirs []string
	for day := range 20 { // the machine moves by some 2% from day to day
		base := 50000 + 700*((day*7)%5-2)
		dirs = append(dirs, results(t, "", base, base+100, base-100))
	}
	code, text, errs := comparing(t, append([]string{"--history"}, append(dirs, results(t, "", 49500, 49600, 49400))...)...)
	if code != 0 || !strings.Contains(text, "This machine moves by 2.") {
		t.Errorf("a day like others: exit code %d: %s%s", code, text, errs)
	}
	slow := results(t, "", 42000, 42100, 41900)
	code, text, _ = comparing(t, append([]string{"--history"}, append(dirs, slow)...)...)
	if code != 3 || !strings.Contains(text, "Regressed: read.iops of db -16.0% against a level of 20 sessions") {
		t.Errorf("a drop: exit code %d: %s", code, text)
	}
	code, text, _ = comparing(t, "--history", dirs[0], dirs[1], slow)
	if code != 0 || !strings.Contains(text, "2 sessions before this one: a level needs 8") {
		t.Errorf("few sessions: exit code %d: %s", code, text)
	}
}

func TestCompareSaysWhatIsWrong(t *testing.T) {
	good, empty := results(t, "", 50000), t.TempDir()
	terse := filepath.Join(t.TempDir(), "out.json")
	if err := os.WriteFile(terse, []byte(`{"fio version":"fio-2.2.10","jobs":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		said string
	}{
		{[]string{good, empty}, "no results"},
		{[]string{good, good + "/none"}, "no such file"},
		{[]string{good, terse}, "fio-2"},
		{[]string{good, good, good}, "write -- between"},
		{[]string{good, good, "--metrics", "iops,speed"}, `metric "speed" is not known`},
		{[]string{good, good, "--threshold", "5"}, "want a percentage"},
		{[]string{good, good, "--format", "xml"}, "want text, markdown"},
	} {
		if code, text, errs := comparing(t, c.args...); code != 2 || !strings.Contains(errs, c.said) {
			t.Errorf("%q: exit code %d, want 2 and %q: %s%s", c.args, code, c.said, text, errs)
		}
	}
}

func TestAPointThatVanishedOrOnlyStallsIsNotCalledUnchanged(t *testing.T) {
	both := results(t, "", 50000, 50100, 49900, 50050, 49950)
	other := results(t, "", 50000, 50100, 49900, 50050, 49950)
	for i := range 5 { // a second job that only the first side has
		name := filepath.Join(both, fmt.Sprintf("%d.json", i))
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		second := bytes.Replace(raw, []byte(`"jobname":"db"`), []byte(`"jobname":"log"`), 1)
		if err := os.WriteFile(filepath.Join(both, fmt.Sprintf("log%d.json", i)), second, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, text, _ := comparing(t, both, other)
	if code != 4 || !strings.Contains(text, "log: it was not measured") {
		t.Errorf("exit code %d: %s", code, text)
	}
}
