package repos_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/repos"
)

const sample = `
version: 1
rules:
  - repositories: [storage-lab/secret]
    forges: [github]
    signed_by: [github-lab]
    pools: ["nvme-*"]
  - repositories: ["Storage-Lab/*"]
    hosts: [bench-7, "edge-*"]
    groups: [nvme]
    volumes: ["data@*"]
    volume_drivers: [local]
    urls: ["https://raw.example.org/lab/"]
    clone: "https://mirror.example.org/{name}.git"
    max_runs: 10
    max_timeout: 30m
    max_deadline: 24h
    pull_requests: members
`

func policy(t *testing.T) *repos.Policy {
	t.Helper()
	p, err := repos.Parse("repos.yaml", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func rule(t *testing.T, forge, name string) repos.Rule {
	t.Helper()
	r, ok := policy(t).For(forge, name)
	if !ok {
		t.Fatalf("no rule for %s at %s", name, forge)
	}
	return r
}

func TestTheFirstRuleThatFitsDecides(t *testing.T) {
	if r := rule(t, "github", "storage-lab/secret"); !r.AllowsKey("github-lab") || r.AllowsKey("other") {
		t.Errorf("keys of %+v", r)
	}
	if r := rule(t, "gitlab", "STORAGE-LAB/secret"); r.PullRequests != repos.PullsMembers || !r.AllowsKey("other") {
		t.Errorf("another forge, another case: %+v", r)
	}
	for _, name := range []string{"storage-lab", "storage-lab/a/b", "else/jobs"} {
		if r, ok := policy(t).For("github", name); ok {
			t.Errorf("%s has rule %+v", name, r)
		}
	}
}

func TestCloneURLOfTheOperatorWins(t *testing.T) {
	if got := rule(t, "git", "storage-lab/jobs").CloneURL("storage-lab/jobs", "https://evil.example/x"); got != "https://mirror.example.org/storage-lab/jobs.git" {
		t.Errorf("clone URL %s", got)
	}
	if got := rule(t, "github", "storage-lab/secret").CloneURL("storage-lab/secret", "https://ada:hunter2@told/x"); got != "https://told/x" {
		t.Errorf("clone URL %s", got)
	}
	if got := rule(t, "github", "storage-lab/secret").CloneURL("storage-lab/secret", "https://told"); got != "https://told" {
		t.Errorf("clone URL %s", got)
	}
}

func TestCheck(t *testing.T) {
	within := events.BenchRequested{
		Name: "a", Jobs: []events.Job{{Name: "a.fio"}, {Name: "b.fio", URL: "https://raw.example.org/lab/b.fio"}},
		Targets: events.Targets{Hosts: []string{"bench-7", "edge-1"}}, Volume: "data@gold", VolumeDriver: "local",
		Matrix: map[string][]events.Scalar{"bs": {"4k", "8k"}}, Repeat: 2, Timeout: events.Duration(time.Minute),
	}
	r := rule(t, "github", "storage-lab/jobs")
	if problems := r.Check(within); len(problems) > 0 {
		t.Fatalf("what is allowed is refused: %v", problems)
	}
	tests := map[string]struct {
		change func(*events.BenchRequested)
		says   string
	}{
		"host":     {func(b *events.BenchRequested) { b.Targets.Hosts = []string{"bench-8"} }, `host "bench-8" is not allowed to this repository (allowed are bench-7, edge-*)`},
		"group":    {func(b *events.BenchRequested) { b.Targets = events.Targets{Group: "hdd"} }, `group "hdd"`},
		"pool":     {func(b *events.BenchRequested) { b.Targets = events.Targets{Pool: "fast"} }, `pool "fast" is not allowed to this repository (allowed is "default")`},
		"volume":   {func(b *events.BenchRequested) { b.Volume = "root" }, `volume "root"`},
		"driver":   {func(b *events.BenchRequested) { b.VolumeDriver = "nfs" }, `volume driver "nfs"`},
		"options":  {func(b *events.BenchRequested) { b.VolumeOptions = map[string]string{"device": "/"} }, "volume options"},
		"URL":      {func(b *events.BenchRequested) { b.Jobs[1].URL = "https://evil.example/lab/" }, "job file"},
		"runs":     {func(b *events.BenchRequested) { b.Repeat = 3 }, "12 times on each host, this repository may 10"},
		"spread":   {func(b *events.BenchRequested) { b.Measure = &events.Measure{Spread: "3%", MaxRepeat: 100} }, "400 times"},
		"timeout":  {func(b *events.BenchRequested) { b.Timeout = events.Duration(time.Hour) }, "timeout of 1h0m0s is longer than the 30m0s"},
		"deadline": {func(b *events.BenchRequested) { b.Deadline = events.Duration(48 * time.Hour) }, "deadline of 48h0m0s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := within
			b.Jobs = append([]events.Job(nil), within.Jobs...)
			tt.change(&b)
			problems := r.Check(b)
			if len(problems) != 1 || problems[0].Rule != repos.RulePolicy || !strings.Contains(problems[0].Message, tt.says) {
				t.Errorf("problems %v, want one saying %q", problems, tt.says)
			}
		})
	}
}

func TestWhatIsNotListedIsDenied(t *testing.T) {
	r := rule(t, "github", "storage-lab/secret")
	for _, b := range []events.BenchRequested{
		{Targets: events.Targets{Hosts: []string{"h"}}},
		{Targets: events.Targets{Group: "g"}},
		{}, // the pool default, which the rule's list leaves out
		{Targets: events.Targets{Pool: "nvme-1"}, Volume: "v"},
		{Targets: events.Targets{Pool: "nvme-1"}, VolumeDriver: "local"},
		{Targets: events.Targets{Pool: "nvme-1"}, VolumeOptions: map[string]string{"size": "1"}},
		{Targets: events.Targets{Pool: "nvme-1"}, Jobs: []events.Job{{URL: "https://h/a"}}},
	} {
		if len(r.Check(b)) != 1 {
			t.Errorf("%+v: problems %v, want one", b, r.Check(b))
		}
	}
}

func TestOpenPolicyAllowsAllButPullRequests(t *testing.T) {
	p, err := repos.Load("")
	if err != nil {
		t.Fatal(err)
	}
	r, ok := p.For("git", "a/b/c")
	if !ok || r.PullRequests != "" {
		t.Fatalf("rule %+v, %v", r, ok)
	}
	b := events.BenchRequested{Volume: "a/b@c", VolumeOptions: map[string]string{"a": "b"}, Targets: events.Targets{Group: "x/y"},
		Jobs: []events.Job{{URL: "https://h/a"}}}
	if problems := r.Check(b); len(problems) > 0 {
		t.Errorf("problems %v", problems)
	}
}

func TestBoundFillsInWhatWasLeftOpen(t *testing.T) {
	r := rule(t, "github", "storage-lab/jobs")
	open, set := events.BenchRequested{}, events.BenchRequested{Timeout: 1, Deadline: 2}
	r.Bound(&open)
	r.Bound(&set)
	if open.Timeout.Std() != 30*time.Minute || open.Deadline.Std() != 24*time.Hour || set.Timeout != 1 || set.Deadline != 2 {
		t.Errorf("bounds %v %v, %v %v", open.Timeout, open.Deadline, set.Timeout, set.Deadline)
	}
}

func TestWrongPoliciesAreRefused(t *testing.T) {
	for name, tt := range map[string]struct{ rules, says string }{
		"unknown key":       {"- {repositories: [a], pool: [x]}", "pool"},
		"no repositories":   {"- {pools: [x]}", "rules[0]: repositories is empty"},
		"no glob":           {`- {repositories: ["a[1"]}`, "no glob"},
		"pull requests":     {"- {repositories: [a], pull_requests: yes please}", "off, approved or members"},
		"negative":          {"- {repositories: [a], max_runs: -1}", "negative"},
		"a password":        {`- {repositories: [a], clone: "https://ada:hunter2@h/{name}"}`, "carries a user or a password"},
		"reconcile, no url": {"- {repositories: [a], reconcile: true}", "reconcile needs clone"},
		"reconcile, a glob": {`- {repositories: ["a/*"], forges: [git], clone: "https://h/{name}", reconcile: true}`, "without wildcards"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := repos.Parse("repos.yaml", []byte("version: 1\nrules:\n"+tt.rules+"\n"))
			if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "repos.yaml: ") {
				t.Errorf("error %v, want repos.yaml: … %s", err, tt.says)
			}
		})
	}
	if _, err := repos.Parse("repos.yaml", []byte("version: 2\n")); err == nil {
		t.Error("version 2 is accepted")
	}
	if _, err := repos.Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}
