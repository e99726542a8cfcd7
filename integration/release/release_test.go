package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

const (
	script  = "../../scripts/release"
	prefix  = "github.com/fiord-bench/fiord/"
	version = "v0.0.1-test"
)

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestReleaseTagsEveryModuleAndReplacesNone(t *testing.T) {
	if testing.Short() {
		t.Skip("tidies every module against the tags of its siblings: about 30 s")
	}
	if _, err := os.ReadFile(script); err != nil { // read, so that a cached result is of this script
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "release")
	run(t, ".", script, version, out)

	tags := strings.Fields(run(t, out, "git", "tag", "--points-at", "HEAD", "--merged", "HEAD"))
	if len(tags) == 0 {
		t.Error("the last commit carries no tag")
	}
	for _, file := range strings.Fields(run(t, out, "git", "ls-files", "*go.mod")) {
		module := filepath.Dir(file)
		if module == "tools" || strings.Contains(file, "testdata") {
			continue
		}
		// What the tag holds is what others get, not what the folder shows.
		tagged := run(t, out, "git", "show", module+"/"+version+":"+file)
		mod, err := modfile.Parse(file, []byte(tagged), nil)
		if err != nil {
			t.Errorf("tag %s/%s: %v", module, version, err)
			continue
		}
		if len(mod.Replace) > 0 {
			t.Errorf("tag %s/%s still replaces %s", module, version, mod.Replace[0].Old.Path)
		}
		sums := run(t, out, "git", "ls-tree", "--name-only", module+"/"+version, module+"/")
		for _, r := range mod.Require {
			if !strings.HasPrefix(r.Mod.Path, prefix) {
				continue
			}
			if r.Mod.Version != version {
				t.Errorf("tag %s/%s requires %s at %s", module, version, r.Mod.Path, r.Mod.Version)
			}
			if !slices.Contains(strings.Fields(sums), module+"/go.sum") {
				t.Errorf("tag %s/%s has no go.sum for %s", module, version, r.Mod.Path)
				continue
			}
			sum := run(t, out, "git", "show", module+"/"+version+":"+module+"/go.sum")
			if !strings.Contains(sum, r.Mod.Path+" "+version+" h1:") {
				t.Errorf("tag %s/%s lacks the hash of %s", module, version, r.Mod.Path)
			}
		}
	}
}

func TestReleaseRefusesBadInput(t *testing.T) {
	existing := t.TempDir()
	for _, args := range [][]string{nil, {"v0.1.0"}, {"0.1.0", filepath.Join(existing, "a")}, {"v0.1", filepath.Join(existing, "b")}, {"v0.1.0", existing}} {
		cmd := exec.Command(script, args...)
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("release %v succeeded", args)
		}
		if !strings.Contains(string(out), "release: ") {
			t.Errorf("release %v does not say why: %s", args, out)
		}
	}
	if entries, err := os.ReadDir(existing); err != nil || len(entries) > 0 {
		t.Errorf("refused releases left %v behind (%v)", entries, err)
	}
}
