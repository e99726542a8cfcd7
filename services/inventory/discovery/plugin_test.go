package discovery_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/services/inventory/discovery"
)

var update = flag.Bool("update", false, "write what is there into testdata")

// Configurations in the shapes that are found in public repositories and in the
// plugin's documentation: what each of them is told.
func TestConfigurationsOfThePluginAsTheyAreFound(t *testing.T) {
	files, err := filepath.Glob("testdata/plugin/*.yml")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	var got bytes.Buffer
	for _, file := range files {
		cfg, err := discovery.Load(file, os.Getenv)
		if err != nil {
			fmt.Fprintln(&got, err)
			continue
		}
		inv := cfg.Inventory
		fmt.Fprintf(&got, "%s: %d hostnames, %d composed, %d groups, %d keyed groups\n", file, len(inv.Hostnames), len(inv.Compose), len(inv.Groups), len(inv.KeyedGroups))
		for _, w := range cfg.Warnings {
			fmt.Fprintf(&got, "  %s\n", w)
		}
	}
	golden := "testdata/plugin.golden"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("what they are told (-want +got; -update writes it):\n%s", diff)
	}
}
