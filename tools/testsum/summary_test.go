package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runGo runs `go test -json` on a throwaway module with the given test file, and
// returns what testsum makes of it: the real producer, so that a change of its
// format shows here.
func runGo(t *testing.T, test string) (string, int) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "a_test.go"), test)
	cmd := exec.Command("go", "test", "-json", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	events, _ := cmd.Output() // fails when the tests do
	var out bytes.Buffer
	s := newSummary(&out)
	if err := s.read(bytes.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	code := s.close(0)
	return out.String(), code
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSummary(t *testing.T) {
	const head = "package a\n\nimport (\"testing\"; \"os\"; \"time\")\n\nvar _, _ = os.Exit, time.Sleep\n\n"
	for _, tt := range []struct {
		name, test string
		code       int
		want       []string
		wantNot    []string
	}{
		{
			name: "passes quietly",
			test: head + `func TestA(t *testing.T) { t.Log("chatter") }`,
			want: []string{"ok   example ", "1 passed, 0 failed, 0 skipped in 1 packages"}, wantNot: []string{"chatter"},
		},
		{
			name: "a failure shows its output and its name",
			test: head + `func TestA(t *testing.T) { t.Error("broken") }` + "\n" + `func TestB(t *testing.T) { t.Log("chatter") }`,
			code: 1,
			want: []string{"a_test.go:7: broken", "FAIL example ", "FAIL example TestA", "1 passed, 1 failed"}, wantNot: []string{"chatter"},
		},
		{
			name: "a failed subtest counts for itself and its parent",
			test: head + `func TestA(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Error("broken") }) }`,
			code: 1,
			want: []string{"broken", "FAIL example TestA/sub", "0 passed, 2 failed"},
		},
		{
			name: "a skip says why",
			test: head + `func TestA(t *testing.T) { t.Skip("no engine: run scripts/setup") }` + "\n" + `func TestB(t *testing.T) {}`,
			want: []string{"skip example TestA: no engine: run scripts/setup", "1 passed, 0 failed, 1 skipped"},
		},
		{
			name: "a broken build shows the compiler's words",
			test: head + `func TestA(t *testing.T) { undefined() }`,
			code: 1,
			want: []string{"undefined: undefined", "FAIL example", "(1 of them failed)"},
		},
		{
			name: "a crash shows the unfinished test",
			test: head + `func TestA(t *testing.T) { t.Log("on the way"); panic("boom") }`,
			code: 1,
			want: []string{"boom", "FAIL example"},
		},
		{
			name: "an exit outside of any test shows the package's output",
			test: head + `func TestMain(m *testing.M) { println("no port"); os.Exit(3) }`,
			code: 1,
			want: []string{"no port", "FAIL example"},
		},
		{
			name: "no test at all is a failure",
			test: head + `func helper(*testing.T) {}`,
			code: 1,
			want: []string{"no test ran"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, code := runGo(t, tt.test)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("output lacks %q", want)
				}
			}
			for _, not := range tt.wantNot {
				if strings.Contains(got, not) {
					t.Errorf("output has %q", not)
				}
			}
			if t.Failed() {
				t.Logf("output:\n%s", got)
			}
		})
	}
}

func TestReadPassesThroughWhatIsNoEvent(t *testing.T) {
	var out bytes.Buffer
	s := newSummary(&out)
	if err := s.read(strings.NewReader("go: cannot find module\n")); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "go: cannot find module\n" {
		t.Errorf("got %q", got)
	}
}
