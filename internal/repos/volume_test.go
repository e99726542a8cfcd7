package repos_test

import (
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/internal/volume"
)

func volumeRule(t *testing.T, text string) repos.Rule {
	t.Helper()
	p, err := repos.Parse("repos.yaml", []byte("version: 1\nrules:\n  - repositories: [lab/jobs]\n    volumes: [\"**\"]\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	r, ok := p.For("git", "lab/jobs")
	if !ok {
		t.Fatal("no rule")
	}
	return r
}

func TestARuleNarrowsVolumes(t *testing.T) {
	const narrow = "    volume_profiles: [gold, \"tin-*\"]\n    volume_drivers: [ebs]\n    volume_options: {size: [\"10\", \"20\"], o: [\"ro\", \"size=*\"]}\n"
	ask := func(name, driver string, options map[string]string) events.BenchRequested {
		return events.BenchRequested{Name: "a", Volume: name, VolumeDriver: driver, VolumeOptions: options}
	}
	for name, tt := range map[string]struct {
		rule string
		ask  events.BenchRequested
		says string // empty: let through
	}{
		"a profile":                  {narrow, ask("data@gold", "", nil), ""},
		"a profile by a glob":        {narrow, ask("data@tin-1", "", nil), ""},
		"another profile":            {narrow, ask("data@platinum", "", nil), `volume profile "platinum" is not allowed to this repository (allowed are gold, tin-*)`},
		"no profile":                 {narrow, ask("data", "", nil), ""},
		"any profile without a list": {"", ask("data@platinum", "", nil), ""},
		"an option":                  {narrow, ask("data", "ebs", map[string]string{"size": "20"}), ""},
		"another value":              {narrow, ask("data", "ebs", map[string]string{"size": "9000"}), `volume option "size=9000" is not allowed to this repository (allowed are 10, 20)`},
		"another option":             {narrow, ask("data", "ebs", map[string]string{"device": "/dev/sda"}), `volume option "device=/dev/sda" is not allowed to this repository (none is)`},
		"part by part":               {narrow, ask("data", "ebs", map[string]string{"o": "size=1m,bind"}), `"o=bind"`},
		"another driver":             {narrow, ask("data", "local", nil), `volume driver "local"`},
		"options, all":               {"    volume_options: true\n", ask("data", "", map[string]string{"size": "9000"}), ""},
		"options, none":              {"    volume_options: false\n", ask("data", "", map[string]string{"size": "9000"}), "leave them out"},
		"options by silence":         {"", ask("data", "", map[string]string{"size": "9000"}), "leave them out"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := volumeRule(t, tt.rule).Check(tt.ask)
			if tt.says == "" && len(problems) > 0 || tt.says != "" && (len(problems) != 1 || !strings.Contains(problems[0].Message, tt.says) || problems[0].Rule != repos.RulePolicy) {
				t.Errorf("problems %+v, want %q", problems, tt.says)
			}
		})
	}
}

// What no host would do is refused before a host is found, whatever the policy.
func TestWhatNoHostDoesIsRefusedBeforeItIsPlaced(t *testing.T) {
	rule, err := repos.Open().Judge(events.BenchRequested{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for says, ask := range map[string]events.BenchRequested{
		"is a path":        {Volume: "/etc"},
		"leads out":        {Volume: "a/../../etc"},
		"without a volume": {VolumeOptions: map[string]string{"o": "bind"}},
		"without ..":       {Volume: "a", VolumeOptions: map[string]string{"device": "/srv/../etc"}},
		"is no name":       {Volume: "a", VolumeDriver: "local driver"},
	} {
		problems := rule.Check(ask)
		if len(problems) == 0 || problems[0].Rule != volume.Rule || !strings.Contains(problems[0].Message, says) {
			t.Errorf("%+v: problems %+v, want %q", ask, problems, says)
		}
	}
}

func TestOptionsOfVolumesThatCannotBeMeantAreRefused(t *testing.T) {
	for says, text := range map[string]string{
		"volume_options.size":       "    volume_options: {size: [\"a[\"]}\n",
		"line 5: volume_options is": "    volume_options: maybe\n",
	} {
		_, err := repos.Parse("repos.yaml", []byte("version: 1\nrules:\n  - repositories: [lab/jobs]\n    volumes: [\"**\"]\n"+text))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
