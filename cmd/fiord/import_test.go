package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/cmd/fiord/foreign"
)

// importing runs fiord import and returns its exit code and what it prints.
func importing(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := program{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	return p.run(t.Context(), append([]string{"import"}, args...)), out.String(), errs.String()
}

func TestImportReportsWhatFioLeft(t *testing.T) {
	const folder = "../../fio/testdata/fio-3.33/compressed"
	out := filepath.Join(t.TempDir(), "report")
	code, text, errs := importing(t, folder, "--out", out, "--title", "Mine")
	if code != 0 || !strings.Contains(text, "read 734 kIOPS") || !strings.Contains(text, "! short run") || !strings.HasSuffix(text, "report.html\n") {
		t.Errorf("exit code %d: %s%s", code, text, errs)
	}
	if html, err := os.ReadFile(filepath.Join(out, foreign.FileHTML)); err != nil || !bytes.Contains(html, []byte("<h1>Mine</h1>")) {
		t.Errorf("report: %v", err)
	}
	code, text, errs = importing(t, folder, "--out", out, "--json") // replaces the report
	var r foreign.Report
	if err := json.Unmarshal([]byte(text), &r); code != 0 || err != nil || len(r.Runs) != 1 || r.Title != "fio results of compressed" || r.Runs[0].Lines == 0 {
		t.Errorf("exit code %d, %v: %+v%s", code, err, r, errs)
	}
}

func TestImportTellsWhatItCannotRead(t *testing.T) {
	broken, empty, full := t.TempDir(), t.TempDir(), t.TempDir()
	for name, text := range map[string]string{broken + "/a.json": "{\n \"fio version\" : \"fio-3.33\",\n", full + "/thesis.tex": ""} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{broken, "-o", filepath.Join(t.TempDir(), "r")}, 1, "not read: a.json"},
		{[]string{empty, "-o", filepath.Join(t.TempDir(), "r")}, 2, "no results of fio's"},
		{[]string{filepath.Join(empty, "none")}, 2, "no such file"},
		{[]string{"../../fio/testdata/fio-3.33/tab", "-o", full}, 2, "thesis.tex"},
		{nil, 2, "want fiord import DIR"},
	} {
		code, text, errs := importing(t, c.args...)
		if code != c.code || !strings.Contains(text+errs, c.said) {
			t.Errorf("%q: exit code %d, want %d and %q: %s%s", c.args, code, c.code, c.said, text, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(full, "thesis.tex")); err != nil {
		t.Error(err)
	}
}
