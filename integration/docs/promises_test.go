package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ofTest is what a table of promises names: a folder, or a test in the folder
// that was named last.
var ofTest = regexp.MustCompile("\\]\\(\\.\\./([a-z0-9/]+)\\)|`(Test[A-Za-z0-9]+)`")

// A promise is worth the test that holds it: each that the table names must be in
// the folder it names, and each line must name one.
func TestPromisesAreHeldByTestsThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "promises.md"))
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for i, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| fault ") {
			continue
		}
		folder, here := "", 0
		for _, m := range ofTest.FindAllStringSubmatch(line, -1) {
			if m[1] != "" {
				folder = m[1]
				continue
			}
			here++
			if !declares(t, folder, m[2]) {
				t.Errorf("docs/promises.md:%d: %s has no %s", i+1, folder, m[2])
			}
		}
		if here == 0 {
			t.Errorf("docs/promises.md:%d: no test holds this promise", i+1)
		}
		held += here
	}
	if held < 40 {
		t.Errorf("%d tests are named: the table is not read", held)
	}
}

// declares reports whether a test file in a folder has a test.
func declares(t *testing.T, folder, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+test+"(t *testing.T)") {
			return true
		}
	}
	return false
}
