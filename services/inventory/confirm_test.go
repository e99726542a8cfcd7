package inventory_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// rules of an operator who lets a repository measure on one pool, and choose no
// host by name.
const poolOnly = `version: 1
rules:
  - repositories: [ada/disks]
    pools: [default]
    max_runs: 12
    max_deadline: 1h
`

func origin(repo string) *events.Origin {
	return &events.Origin{Repo: events.Repo{Forge: "gitea", Name: repo, CloneURL: "https://example.com/" + repo + ".git"}, Ref: "refs/heads/main", Commit: strings.Repeat("a", 40)}
}

// A bench that confirms another may be measured where the first was, and only
// there, under the rules that held for the first.
func TestAConfirmationIsBoundByTheRulesOfWhatItConfirms(t *testing.T) {
	s := newSite(t)
	cfg := quick()
	cfg.ReposFile = filepath.Join(t.TempDir(), "repos.yaml")
	if err := os.WriteFile(cfg.ReposFile, []byte(poolOnly), 0o600); err != nil {
		t.Fatal(err)
	}
	s.worker("a", []string{"default"}, nil)
	s.worker("elsewhere", []string{"fast"}, nil)
	s.replica(cfg)
	first := s.request("first", func(r *events.BenchRequested) { r.Origin = origin("ada/disks") })
	await(s, func(e events.BenchPlaced) bool { return e.Bench == first })

	again := func(r *events.BenchRequested) {
		r.Origin, r.Confirms, r.Targets.Hosts, r.Repeat = origin("ada/disks"), first, []string{"a"}, 5
		r.Jobs = []events.Job{{Name: "after/a.fio", Inline: "[a]\nrw=randread\n", Side: events.SideAfter}}
		r.Only = []events.Sample{{Job: "after/a.fio", Point: events.Point{"bs": "4k"}}, {Job: "after/a.fio", Point: events.Point{"bs": "8k"}}}
	}
	id := s.request("again", again)
	placed, _ := await(s, func(e events.BenchPlaced) bool { return e.Bench == id })
	if placed.Confirms != first || placed.Runs != 10 || placed.Hosts != 1 {
		t.Errorf("placed %+v", placed)
	}
	if p := document[events.Placement](s, placed.Placement); p.Request.Deadline == 0 || p.Slots[0].Host != "a" {
		t.Errorf("placement has deadline %v on %q", p.Request.Deadline, p.Slots[0].Host)
	}
	for why, change := range map[string]func(*events.BenchRequested){
		"host elsewhere is gone, or is none of those": func(r *events.BenchRequested) { r.Targets.Hosts = []string{"elsewhere"} },
		"names none of the hosts":                     func(r *events.BenchRequested) { r.Targets = events.Targets{} },
		"never placed for this repository":            func(r *events.BenchRequested) { r.Confirms = events.HashID("nothing") },
		"started 14 times":                            func(r *events.BenchRequested) { r.Repeat = 7 },
	} {
		refused := s.request(why, func(r *events.BenchRequested) { again(r); change(r) })
		got, _ := await(s, func(e events.BenchUnplaced) bool { return e.Bench == refused })
		if len(got.Problems) == 0 || !strings.Contains(got.Problems[0].Message, why) || got.Confirms == "" {
			t.Errorf("%s: got %+v", why, got)
		}
	}
}
