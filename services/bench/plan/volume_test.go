package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/volume"
)

func TestAVolumesProfileIsTheHostsOrTheDrivers(t *testing.T) {
	p := &Planner{Settings: Settings{Volumes: volume.Policy{Driver: "local", Drivers: map[string]volume.Options{"zfs": {"size": {"*"}}}, Profiles: map[string]volume.Profile{
		"gold":    {Driver: "ebs", Options: map[string]string{"size": "100"}},
		"nightly": {Driver: "ebs", Options: map[string]string{"snapshot": "snap-{name}", "tag": "{run}"}, Fresh: true},
	}}}}
	for name, tc := range map[string]struct {
		list events.RunList
		want runner.Volume
	}{
		"plain":      {events.RunList{Volume: "data"}, runner.Volume{Name: "data", Driver: "local", Options: map[string]string{}}},
		"known":      {events.RunList{Volume: "data@gold"}, runner.Volume{Name: "data", Driver: "ebs", Options: map[string]string{"size": "100"}}},
		"not known":  {events.RunList{Volume: "data@tin", Driver: "zfs"}, runner.Volume{Name: "data@tin", Driver: "zfs", Options: map[string]string{}}},
		"asked over": {events.RunList{Volume: "data@gold", Driver: "zfs", Options: map[string]string{"size": "1"}}, runner.Volume{Name: "data", Driver: "zfs", Options: map[string]string{"size": "1"}}},
		"asked too":  {events.RunList{Volume: "data@gold", Options: map[string]string{"size": "100"}}, runner.Volume{Name: "data", Driver: "ebs", Options: map[string]string{"size": "100"}}},
		"fresh":      {events.RunList{Volume: "data@nightly"}, runner.Volume{Name: "data-run1", Driver: "ebs", Options: map[string]string{"snapshot": "snap-data", "tag": "run1"}, Fresh: true}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.want.Target = "/data"
			got, problems := p.volume(tc.list, "run1", "/data")
			if diff := cmp.Diff(tc.want, got); diff != "" || len(problems) > 0 {
				t.Error(diff, problems)
			}
		})
	}
}
