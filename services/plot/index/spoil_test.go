package index_test

import (
	"os"
	"testing"
)

// spoil overwrites the middle of a file.
func spoil(t *testing.T, path string) {
	t.Helper()
	raw, err := os.ReadFile(path) //nolint:gosec // the test's own file
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		if i >= 100 && i < len(raw)-100 {
			raw[i] = 'x'
		}
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
