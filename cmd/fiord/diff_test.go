package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/host/facts"
)

// environment writes one as a run leaves it.
func environment(t *testing.T, e facts.Environment) string {
	t.Helper()
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), environmentFile)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheDifferenceOfTwoEnvironmentsIsShown(t *testing.T) {
	before := environment(t, facts.Environment{
		HostClass: "a", Kernel: facts.Kernel{Release: "6.1.0"}, Facts: map[string]string{"memory_free": "1GiB"},
		Target: &facts.Target{Disk: facts.Disk{Firmware: "E2"}},
	})
	after := environment(t, facts.Environment{
		HostClass: "b", Kernel: facts.Kernel{Release: "6.12.0", HugePages: "always"}, Facts: map[string]string{"memory_free": "2GiB"},
		Target: &facts.Target{Disk: facts.Disk{Firmware: "E3"}},
	})
	code, out, errs := command(t, "", nil, "diff", before, after)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	contains(t, out, "kernel.release", "6.1.0", "6.12.0", "target.firmware", "E3", "kernel.transparent_hugepages", "-")
	if strings.Contains(out, "memory_free") {
		t.Errorf("what always differs is shown:\n%s", out)
	}

	code, out, _ = command(t, "", nil, "diff", "--json", before, before)
	if code != 0 || strings.TrimSpace(out) != `{"changes":[]}` {
		t.Errorf("exit code %d, %s", code, out)
	}
}

func TestWhatIsNoEnvironmentIsRefused(t *testing.T) {
	good := environment(t, facts.Environment{HostClass: "a"})
	for name, text := range map[string]string{"json": `{"a":1}`, "text": "fio-3.33"} {
		bad := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := command(t, "", nil, "diff", good, bad); code != 2 || !strings.Contains(errs, bad+" is no environment.json") {
			t.Errorf("%s: exit code %d, %s", name, code, errs)
		}
	}
	if code, _, errs := command(t, "", nil, "diff", good, good+".none"); code != 2 || !strings.Contains(errs, "nor a file") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
