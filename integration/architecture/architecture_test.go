package architecture

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rule is one check, by name.
type rule struct {
	name  string
	check func(*Workspace) []Breach
}

func rules() []rule {
	return []rule{
		{"Layers", Layers},
		{"Placed", Placed},
		{"Technologies", Technologies},
		{"Workspaces", Workspaces},
		{"Siblings", Siblings},
		{"Versions", Versions},
		{"Reasons", Reasons},
		{"Documented", Documented},
		{"Named", Named},
		{"Short", Short},
		{"Ends", Ends},
		{"Environment", Environment},
		{"Quiet", Quiet},
	}
}

func TestThisRepositoryKeepsTheRules(t *testing.T) {
	w, err := Load(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	w.files(func(*Module, *File) { files++ })
	if len(w.Modules) < 12 || files < 100 {
		t.Fatalf("found %d modules and %d files: the rules look at the wrong folder", len(w.Modules), files)
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for _, b := range r.check(w) {
				t.Error(b)
			}
		})
	}
}

// sound is a small tree that keeps every rule. Each test below breaks one thing.
func sound() map[string]string {
	return map[string]string{
		"go.work":            "go 1.26\n\nuse (\n\t./artifacts\n\t./events\n\t./services/bench\n\t./services/plot\n)\n",
		"tools/go.mod":       "module github.com/fiord-bench/fiord/tools\n",
		"events/go.mod":      "module github.com/fiord-bench/fiord/events\n\nrequire example.org/a v1.2.0\n",
		"events/doc.go":      "// Package events is the contract.\npackage events\n\nimport _ \"example.org/a\"\n",
		"artifacts/go.mod":   "module github.com/fiord-bench/fiord/artifacts\n\nrequire github.com/fiord-bench/fiord/events v0.0.0\nrequire example.org/a v1.2.0 // indirect\nreplace github.com/fiord-bench/fiord/events => ../events\n",
		"artifacts/store.go": "// Package artifacts is the store.\npackage artifacts\n\nimport _ \"github.com/fiord-bench/fiord/events\"\n",
		"services/bench/go.mod": "module github.com/fiord-bench/fiord/services/bench\n\n" +
			"require (\n\tgithub.com/fiord-bench/fiord/artifacts v0.0.0\n\tgithub.com/fiord-bench/fiord/events v0.0.0\n)\n\n" +
			"replace (\n\tgithub.com/fiord-bench/fiord/artifacts => ../../artifacts\n\tgithub.com/fiord-bench/fiord/events => ../../events\n)\n",
		"services/bench/bench.go":          "// Package bench runs fio.\npackage bench\n\nimport _ \"github.com/fiord-bench/fiord/artifacts\"\n",
		"services/bench/cmd/bench/main.go": "// Command bench is the worker.\npackage main\n\nimport \"os\"\n\nfunc main() { os.Exit(0) }\n",
		"services/plot/go.mod":             "module github.com/fiord-bench/fiord/services/plot\n",
		"services/plot/plot.go":            "// Package plot draws.\npackage plot\n",
		"docs/dependencies.md":             "# Dependencies\n\n## events\n- `example.org/a`: parses what nobody wants to parse\n",
	}
}

// load writes the tree of sound with changes (an empty content removes a file).
func load(t *testing.T, changes map[string]string) *Workspace {
	t.Helper()
	root := t.TempDir()
	tree := sound()
	maps.Copy(tree, changes)
	for name, content := range tree {
		if content == "" {
			continue
		}
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// check runs all rules and returns "rule where: what" of each breach.
func check(w *Workspace) []string {
	var found []string
	for _, r := range rules() {
		for _, b := range r.check(w) {
			found = append(found, r.name+" "+b.Where+": "+b.What)
		}
	}
	slices.Sort(found)
	return found
}

func TestASoundTreeBreaksNoRule(t *testing.T) {
	if found := check(load(t, nil)); len(found) > 0 {
		t.Errorf("found %s", strings.Join(found, "\n"))
	}
}

func TestEachRuleSeesItsBreach(t *testing.T) {
	long := strings.Repeat("// x\n", maxFileLines)
	bench := sound()["services/bench/go.mod"]
	notListed := strings.NewReplacer("\tgithub.com/fiord-bench/fiord/events v0.0.0\n", "", "\tgithub.com/fiord-bench/fiord/events => ../../events\n", "").Replace(bench)
	for _, tt := range []struct {
		name    string
		changes map[string]string
		want    []string
	}{
		{
			"what several programs share knows a service",
			map[string]string{
				"go.work":         strings.Replace(sound()["go.work"], "\t./events\n", "\t./events\n\t./figure\n", 1),
				"figure/go.mod":   "module github.com/fiord-bench/fiord/figure\n",
				"figure/chart.go": "// Package figure draws.\npackage figure\n\nimport _ \"github.com/fiord-bench/fiord/services/plot\"\n",
			},
			[]string{"Layers figure/chart.go:4: figure imports services/plot"},
		},
		{
			"a service that imports another",
			map[string]string{"services/bench/a.go": "package bench\n\nimport _ \"github.com/fiord-bench/fiord/services/plot/figure\"\n"},
			[]string{"Layers services/bench/a.go:3: services/bench imports services/plot"},
		},
		{
			"a test that imports another service",
			map[string]string{"services/bench/a_test.go": "package bench\n\nimport _ \"github.com/fiord-bench/fiord/services/plot\"\n"},
			[]string{"Layers services/bench/a_test.go:3: services/bench imports services/plot"},
		},
		{
			"a contract that knows the store",
			map[string]string{"events/a.go": "package events\n\nimport _ \"github.com/fiord-bench/fiord/artifacts\"\n"},
			[]string{"Layers events/a.go:3: events imports artifacts"},
		},
		{
			"a new module nobody placed",
			map[string]string{
				"go.work":        sound()["go.work"] + "use ./billing\n",
				"billing/go.mod": "module github.com/fiord-bench/fiord/billing\n",
			},
			[]string{"Placed billing/go.mod: the module has no layer"},
		},
		{
			"a service that speaks S3 itself",
			map[string]string{"services/plot/a.go": "package plot\n\nimport _ \"github.com/minio/minio-go/v7\"\n"},
			[]string{"Technologies services/plot/a.go:3: imports github.com/minio/minio-go/v7, which is for artifacts"},
		},
		{
			"a browser in production code",
			map[string]string{
				"services/plot/a.go":      "package plot\n\nimport _ \"github.com/chromedp/chromedp\"\n",
				"services/plot/a_test.go": "package plot\n\nimport _ \"github.com/chromedp/chromedp\"\n",
			},
			[]string{"Technologies services/plot/a.go:3: imports github.com/chromedp/chromedp, which is for tests"},
		},
		{
			"a module outside the workspace",
			map[string]string{"go.work": "go 1.26\n\nuse (\n\t./artifacts\n\t./events\n\t./services/bench\n)\n"},
			[]string{"Workspaces go.work: does not use services/plot"},
		},
		{
			"tools inside the workspace",
			map[string]string{"go.work": sound()["go.work"] + "use ./tools\n"},
			[]string{"Workspaces go.work: uses tools"},
		},
		{
			"a module that is not named after its folder",
			map[string]string{"services/plot/go.mod": "module github.com/fiord-bench/fiord/plot\n"},
			[]string{"Workspaces services/plot/go.mod: is not named github.com/fiord-bench/fiord/services/plot"},
		},
		{
			"a sibling without its replace",
			map[string]string{"services/bench/go.mod": strings.Replace(bench, "\tgithub.com/fiord-bench/fiord/events => ../../events\n", "", 1)},
			[]string{"Siblings services/bench/go.mod: does not replace events by ../../events"},
		},
		{
			"a sibling replaced by the wrong folder",
			map[string]string{"services/bench/go.mod": strings.Replace(bench, "=> ../../events", "=> ../events", 1)},
			[]string{"Siblings services/bench/go.mod: does not replace events by ../../events"},
		},
		{
			"a sibling at another version",
			map[string]string{"services/bench/go.mod": strings.Replace(bench, "events v0.0.0", "events v0.1.0", 1)},
			[]string{"Siblings services/bench/go.mod: requires events at v0.1.0"},
		},
		{
			"a sibling's sibling that is not listed",
			map[string]string{"services/bench/go.mod": notListed},
			[]string{"Siblings services/bench/go.mod: does not replace events, which a sibling requires"},
		},
		{
			"a sibling above its layer",
			map[string]string{"services/plot/go.mod": "module github.com/fiord-bench/fiord/services/plot\n\nrequire github.com/fiord-bench/fiord/services/bench v0.0.0\nreplace github.com/fiord-bench/fiord/services/bench => ../bench\n"},
			[]string{
				"Siblings services/plot/go.mod: does not replace artifacts, which a sibling requires",
				"Siblings services/plot/go.mod: does not replace events, which a sibling requires",
				"Siblings services/plot/go.mod: requires services/bench",
			},
		},
		{
			"two versions of one dependency",
			map[string]string{"artifacts/go.mod": strings.Replace(sound()["artifacts/go.mod"], "v1.2.0", "v1.10.0", 1)},
			[]string{"Versions events/go.mod: requires example.org/a v1.2.0, and artifacts requires v1.10.0"},
		},
		{
			"a dependency without a reason",
			map[string]string{"docs/dependencies.md": "# Dependencies\n\n## artifacts\n- `example.org/a`: a reason, for another module\n"},
			[]string{"Reasons docs/dependencies.md: has no line for example.org/a under \"## events\""},
		},
		{
			"a package that does not say what it is",
			map[string]string{"services/plot/plot.go": "package plot\n"},
			[]string{"Documented services/plot/plot.go: package services/plot has no doc comment"},
		},
		{
			"a package named util",
			map[string]string{"services/plot/util/a.go": "// Package util has things.\npackage util\n"},
			[]string{"Named services/plot/util/a.go: package or folder util"},
		},
		{
			"a file too long",
			map[string]string{"services/plot/a.go": "package plot\n" + long},
			[]string{"Short services/plot/a.go: 401 lines"},
		},
		{
			"a service's main that does more than start it",
			map[string]string{"services/bench/cmd/bench/main.go": sound()["services/bench/cmd/bench/main.go"] + strings.Repeat("// x\n", maxMainLines)},
			[]string{"Short services/bench/cmd/bench/main.go: a service's main of 46 lines"},
		},
		{
			"a library that ends the process",
			map[string]string{"services/plot/a.go": "package plot\n\nimport (\n\t\"log\"\n\t\"os\"\n)\n\nfunc a() {\n\tlog.Fatal(1)\n\tos.Exit(1)\n}\n"},
			[]string{"Ends services/plot/a.go:10: calls os.Exit", "Ends services/plot/a.go:9: calls log.Fatal"},
		},
		{
			"a service that reads the environment",
			map[string]string{"services/plot/a.go": "package plot\n\nimport \"os\"\n\nvar a = os.Getenv(\"A\")\n"},
			[]string{"Environment services/plot/a.go:5: calls os.Getenv"},
		},
		{
			"a package that acts by being imported",
			map[string]string{"services/plot/a.go": "package plot\n\nfunc init() {}\n"},
			[]string{"Quiet services/plot/a.go:3: declares init"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := check(load(t, tt.changes)); !slices.Equal(got, tt.want) {
				t.Errorf("found\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(tt.want, "\n\t"))
			}
		})
	}
}

func TestLoadLeavesOutWhatIsNoCode(t *testing.T) {
	w := load(t, map[string]string{
		"services/plot/testdata/broken.go": "no Go at all",
		"testdata/go.mod":                  "neither a module",
		".cache/go.mod":                    "nor this",
	})
	if found := check(w); len(found) > 0 {
		t.Errorf("found %s", strings.Join(found, "\n"))
	}
}

func TestLoadNamesTheFileThatIsBroken(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string]string{"go.work": "go 1.26\n", "a/go.mod": "module a\n", "a/a.go": "package"} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(root); err == nil || !strings.Contains(err.Error(), "a.go:1") {
		t.Errorf("error %v does not name a.go:1", err)
	}
}
