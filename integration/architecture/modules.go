package architecture

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// siblingVersion is what every module asks of its siblings; a relative replace
// makes it real, and a release writes tags in its place.
const siblingVersion = "v0.0.0"

// Workspaces checks that go.work and the modules on disk agree: each module is
// used, except the tools, whose dependencies must not move those of fiord.
func Workspaces(w *Workspace) []Breach {
	used := map[string]bool{}
	for _, use := range w.Work.Use {
		used[path.Clean(use.Path)] = true
	}
	var found []Breach
	for _, m := range w.Modules {
		switch {
		case m.Dir == toolsDir && used[m.Dir]:
			found = append(found, Breach{"go.work", "uses tools", "tools stay outside the workspace, so that what they depend on never moves what fiord ships"})
		case m.Dir != toolsDir && !used[m.Dir]:
			found = append(found, Breach{"go.work", "does not use " + m.Dir, "every module takes part in the workspace, or its tests never run"})
		}
		if want := modulePrefix + m.Dir; m.Mod.Module == nil || m.Mod.Module.Mod.Path != want {
			found = append(found, Breach{m.Dir + "/go.mod", "is not named " + want, "a module's path is its folder, so that tags and imports find it"})
		}
	}
	return found
}

// Siblings checks how modules require each other: at v0.0.0 and replaced by the
// relative folder, and only where the layers allow the import. Siblings of
// siblings are replaced too, because replaces do not propagate; whether they are
// required as well depends on the packages in use, and is for `go mod tidy`.
func Siblings(w *Workspace) []Breach {
	const because = "each module builds alone with GOWORK=off: siblings are required at v0.0.0 and replaced by their relative folder, and replaces do not propagate"
	var found []Breach
	for _, m := range w.Modules {
		required := map[string]bool{}
		for _, r := range m.Mod.Require {
			to := w.sibling(r.Mod.Path)
			if to == "" {
				continue
			}
			required[to] = true
			if r.Mod.Version != siblingVersion {
				found = append(found, Breach{m.Dir + "/go.mod", fmt.Sprintf("requires %s at %s", to, r.Mod.Version), because})
			}
			if want := w.relativeDir(m.Dir, to); replacement(m, r.Mod.Path) != want {
				found = append(found, Breach{m.Dir + "/go.mod", fmt.Sprintf("does not replace %s by %s", to, want), because})
			}
			if l := layerOf(m.Dir); l != nil && !slices.Contains(l.may, to) {
				found = append(found, Breach{m.Dir + "/go.mod", "requires " + to, l.because})
			}
		}
		for _, to := range w.closure(m) {
			if !required[to] && replacement(m, modulePrefix+to) != w.relativeDir(m.Dir, to) {
				found = append(found, Breach{m.Dir + "/go.mod", "does not replace " + to + ", which a sibling requires", because})
			}
		}
	}
	return found
}

func layerOf(dir string) *layer {
	for _, l := range layers() {
		if l.dir == dir {
			return &l
		}
	}
	return nil
}

func replacement(m *Module, modulePath string) string {
	for _, r := range m.Mod.Replace {
		if r.Old.Path == modulePath {
			return r.New.Path
		}
	}
	return ""
}

// relativeDir is the path from one folder of the workspace to another.
func (w *Workspace) relativeDir(from, to string) string {
	rel, err := filepath.Rel(filepath.FromSlash(from), filepath.FromSlash(to))
	if err != nil {
		return to // both are relative to one root: cannot happen
	}
	rel = filepath.ToSlash(rel)
	if !strings.HasPrefix(rel, "../") {
		rel = "./" + rel
	}
	return rel
}

// closure lists the siblings that a module depends on, over any number of steps.
func (w *Workspace) closure(m *Module) []string {
	seen := map[string]bool{m.Dir: true}
	var walk func(*Module)
	walk = func(m *Module) {
		for _, r := range m.Mod.Require {
			to := w.sibling(r.Mod.Path)
			if to == "" || seen[to] {
				continue
			}
			seen[to] = true
			for _, next := range w.Modules {
				if next.Dir == to {
					walk(next)
				}
			}
		}
	}
	walk(m)
	delete(seen, m.Dir)
	dirs := make([]string, 0, len(seen))
	for dir := range seen {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}

// Versions checks that the modules agree on the version of each dependency. The
// workspace tests with the highest that any of them asks for; a module that asks
// for less would ship with what was never tested.
func Versions(w *Workspace) []Breach {
	highest, by := map[string]string{}, map[string]string{}
	each := func(yield func(m *Module, dependency, version string)) {
		for _, m := range w.Modules {
			if m.Dir == toolsDir {
				continue
			}
			for _, r := range m.Mod.Require {
				if w.sibling(r.Mod.Path) == "" {
					yield(m, r.Mod.Path, r.Mod.Version)
				}
			}
		}
	}
	each(func(m *Module, dependency, version string) {
		if semver.Compare(version, highest[dependency]) > 0 {
			highest[dependency], by[dependency] = version, m.Dir
		}
	})
	var found []Breach
	each(func(m *Module, dependency, version string) {
		if version != highest[dependency] {
			found = append(found, Breach{
				m.Dir + "/go.mod",
				fmt.Sprintf("requires %s %s, and %s requires %s", dependency, version, by[dependency], highest[dependency]),
				"what the workspace tests is what each module ships: make tidy",
			})
		}
	})
	return found
}

// Reasons checks that docs/dependencies.md has a line for each direct dependency,
// below the heading of the module that requires it: "- `path`: reason".
func Reasons(w *Workspace) []Breach {
	const file = "docs/dependencies.md"
	data, err := os.ReadFile(filepath.Join(w.Root, file))
	if err != nil {
		return []Breach{{file, err.Error(), "each direct dependency is named with its reason"}}
	}
	given := reasons(string(data))
	var found []Breach
	for _, m := range w.Modules {
		for _, r := range m.Mod.Require {
			if r.Indirect || w.sibling(r.Mod.Path) != "" || given[m.Dir][r.Mod.Path] {
				continue
			}
			found = append(found, Breach{
				file, fmt.Sprintf("has no line for %s under %q", r.Mod.Path, "## "+m.Dir),
				"each direct dependency is somebody else's code in our process: it is named with its reason",
			})
		}
	}
	return found
}

// reasons reads the headings ("## module") and the lines ("- `path`: reason") of
// the document: module, then dependency.
func reasons(document string) map[string]map[string]bool {
	given, module := map[string]map[string]bool{}, ""
	for line := range strings.Lines(document) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			module = strings.Trim(strings.TrimSpace(heading), "`")
			given[module] = map[string]bool{}
		}
		rest, ok := strings.CutPrefix(line, "- `")
		if !ok || module == "" {
			continue
		}
		if name, reason, ok := strings.Cut(rest, "`"); ok && len(strings.TrimSpace(reason)) > 10 {
			given[module][name] = true
		}
	}
	return given
}
