package deploy_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose reads the file as docker compose does, with its schema and variables.
func compose(t *testing.T, environment map[string]string) *types.Project {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(folder, "compose"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir: dir, Environment: environment,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "compose.yaml")}},
	}, func(o *loader.Options) {
		o.SkipResolveEnvironment = true
		o.SetProjectName("fiord", true) // .env names it
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComposeSettingsAreThoseOfThePrograms(t *testing.T) {
	p := compose(t, map[string]string{"FIORD_HOST": "host-1"})
	for _, name := range []string{"ingest", "inventory", "plot", "notify", "bench", "provision"} {
		t.Run(name, func(t *testing.T) {
			c, ok := p.Services[name]
			if !ok {
				t.Fatal("there is no such service")
			}
			env := map[string]string{}
			for variable, value := range c.Environment {
				env[variable] = *value
			}
			s, err := load(t, c.Image, filepath.Join(folder, "compose", "fiord.yaml"), env, secrets)
			if err != nil {
				t.Fatal(err)
			}
			s.check(t)
			if s.program == "fiord" {
				return // it ends
			}
			ports := s.listens(t)
			for _, published := range c.Ports {
				if ports["http"] != int32(published.Target) { //nolint:gosec // a port
					t.Errorf("port %d is published, the program listens on %d", published.Target, ports["http"])
				}
				if published.HostIP != "127.0.0.1" {
					t.Errorf("port %d is open to everybody", published.Target)
				}
			}
			if s.program == "bench" {
				samePaths(t, c, s)
			}
		})
	}
}

// samePaths wants the worker's folders to be mounted where the engine finds them.
func samePaths(t *testing.T, c types.ServiceConfig, s *settings) {
	t.Helper()
	for _, path := range append([]string{s.bench.StateDir, filepath.Dir(s.bench.Gate)}, s.bench.Directories...) {
		if !slices.ContainsFunc(c.Volumes, func(v types.ServiceVolumeConfig) bool {
			return v.Source == v.Target && (path == v.Source || strings.HasPrefix(path, v.Source+"/"))
		}) {
			t.Errorf("%s is not at the same path inside and outside", path)
		}
	}
	if want := "_INBOX_bench-host-1"; s.common.NATS.InboxPrefix != want {
		t.Errorf("inbox prefix is %q, want %q", s.common.NATS.InboxPrefix, want)
	}
}

func TestComposeContainersMayAsLittleAsPossible(t *testing.T) {
	for name, c := range compose(t, nil).Services {
		if !c.ReadOnly || c.Privileged || !slices.Equal(c.CapDrop, []string{"ALL"}) || len(c.CapAdd) > 0 || !slices.Contains(c.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may more than it needs", name)
		}
		if strings.HasPrefix(c.User, "0") || c.User == "" {
			t.Errorf("%s runs as root", name)
		}
		for _, v := range c.Volumes {
			if strings.HasSuffix(v.Source, "docker.sock") && name != "bench" {
				t.Errorf("%s has the engine's socket", name)
			}
			if v.Target == secrets && !v.ReadOnly {
				t.Errorf("%s may change its keys", name)
			}
		}
	}
}

// NATS and S3 are for the services alone.
func TestComposeServersAreReachedFromInsideAlone(t *testing.T) {
	p := compose(t, nil)
	if !p.Networks["inside"].Internal {
		t.Error("the network inside has a way out")
	}
	for _, name := range []string{"nats", "s3"} {
		c := p.Services[name]
		if len(c.Ports) > 0 || len(c.Networks) != 1 {
			t.Errorf("%s is reached from outside", name)
		}
	}
}
