package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

func TestBadInputIsRefusedBeforeAnythingHappens(t *testing.T) {
	f := startUp(t, t.TempDir())
	broken := jobFile(t, "rw=sideways")
	for name, in := range map[string]struct {
		args []string
		want string
	}{
		"syntax of fio":    {[]string{"run", broken}, broken + ":8"},
		"missing job file": {[]string{"run", "none.fio"}, "none.fio: no such file"},
		"no job file":      {[]string{"run"}, "no arguments given: want fiord run JOB.fio|URL..."},
		"matrix":           {[]string{"run", jobFile(t), "--matrix", "bs"}, "want option=value,value"},
		"matrix's option":  {[]string{"run", jobFile(t), "--matrix", "iodepht=1"}, `did you mean iodepth?`},
		"no value":         {[]string{"run", jobFile(t), "--var", "SIZE"}, `--var "SIZE": want NAME=value`},
		"half a value":     {[]string{"run", jobFile(t), "--var", "SIZE=4k;rw=write"}, "SIZE: a value cannot contain ;"},
		"a file elsewhere": {[]string{"run", "https://example.org/a.fio", "--var", "SIZE=4k"}, "download it first"},
		"unset variable":   {[]string{"run", jobFile(t, "size=${SIZE}")}, "variable SIZE is not set"},
		"a path as volume": {[]string{"run", jobFile(t), "--volume", "/etc"}, "is a path, not a name"},
		"unknown flag":     {[]string{"run", "--speed=9"}, "unknown flag: --speed"},
		"unknown type":     {[]string{"publish", "bench.wanted"}, "no type"},
		"unknown field":    {[]string{"publish", "cancel.requested", "--data", file(t, `{"bench":"`+events.HashID("x")+`","reason":"r","by":"b","why":1}`)}, "why"},
		"missing field":    {[]string{"publish", "cancel.requested", "--data", file(t, `{"reason":"r","by":"b"}`)}, "bench"},
		"no JSON":          {[]string{"publish", "cancel.requested", "--data", file(t, `{`)}, "not JSON"},
		"unknown bench":    {[]string{"show", events.HashID("nobody")}, "no such bench"},
		"no id":            {[]string{"cancel", "all"}, "is not an id"},
		"no letter":        {[]string{"dead", "show", "7"}, "no such dead letter"},
		"no number":        {[]string{"dead", "redrive", "x"}, "is not the number of a dead letter"},
		"no stretch":       {[]string{"replay", "plot-draw"}, "--from is missing"},
		"backwards":        {[]string{"replay", "plot-draw", "--from", "7", "--to", "5"}, "is no stretch"},
		"no reaction":      {[]string{"replay", "nobody", "--from", "1"}, `no reaction is called "nobody"`},
		"folder of jobs":   {[]string{"run", t.TempDir()}, "is a folder"},
		"push's file":      {[]string{"run", "some/fiord.yaml"}, "says what a push measures"},
		"neither":          {[]string{"diff", "nobody", "nothing"}, "nobody is neither the id of a run or bench nor a file"},
		"too many":         {[]string{"hosts", "extra"}, "1 argument given: want fiord hosts"},
		"negative":         {[]string{"runs", "-n", "-1"}, "not negative"},
		"no script":        {[]string{"on", "run.completed", "--", "/no/such/script"}, "/no/such/script"},
		"no attempts":      {[]string{"on", "run.completed", "--attempts=0", "--", "true"}, "at least 1"},
		"no type at all":   {[]string{"on", "nonsense", "--", "true"}, "want noun and verb"},
		"no such state":    {[]string{"runs", "--state", "done"}, `--state is "done", want requested, queued`},
		"no such form":     {[]string{"lint", "--format", "xml"}, "want text, json, github or sarif"},
		"no such topic":    {[]string{"help", "fish"}, `no command "fish"`},
		"half a pattern":   {[]string{"hosts", "--name", "db-["}, "is no pattern"},
		"no command":       {[]string{"shwo"}, "did you mean show?"},
		"no subcommand":    {[]string{"dead", "letters"}, `fiord dead has no command "letters" (see fiord dead --help)`},
		"nothing to purge": {[]string{"dead", "purge"}, "name letters by number"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := f.command(in.args...)
			if code != 2 || !strings.Contains(stderr, in.want) {
				t.Errorf("exit code %d, want 2 and %q", code, in.want)
			}
		})
	}
	if _, out, _ := f.command("runs"); strings.Contains(out, "null") {
		t.Error("something was requested nevertheless")
	}
}

func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLintSaysWhatAPushWouldBeTold(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("fiord.yaml", "version: 1\nbenches:\n  - name: a\n    jobs: [a.fio]\n")
	write("a.fio", "[a]\nioengine=null\nsize=1m\nruntime=5\ntime_based=1\n")
	if code, out, _ := command(t, "", nil, "lint", dir); code != 0 || !strings.Contains(out, "0 problems") {
		t.Errorf("a good folder: exit code %d", code)
	}
	write("a.fio", "[a]\nrw=sideways\n")
	code, out, _ := command(t, "", nil, "lint", dir, "--json")
	if code != 2 || !strings.Contains(out, `"line":2`) {
		t.Errorf("a bad job: exit code %d", code)
	}
	code, out, _ = command(t, "", nil, "lint", dir, "--format", "github")
	if code != 2 || !strings.Contains(out, "::error file="+filepath.Join(dir, "a.fio")+",line=2,") {
		t.Errorf("for GitHub: exit code %d, %s", code, out)
	}
	if code, out, _ = command(t, "", nil, "lint", dir, "--format", "sarif"); code != 2 || !strings.Contains(out, `"startLine": 2`) {
		t.Errorf("as SARIF: exit code %d, %s", code, out)
	}
	if code, _, stderr := command(t, "", nil, "lint", filepath.Join(dir, "none")); code != 2 || !strings.Contains(stderr, "no such file") {
		t.Errorf("no file: exit code %d", code)
	}
}

func TestWithoutAFiordTheRemedyIsTold(t *testing.T) {
	dir := t.TempDir()
	code, _, stderr := command(t, "", nil, "runs", "--data", dir)
	if code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	contains(t, stderr, "no running fiord is known here", "fiord up", dir)
}
