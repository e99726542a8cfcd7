package notice

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// reports are notices of n benches of one push, of which some regressed.
func reports(t *testing.T, n, regressed int) (list []Notice) {
	t.Helper()
	e := example(t, filepath.Join(examples, "bench.reported.json"))
	for i := range n {
		d := e.Data.(events.BenchReported)
		d.Name = fmt.Sprintf("bench-%02d", i)
		if i < n-regressed {
			d.Verdict, d.Headline = events.VerdictImproved, "Improved: read.iops +9.0%."
		}
		one := e
		one.ID, one.Data, one.Time = fmt.Sprint(i), d, e.Time.Add(time.Duration(i)*time.Second)
		made, _ := Compose("team", one, "https://bench.example.com")
		list = append(list, made)
	}
	return list
}

func TestManyNoticesBecomeOneWithTheWorstFirst(t *testing.T) {
	list := reports(t, 40, 3)
	n := Together("id", list)
	if n.ID != "id" || n.Level != Bad || !n.Event.Time.Equal(list[39].Event.Time) || n.URL != list[39].URL {
		t.Errorf("message %+v", n)
	}
	n.Event = events.Event{}
	got, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "together.json"), append(got, '\n'))
}

func TestNoticesOfARackThatWentAreCounted(t *testing.T) {
	var list []Notice
	for i := range 30 {
		n, _ := Compose("team", events.New("fiord/inventory", fmt.Sprint(i), nil, events.HostLost{Host: fmt.Sprintf("rack1-%02d", i), LastSeen: time.Unix(1e9, 0)}), "")
		list = append(list, n)
	}
	n := Together("id", list)
	if n.Title != "30 bench hosts are lost" || len(n.Hosts) != 30 || !strings.HasSuffix(n.Text, "… and 20 more") {
		t.Errorf("title %q, %d hosts, text:\n%s", n.Title, len(n.Hosts), n.Text)
	}
}

func TestNoticesOfSeveralKindsAndRepositoriesClaimNothingInCommon(t *testing.T) {
	list := reports(t, 2, 1)
	other := *list[1].Commit
	other.Repo.Name = "acme/other"
	list[1].Commit = &other
	lost, _ := Compose("team", events.New("fiord/inventory", "l", nil, events.HostLost{Host: "a", LastSeen: time.Unix(1e9, 0)}), "")
	n := Together("id", append(list, lost))
	if n.Title != "3 things to tell: 1 regressed, 1 improved" || n.Commit != nil {
		t.Errorf("title %q, commit %+v", n.Title, n.Commit)
	}
}

func TestOneNoticeStaysAsItIs(t *testing.T) {
	one := reports(t, 1, 1)
	if got := Together("id", one); got.ID != one[0].ID || got.Title != one[0].Title || got.Event.Data == nil {
		t.Errorf("got %+v", got)
	}
}

func TestStatusesSayTheTruthAboutShifts(t *testing.T) {
	commit := strings.Repeat("abcdef01", 5)
	for _, c := range []struct {
		d    events.BenchReported
		want string
	}{
		{events.BenchReported{Verdict: events.VerdictRegressed, Headline: "Regressed: read.iops -12%."}, "Regressed: read.iops -12%."},
		{events.BenchReported{Verdict: events.VerdictRegressed, Headline: "Regressed: read.iops -12%.", Shift: &events.Shift{Commit: commit, Reports: 3}},
			"regressed since abcdef0: Regressed: read.iops -12%."},
		{events.BenchReported{Verdict: events.VerdictRegressed, Headline: "Still regressed, since abcdef0: read.iops.", Shift: &events.Shift{Commit: commit, Reports: 3}},
			"Still regressed, since abcdef0: read.iops."},
		{events.BenchReported{Verdict: events.VerdictUnchanged, Headline: "Unchanged: 4 comparisons within 5%.", Recovered: &events.Shift{Commit: commit, Reports: 3}},
			"recovered: Unchanged: 4 comparisons within 5%."},
		{events.BenchReported{Verdict: events.VerdictFailed, Headline: "None of 3 runs completed."}, "failed: None of 3 runs completed."},
	} {
		if got := gist(c.d); got != c.want {
			t.Errorf("status says %q, want %q", got, c.want)
		}
	}
}

func TestBenchesThatOnlyConfirmAreSetAside(t *testing.T) {
	first := events.HashID("first")
	for _, d := range []events.Data{
		events.BenchReported{Bench: events.HashID("b"), Name: "n", Confirms: first},
		events.BenchUnplaced{Bench: events.HashID("b"), Name: "n", Confirms: first},
		events.BenchCancelled{Bench: events.HashID("b"), Name: "n", Confirms: first},
	} {
		if n, ok := Compose("t", events.Event{Type: d.EventType(), Data: d}, ""); !ok || !n.Aside || n.Status != nil {
			t.Errorf("%s: aside is %v, status %+v", d.EventType(), n.Aside, n.Status)
		}
	}
	origin := &events.Origin{Repo: events.Repo{Name: "a/b"}, Ref: "refs/heads/main", Commit: strings.Repeat("a", 40)}
	n, _ := Compose("t", events.Event{Type: events.TypeBenchRequested, Data: events.BenchRequested{Name: "randread", Confirms: first, Origin: origin}}, "")
	if !n.Aside || n.Status == nil || n.Status.State != Pending || n.Status.About != first || n.Status.Context != "fiord/randread" {
		t.Errorf("the bench in doubt has the status %+v", n.Status)
	}
}
