package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/services/bench/lease"
)

func TestTheDefaultsAreValid(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"runner":            func(c *Config) { c.Runner = "podman" },
		"capacity":          func(c *Config) { c.Capacity = 0 },
		"state_dir":         func(c *Config) { c.StateDir = "relative" },
		"timeout":           func(c *Config) { c.Timeout = 0 },
		"logs.coarseness":   func(c *Config) { c.Logs.Coarseness = 7 },
		"hooks":             func(c *Config) { c.Hooks = []Hook{{}} },
		"lease_ttl":         func(c *Config) { c.LeaseTTL = lease.MinTTL / 2 },
		"shared":            func(c *Config) { c.Shared = []string{"sda"} },
		"docker.image":      func(c *Config) { c.Docker.Image = "" },
		"kernel names":      func(c *Config) { c.Devices = []Device{{ID: "/dev/sda"}} },
		"belongs to the sy": func(c *Config) { c.Directories = []string{"/etc"} },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in %v", want, err)
		}
	}
}

func TestTheReadmesTableIsThatOfTheSettings(t *testing.T) {
	before, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(copied, before, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "run", "./cmd/bench", "--write-config-table", copied).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	after, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("README.md is stale: go run ./cmd/bench --write-config-table README.md")
	}
}
