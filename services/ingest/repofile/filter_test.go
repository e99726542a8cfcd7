package repofile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

func parse(t *testing.T, on string) *repofile.File {
	t.Helper()
	f, err := repofile.Parse("fiord.yaml", []byte("version: 1\n"+on+"\nbenches: [{name: a, jobs: [a.fio]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWants(t *testing.T) {
	branch := func(name string) events.Push { return events.Push{Ref: "refs/heads/" + name} }
	tag := events.Push{Ref: "refs/tags/v1.2"}
	pull := events.Push{Ref: "refs/pull/7/head", Pull: &events.Pull{Number: 7, Base: "main"}}
	paths := func(list ...string) repofile.Changed {
		return func() ([]string, bool, error) { return list, true, nil }
	}
	unknown := repofile.Changed(func() ([]string, bool, error) { return nil, false, nil })
	never := repofile.Changed(func() ([]string, bool, error) {
		t.Error("the trees were compared though no path matters")
		return nil, false, nil
	})
	const full = `on: {push: {branches: [main, "release/*", "!release/0.*"], paths: ["jobs/**", "!**/*.md"]}}`
	tests := []struct {
		name, on string
		push     events.Push
		changed  repofile.Changed
		want     bool
		reason   string
	}{
		{"no filter, a branch", "", branch("topic/x"), never, true, ""},
		{"no filter, a tag", "", tag, never, false, "on.push.tags is not set"},
		{"no filter, a pull request", "", pull, never, false, "on.pull_request is not set"},
		{"only a schedule", `on: {schedule: ["@daily"]}`, branch("main"), never, false, "on.push is not set"},
		{"branch listed, path changed", full, branch("main"), paths("jobs/a/b.fio"), true, ""},
		{"branch listed, other path", full, branch("main"), paths("README"), false, "none of the 1 changed paths"},
		{"path taken back", full, branch("main"), paths("jobs/x.md", "README"), false, "none of the 2"},
		{"changes unknown", full, branch("main"), unknown, true, ""},
		{"one level of a glob", full, branch("release/1.0"), paths("jobs/a"), true, ""},
		{"two levels of a glob", full, branch("release/1/0"), never, false, "release/1/0 matches none of"},
		{"branch taken back", full, branch("release/0.9"), never, false, "matches none of"},
		{"tags alone, a branch", `on: {push: {tags: ["v*"]}}`, branch("main"), never, false, "no branches"},
		{"tags alone, a tag", `on: {push: {tags: ["v*"]}}`, tag, never, true, ""},
		{"tags and paths, a tag", `on: {push: {tags: ["v*"], paths: ["x"]}}`, tag, never, true, ""},
		{"tag not listed", `on: {push: {tags: ["w*"]}}`, tag, never, false, "v1.2 matches none"},
		{"pull request for a listed base", `on: {pull_request: {branches: [main]}}`, pull, never, true, ""},
		{"pull request for another base", `on: {pull_request: {branches: [next]}}`, pull, never, false, "main matches none"},
		{"pull requests alone, a push", `on: {pull_request: {}}`, branch("main"), never, false, "on.push is not set"},
		{"a ref of another kind", "", events.Push{Ref: "refs/notes/commits"}, never, false, "neither a branch nor a tag"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ok, reason, err := parse(t, tt.on).Wants(tt.push, tt.changed)
			if err != nil || ok != tt.want || !strings.Contains(reason, tt.reason) || ok != (reason == "") {
				t.Errorf("got %v, %q, %v; want %v, %q", ok, reason, err, tt.want, tt.reason)
			}
		})
	}
}

func TestWantsPassesErrorsOn(t *testing.T) {
	away := errors.New("away")
	ok, _, err := parse(t, `on: {push: {paths: ["a"]}}`).Wants(events.Push{Ref: "refs/heads/main"},
		func() ([]string, bool, error) { return nil, false, away })
	if ok || !errors.Is(err, away) {
		t.Errorf("got %v, %v", ok, err)
	}
}

func TestSkips(t *testing.T) {
	tests := map[string]string{
		"Fix a typo":                        "",
		"Fix a typo [skip fiord]":           "[skip fiord]",
		"[CI Skip] Fix\n\nbody":             "[ci skip]",
		"Fix\n\nThis is safe to [skip ci].": "[skip ci]",
		"Explain skip ci":                   "",
	}
	for message, want := range tests {
		if got := repofile.Skips(message); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}
