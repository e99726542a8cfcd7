package inventory_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

const forEach = `version: 1
rules:
  - repositories: [ada/disks]
    volumes: [data]
    hosts: [a]
  - people: [ada]
    hosts: [a]
    speaks_for: [ada/disks]
  - people: [bob]
    hosts: [a]
  - people: [viewer]
    may: [baseline.accepted]
  - tokens: [nightly]
`

// Whatever door a request came by, it is placed by a rule about who makes it.
func TestNoRequestIsPlacedWithoutARule(t *testing.T) {
	s := newSite(t)
	cfg := quick()
	cfg.ReposFile = filepath.Join(t.TempDir(), "repos.yaml")
	if err := os.WriteFile(cfg.ReposFile, []byte(forEach), 0o600); err != nil {
		t.Fatal(err)
	}
	s.worker("a", []string{"default"}, nil)
	s.replica(cfg)
	by := func(right events.Right, name string) *events.Requester {
		return &events.Requester{Right: right, Name: name}
	}
	first := s.request("first", func(r *events.BenchRequested) {
		r.Origin, r.Volume, r.Targets.Hosts = origin("ada/disks"), "data", []string{"a"}
	})
	await(s, func(e events.BenchPlaced) bool { return e.Bench == first })
	again := func(r *events.BenchRequested) {
		r.Origin, r.Volume, r.Targets.Hosts, r.RerunOf, r.Attempt = origin("ada/disks"), "data", []string{"a"}, first, 2
	}
	placed := map[string]func(*events.BenchRequested){
		"a person on a host of the rule": func(r *events.BenchRequested) {
			r.Requester, r.Targets.Hosts = by(events.RightPerson, "ada"), []string{"a"}
		},
		"a person for a repository": func(r *events.BenchRequested) {
			r.Requester, r.Origin = by(events.RightPerson, "ada"), origin("ada/disks")
		},
		"the administrator, with a volume": func(r *events.BenchRequested) {
			r.Requester, r.Volume = by(events.RightPerson, events.Administrator), "data"
		},
		"a token": func(r *events.BenchRequested) { r.Requester = by(events.RightToken, "nightly") },
		"a schedule": func(r *events.BenchRequested) {
			r.Requester, r.Origin = by(events.RightSchedule, "ada/disks"), origin("ada/disks")
		},
		"the same once more, by a person who may not choose the volume": func(r *events.BenchRequested) {
			again(r)
			r.Requester = by(events.RightRerun, "bob")
		},
	}
	for name, change := range placed {
		id := s.request(name, change)
		await(s, func(e events.BenchPlaced) bool { return e.Bench == id })
	}
	for name, tt := range map[string]struct {
		says   string
		change func(*events.BenchRequested)
	}{
		"no requester":               {"does not say who asks", func(*events.BenchRequested) {}},
		"no requester, a volume":     {"does not say who asks", func(r *events.BenchRequested) { r.Volume = "data" }},
		"an unknown person":          {`person "mallory"`, func(r *events.BenchRequested) { r.Requester = by(events.RightPerson, "mallory") }},
		"a token's name as a person": {`person "nightly"`, func(r *events.BenchRequested) { r.Requester = by(events.RightPerson, "nightly") }},
		"an unknown token":           {`token "ada"`, func(r *events.BenchRequested) { r.Requester = by(events.RightToken, "ada") }},
		"a volume beyond the rule": {`volume "data" is not allowed to this person`, func(r *events.BenchRequested) {
			r.Requester, r.Volume = by(events.RightPerson, "ada"), "data"
		}},
		"a person who may only accept": {"may not make a bench.requested", func(r *events.BenchRequested) { r.Requester = by(events.RightPerson, "viewer") }},
		"a repository of somebody else": {"may not speak for repository ada/disks", func(r *events.BenchRequested) {
			r.Requester, r.Origin = by(events.RightPerson, "bob"), origin("ada/disks")
		}},
		"a repository's right without one": {"names no repository", func(r *events.BenchRequested) { r.Requester = by(events.RightRepository, "ada/disks") }},
		"a confirmation by a person": {"by no other", func(r *events.BenchRequested) {
			r.Requester, r.Confirms, r.Targets.Hosts = by(events.RightPerson, "ada"), first, []string{"a"}
		}},
		"a confirmation of nothing": {"by no other", func(r *events.BenchRequested) { r.Requester = by(events.RightConfirmation, "fiord/plot") }},
		"a rerun of something else": {"may not speak for repository", func(r *events.BenchRequested) {
			again(r)
			r.Requester, r.Jobs[0].Inline = by(events.RightRerun, "bob"), "[a]\nrw=write\n"
		}},
		"a rerun by a stranger": {`person "mallory"`, func(r *events.BenchRequested) { again(r); r.Requester = by(events.RightRerun, "mallory") }},
	} {
		id := s.request(name, tt.change)
		got, _ := await(s, func(e events.BenchUnplaced) bool { return e.Bench == id })
		if len(got.Problems) == 0 || !strings.Contains(got.Problems[0].Message, tt.says) {
			t.Errorf("%s: got %+v, want %q", name, got.Problems, tt.says)
		}
	}
}
