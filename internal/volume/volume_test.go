package volume_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/internal/volume"
)

// places are a host that lets jobs write below /allowed, on which nothing is a
// link but what links says.
type places struct{ links map[string]string }

func (p places) MayMount(path, below string) error {
	real := path
	if to, ok := p.links[path]; ok {
		real = to
	}
	for _, dir := range []string{below, "/allowed"} {
		if dir != "" && strings.HasPrefix(path+"/", dir+"/") && strings.HasPrefix(real+"/", dir+"/") {
			return nil
		}
	}
	return errors.New(real + " is not allowed")
}

func TestWithNothingSetOnlyPlainLocalVolumesAreAdmitted(t *testing.T) {
	for name, tt := range map[string]struct {
		ask  volume.Request
		says string // empty: admitted
	}{
		"plain":               {volume.Request{Volume: "data"}, ""},
		"with a profile":      {volume.Request{Volume: "data@tin"}, `profile "tin", which is not known (this host has none)`},
		"a short name":        {volume.Request{Volume: "x"}, "2 to 255 letters"},
		"a long name":         {volume.Request{Volume: strings.Repeat("x", 256)}, "2 to 255 letters"},
		"an option unnamed":   {volume.Request{Volume: "data", Options: map[string]string{"": ""}}, `"" is no name of an option`},
		"an option of spaces": {volume.Request{Volume: "data", Options: map[string]string{" o": "bind"}}, `" o" is no name of an option`},
		"local by name":       {volume.Request{Volume: "data", Driver: "local"}, ""},
		"bind":                {volume.Request{Volume: "x", Driver: "local", Options: map[string]string{"type": "none", "o": "bind", "device": "/etc"}}, "device=/etc of driver local is not allowed"},
		"bind of the default": {volume.Request{Volume: "x", Options: map[string]string{"o": "bind", "device": "/etc"}}, "o=bind of driver local is not allowed"},
		"another file system": {volume.Request{Volume: "x", Options: map[string]string{"type": "ext4", "device": "/dev/vda"}}, "type=ext4"},
		"a relative device":   {volume.Request{Volume: "x", Options: map[string]string{"o": "bind", "device": "etc"}}, "device=etc"},
		"nfs":                 {volume.Request{Volume: "x", Options: map[string]string{"type": "nfs", "o": "addr=10.0.0.1,rw", "device": ":/export"}}, "type=nfs"},
		"tmpfs":               {volume.Request{Volume: "x", Options: map[string]string{"type": "tmpfs", "device": "tmpfs"}}, "type=tmpfs"},
		"proc":                {volume.Request{Volume: "x", Options: map[string]string{"type": "proc", "device": "proc"}}, "file system of the kernel"},
		"driver":              {volume.Request{Volume: "x", Driver: "local-persist"}, `driver "local-persist" is not allowed on this host (allowed: local)`},
		"up":                  {volume.Request{Volume: "../x"}, "leads out"},
		"up inside":           {volume.Request{Volume: "a/../../x"}, "leads out"},
		"a path":              {volume.Request{Volume: "/etc"}, "is a path"},
		"a bind by name":      {volume.Request{Volume: "/etc:/data"}, "is a path"},
		"two names":           {volume.Request{Volume: "x:rw"}, "character"},
		"a placeholder":       {volume.Request{Volume: "{run}"}, "character"},
		"a folder":            {volume.Request{Volume: "pool/x"}, "no plain name"},
		"a newline":           {volume.Request{Volume: "x\ny"}, "character"},
		"options alone":       {volume.Request{Options: map[string]string{"o": "bind"}}, "without a volume"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := volume.Policy{}.Resolve(tt.ask, "run1", places{})
			var said []string
			for _, p := range problems {
				said = append(said, p.Message)
				if p.Rule != volume.Rule || p.Option == "" {
					t.Errorf("problem %+v names no rule or option", p)
				}
			}
			if all := strings.Join(said, "\n"); tt.says == "" && all != "" || !strings.Contains(all, tt.says) {
				t.Errorf("problems %q, want %q", all, tt.says)
			}
		})
	}
}

// owned is what an owner with several wishes has written.
func owned() volume.Policy {
	return volume.Policy{
		Names:    []string{"data*", "pool/*"},
		Existing: []string{"data-shared", "data-copy-*"},
		Drivers: map[string]volume.Options{
			"local": {"type": {"none", "tmpfs", "nfs*", "overlay"}, "o": {"bind", "size=*", "addr=10.0.0.*", "lowerdir=/allowed/*", "upperdir=/**"}, "device": {"tmpfs", "/srv/disks/*", "**", ":/exports/*"}},
			"ebs":   {"size": {"10", "100"}, "mountpoint": {"/mnt/ebs/*"}},
		},
		Profiles: map[string]volume.Profile{
			"gold":   {Driver: "ebs", Options: map[string]string{"size": "500"}},
			"byname": {Options: map[string]string{"type": "none", "o": "bind", "device": "/srv/volumes/{name}"}},
			"fixed":  {Options: map[string]string{"type": "none", "o": "bind", "device": "/mnt/fast"}},
			"root":   {Options: map[string]string{"type": "none", "o": "bind", "device": "/{name}"}},
		},
	}
}

func TestPathsInOptionsAreJudgedLikePaths(t *testing.T) {
	host := places{links: map[string]string{"/srv/disks/link": "/etc", "/srv/volumes/data-link": "/etc"}}
	bind := func(device string) map[string]string {
		return map[string]string{"type": "none", "o": "bind", "device": device}
	}
	for name, tt := range map[string]struct {
		ask  volume.Request
		says string
	}{
		"below the wildcard":     {volume.Request{Volume: "data", Options: bind("/srv/disks/a")}, ""},
		"in an allowed folder":   {volume.Request{Volume: "data", Options: bind("/allowed/a")}, ""},
		"elsewhere":              {volume.Request{Volume: "data", Options: bind("/etc")}, "judged like one: /etc is not allowed"},
		"relative":               {volume.Request{Volume: "data", Options: bind("etc/cron.d")}, "/etc/cron.d is not allowed"},
		"a link below it":        {volume.Request{Volume: "data", Options: bind("/srv/disks/link")}, "/etc is not allowed"},
		"up":                     {volume.Request{Volume: "data", Options: bind("/srv/disks/../../etc")}, "without .."},
		"tmpfs that is a bind":   {volume.Request{Volume: "data", Options: map[string]string{"type": "tmpfs", "o": "size=1m,bind", "device": "/etc"}}, "/etc is not allowed"},
		"tmpfs":                  {volume.Request{Volume: "data", Options: map[string]string{"type": "tmpfs", "o": "size=1m", "device": "tmpfs"}}, ""},
		"an option behind":       {volume.Request{Volume: "data", Options: map[string]string{"type": "tmpfs", "o": "size=1m,mode=7777", "device": "tmpfs"}}, "o=mode=7777"},
		"propagation":            {volume.Request{Volume: "data", Options: map[string]string{"type": "none", "o": "bind,rshared", "device": "/allowed/a"}}, "o=rshared"},
		"nfs":                    {volume.Request{Volume: "data", Options: map[string]string{"type": "nfs", "o": "addr=10.0.0.7", "device": ":/exports/a"}}, ""},
		"nfs of another server":  {volume.Request{Volume: "data", Options: map[string]string{"type": "nfs", "o": "addr=10.9.9.9", "device": ":/exports/a"}}, "addr=10.9.9.9"},
		"nfs that is a bind":     {volume.Request{Volume: "data", Options: map[string]string{"type": "nfs", "o": "bind", "device": "/root"}}, "/root is not allowed"},
		"overlay":                {volume.Request{Volume: "data", Options: map[string]string{"type": "overlay", "o": "lowerdir=/allowed/a,upperdir=/etc", "device": "tmpfs"}}, "/etc is not allowed"},
		"two lower ones":         {volume.Request{Volume: "data", Options: map[string]string{"type": "overlay", "o": "lowerdir=/allowed/a:/etc", "device": "tmpfs"}}, "not allowed"},
		"a driver's own":         {volume.Request{Volume: "data", Driver: "ebs", Options: map[string]string{"mountpoint": "/mnt/ebs/x"}}, ""},
		"a driver's own, up":     {volume.Request{Volume: "data", Driver: "ebs", Options: map[string]string{"mountpoint": "/mnt/ebs/../x"}}, "without .."},
		"a value not listed":     {volume.Request{Volume: "data", Driver: "ebs", Options: map[string]string{"size": "1000"}}, "(allowed: 10, 100)"},
		"a profile":              {volume.Request{Volume: "data@gold"}, ""},
		"a profile's driver":     {volume.Request{Volume: "data@gold", Driver: "local"}, "size=500 of driver local is not allowed"},
		"over a profile":         {volume.Request{Volume: "data@gold", Options: map[string]string{"size": "10"}}, ""},
		"over a profile, more":   {volume.Request{Volume: "data@gold", Options: map[string]string{"size": "9000"}}, "size=9000"},
		"over a profile's path":  {volume.Request{Volume: "data@fixed", Options: map[string]string{"device": "/etc"}}, "/etc is not allowed"},
		"a profile's own path":   {volume.Request{Volume: "data@fixed"}, ""},
		"a profile by name":      {volume.Request{Volume: "data-1@byname"}, ""},
		"a link by name":         {volume.Request{Volume: "data-link@byname"}, "/etc is not allowed"},
		"up by name":             {volume.Request{Volume: "data/../../etc@byname"}, "leads out"},
		"more options by name":   {volume.Request{Volume: "data,x@byname"}, "character"},
		"below the root by name": {volume.Request{Volume: "data@root"}, "/data is not allowed"},
		"an unknown profile":     {volume.Request{Volume: "data@tin"}, `profile "tin", which is not known (this host has byname, fixed, gold, root)`},
		"a driver's own profile": {volume.Request{Volume: "data@tin", Driver: "ebs"}, ""},
		"a folder of local's":    {volume.Request{Volume: "pool/x", Driver: "local"}, "no name for the driver local"},
		"a name not listed":      {volume.Request{Volume: "other"}, `volume "other" is not allowed on this host (allowed: data*, pool/*)`},
		"a listed folder":        {volume.Request{Volume: "pool/x", Driver: "ebs"}, ""},
		"a folder unlisted":      {volume.Request{Volume: "pool/x/y", Driver: "ebs"}, "not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := owned().Resolve(tt.ask, "run1", host)
			text := ""
			if len(problems) > 0 {
				text = volume.Refused(problems).Error()
			}
			if tt.says == "" && text != "" || !strings.Contains(text, tt.says) {
				t.Errorf("problems %q, want %q", text, tt.says)
			}
		})
	}
}

func TestAVolumeThatExistsNeedsTheOwnersWord(t *testing.T) {
	bind := map[string]string{"type": "none", "o": "bind", "device": "/etc"}
	plain := func(name string) volume.Volume { return volume.Volume{Name: name, Driver: "local"} }
	for name, tt := range map[string]struct {
		asked, found volume.Volume
		ours         bool
		says         string
	}{
		"ours":                    {plain("x"), plain("x"), true, ""},
		"ours, once made a bind":  {plain("x"), volume.Volume{Name: "x", Driver: "local", Options: bind}, true, `exists with device="/etc"`},
		"ours, of another driver": {plain("x"), volume.Volume{Name: "x", Driver: "ebs"}, true, "driver ebs"},
		"another application's":   {plain("pgdata"), plain("pgdata"), false, "may be another application's"},
		"as the owner says":       {plain("data-shared"), volume.Volume{Name: "data-shared", Driver: "local", Options: bind}, false, ""},
		"by a glob":               {plain("data-copy-1"), plain("data-copy-1"), false, ""},
		"by a glob, a bind":       {plain("data-copy-1"), volume.Volume{Name: "data-copy-1", Driver: "local", Options: bind}, false, "/etc is not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			text := ""
			if problems := owned().Judge(tt.asked, tt.found, tt.ours, places{}); len(problems) > 0 {
				text = volume.Refused(problems).Error()
			}
			if tt.says == "" && text != "" || !strings.Contains(text, tt.says) {
				t.Errorf("problems %q, want %q", text, tt.says)
			}
		})
	}
}

func TestAFreshVolumeIsCalledAfterItsRun(t *testing.T) {
	p := volume.Policy{Profiles: map[string]volume.Profile{"nightly": {Driver: "ebs", Options: map[string]string{"snapshot": "snap-{name}", "tag": "{run}"}, Fresh: true}}}
	v, problems := p.Resolve(volume.Request{Volume: "data@nightly"}, "run1", places{})
	want := map[string]string{"snapshot": "snap-data", "tag": "run1"}
	if len(problems) > 0 || v.Name != "data-run1" || !v.Fresh || !maps.Equal(v.Options, want) {
		t.Errorf("%+v, %v", v, problems)
	}
}

func TestAPolicyThatCannotBeMeantIsRefused(t *testing.T) {
	for says, p := range map[string]volume.Policy{
		"volumes.names":                         {Names: []string{"a["}},
		"volumes.existing":                      {Existing: []string{""}},
		"volumes.drivers.x.options.o":           {Drivers: map[string]volume.Options{"x": {"o": {"a["}}}},
		"options.o allows no value":             {Drivers: map[string]volume.Options{"x": {"o": nil}}},
		"volumes.drivers: a driver has no name": {Drivers: map[string]volume.Options{"": nil}},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
