package deploy_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/internal/access"
)

// exposure is the most that systemd-analyze may find open, of 10.
const exposure = 2.5

// instance copies a unit to where systemd-analyze takes it under its full name,
// with a program that is there.
func instance(t *testing.T, file, name string) string {
	t.Helper()
	unit := filepath.Join(t.TempDir(), name)
	text := string(read(t, filepath.Join(folder, "systemd", file)))
	for _, program := range []string{"fiord", "bench", "%i"} {
		text = strings.ReplaceAll(text, "ExecStart=/usr/local/bin/"+program+" ", "ExecStart=/usr/bin/env ")
	}
	write(t, unit, text)
	return unit
}

func TestSystemdUnitsAreUnderstoodAndClosed(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		missing(t, "systemd-analyze is missing: apt-get install systemd")
	}
	for file, name := range map[string]string{"fiord.service": "fiord.service", "fiord-bench.service": "fiord-bench.service", "fiord@.service": "fiord@plot.service"} {
		t.Run(name, func(t *testing.T) {
			unit := instance(t, file, name)
			out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", unit).CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("systemd-analyze verify: %v\n%s", err, out)
			}
			out, err = exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--no-pager", unit).CombinedOutput()
			if err != nil {
				t.Fatalf("systemd-analyze security: %v\n%s", err, out)
			}
			_, last, ok := strings.Cut(string(out), "Overall exposure level for "+name+": ")
			if !ok {
				t.Fatalf("systemd-analyze security says %s", out)
			}
			open, err := strconv.ParseFloat(strings.Fields(last)[0], 64)
			if err != nil || open > exposure {
				t.Errorf("exposure is %s, want at most %v", strings.Fields(last)[0], exposure)
			}
		})
	}
}

// The variables of the units are settings, with the values that rights are bound to.
func TestSystemdSettingsAreThoseOfThePrograms(t *testing.T) {
	text := string(read(t, filepath.Join(folder, "systemd", "fiord@.service")))
	for _, service := range []string{"ingest", "inventory", "plot", "notify"} {
		env := map[string]string{}
		for line := range strings.Lines(strings.ReplaceAll(text, "%i", service)) {
			if pair, ok := strings.CutPrefix(strings.TrimSpace(line), "Environment="); ok {
				name, value, _ := strings.Cut(pair, "=")
				env[name] = value
			}
		}
		s, err := load(t, "fiord-"+service, "", env, "/etc/fiord/"+service)
		if err != nil {
			t.Errorf("%s: %v", service, err)
			continue
		}
		if s.common.NATS.InboxPrefix != access.InboxPrefix(service) || s.common.NATS.Provision {
			t.Errorf("%s: %+v", service, s.common.NATS)
		}
	}
}
