package annotate_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/fiord-bench/fiord/cmd/fiord/annotate"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest/lint"
)

func found() lint.Result {
	return lint.Result{
		Problems: []events.Problem{
			{File: "jobs/100%, a:b.fio", Line: 3, Column: 9, Rule: "value", Message: "two lines\nand 50% of it"},
			{Rule: "missing", Message: "::error::no place\x1b[31m"},
		},
		Advice: []events.Problem{{File: "fiord.yaml", Line: 1, Rule: "effect", Message: "iodepth has no effect"}},
	}
}

func TestGitHub(t *testing.T) {
	var b bytes.Buffer
	if err := annotate.GitHub(&b, found()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	want := []string{
		"::error file=jobs/100%25%2C a%3Ab.fio,line=3,col=9,title=fiord%3A value::",
		"::error title=fiord%3A missing::",
		"::warning file=fiord.yaml,line=1,title=fiord%3A effect::iodepth has no effect",
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want one for each finding: %q", len(lines), lines)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) || strings.Contains(line, "\x1b") {
			t.Errorf("got %q, want %q", line, want[i])
		}
	}
}

func TestSARIF(t *testing.T) {
	for name, r := range map[string]lint.Result{"findings": found(), "none": {}} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := annotate.SARIF(&b, r, "v1.2.3"); err != nil {
				t.Fatal(err)
			}
			got, err := sarif.FromBytes(b.Bytes(), sarif.WithStrictValidation())
			if err != nil {
				t.Fatal(err)
			}
			if n := len(got.Runs[0].Results); n != len(r.Problems)+len(r.Advice) {
				t.Errorf("%d results", n)
			}
			if !json.Valid(b.Bytes()) || !strings.Contains(b.String(), `"results"`) {
				t.Errorf("got %s", b.String())
			}
		})
	}
}
