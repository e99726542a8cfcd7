package notice

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fiord-bench/fiord/events"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// examples are the contract's own example events.
const examples = "../../../events/examples"

func example(t *testing.T, file string) events.Event {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	e, err := events.Unmarshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEveryToldEventIsWorded(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	told := 0
	for _, file := range files {
		e := example(t, file)
		n, ok := Compose("ops", e, "https://bench.example.com/")
		if ok != slices.Contains(Types(), e.Type) {
			t.Errorf("%s: composed is %v, Types says otherwise", e.Type, ok)
		}
		if !ok {
			continue
		}
		told++
		n.Event = events.Event{} // the example itself
		got, err := json.MarshalIndent(n, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", filepath.Base(file)), append(got, '\n'))
	}
	if told != len(Types()) {
		t.Errorf("%d of %d types have an example", told, len(Types()))
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got), run with -update if that is meant:\n%s", file, diff)
	}
}

func TestVerdictsWeighAsTheyShould(t *testing.T) {
	for verdict, want := range map[events.Verdict]State{
		events.VerdictImproved: Success, events.VerdictUnchanged: Success, events.VerdictBaseline: Success,
		events.VerdictRegressed: Failure, events.VerdictInconclusive: Neutral,
		events.VerdictInvalid: Error, events.VerdictFailed: Error,
	} {
		if _, got := weigh(verdict); got != want {
			t.Errorf("%s is %s, want %s", verdict, got, want)
		}
	}
}

// An undecided bench blocks no merge unless its repository says so, and one that was
// cancelled is no failure. A target may show either otherwise.
func TestWhatIsUndecidedBlocksOnlyWhereItIsMeantTo(t *testing.T) {
	origin := &events.Origin{Repo: events.Repo{Forge: "github", Name: "ada/disks"}, Ref: "refs/heads/main", Commit: strings.Repeat("a", 40)}
	state := func(d events.Data, undecided State) State {
		n, ok := Compose("t", events.New("fiord/test", "x", nil, d), "")
		if !ok || n.Status == nil {
			t.Fatalf("no status for %+v", d)
		}
		return n.WithUndecided(undecided).Status.State
	}
	open := events.BenchReported{Bench: events.HashID("b"), Name: "n", Verdict: events.VerdictInconclusive, Headline: "Inconclusive.", Origin: origin}
	blocking := open
	blocking.BlockUndecided = true
	worse := open
	worse.Verdict = events.VerdictRegressed
	cancelled := events.BenchCancelled{Bench: events.HashID("b"), Name: "n", Reason: "superseded", By: "ingest", Origin: origin}
	for _, tt := range []struct {
		of        events.Data
		undecided State
		want      State
	}{
		{open, "", Neutral}, {open, Pending, Pending}, {blocking, "", Failure}, {blocking, Success, Failure},
		{cancelled, "", Cancelled}, {cancelled, Failure, Failure}, {worse, Success, Failure},
	} {
		if got := state(tt.of, tt.undecided); got != tt.want {
			t.Errorf("%T, undecided %q: %s, want %s", tt.of, tt.undecided, got, tt.want)
		}
	}
}

func TestNoticeIDsTellTargetsAndEventsApart(t *testing.T) {
	e := example(t, filepath.Join(examples, "host.lost.json"))
	other := e
	other.Source = "fiord/other"
	a, _ := Compose("a", e, "")
	again, _ := Compose("a", e, "https://elsewhere")
	b, _ := Compose("b", e, "")
	c, _ := Compose("a", other, "")
	if a.ID != again.ID || a.ID == b.ID || a.ID == c.ID {
		t.Errorf("ids: %s, again %s, other target %s, other source %s", a.ID, again.ID, b.ID, c.ID)
	}
}

func TestLongTextsAreCutAndSaySo(t *testing.T) {
	d := events.RunRejected{RunRef: events.RunRef{Run: "r", Bench: "b", Name: "n", Job: "j"}}
	for range 50 {
		d.Problems = append(d.Problems, events.Problem{Message: strings.Repeat("é", 2000)})
	}
	n, ok := Compose("t", events.Event{Type: d.EventType(), Data: d}, "")
	if !ok {
		t.Fatal("not composed")
	}
	if lines := strings.Count(n.Text, "\n") + 1; lines > maxLines+1 || len(n.Text) > (maxLines+1)*(maxLine+1) {
		t.Errorf("%d lines, %d bytes", lines, len(n.Text))
	}
	if !strings.HasSuffix(n.Text, "\n…") || !utf8.ValidString(n.Text) {
		t.Errorf("text ends in %q", n.Text[len(n.Text)-10:])
	}
}

func TestStrangersCannotDisguiseText(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb\rc\x00d":             "a b c d",
		"evil \u202egnp.exe":       "evil  gnp.exe",
		"\u2066x\u2069 \u2028line": "x   line",
		"bad \xff byte":            "bad \uFFFD byte",
		"  trimmed  ":              "trimmed",
	} {
		if got := OneLine(in, 100); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRepositoryNamesCannotLeadElsewhere(t *testing.T) {
	for _, name := range []string{"", "a", "../x", "a/..", "a//b", "a/b/", "/a/b", "a/b/c", "./a"} {
		if _, _, err := (Commit{Repo: events.Repo{Name: name}}).OwnerAndName(); err == nil {
			t.Errorf("name %q is accepted", name)
		}
	}
	if owner, name, err := (Commit{Repo: events.Repo{Name: "acme/web"}}).OwnerAndName(); owner != "acme" || name != "web" || err != nil {
		t.Errorf("acme/web is %q, %q, %v", owner, name, err)
	}
}

func TestQuantitiesReadAsPeopleSayThem(t *testing.T) {
	for _, c := range []struct {
		value float64
		unit  string
		want  string
	}{
		{812, "ns", "812 ns"}, {120_500, "ns", "120.5 µs"}, {3.2e9, "ns", "3.2 s"}, {7.2e12, "ns", "7200 s"},
		{512, "iops", "512 IOPS"}, {440_000, "iops", "440k IOPS"}, {1_250_000, "iops", "1.25M IOPS"},
		{1536, "B/s", "1.5 KiB/s"}, {2 << 30, "B/s", "2 GiB/s"}, {3, "things", "3 things"},
	} {
		if got := quantity(c.value, c.unit); got != c.want {
			t.Errorf("%v %s reads %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	for _, seed := range []string{"plain", "a\r\nBcc: x", "\u202e", "\xff\xfe", "日本語", ""} {
		f.Add(seed, 10)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < 0 || limit > 1<<20 {
			t.Skip()
		}
		got := OneLine(text, limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00") {
			t.Errorf("OneLine(%q, %d) = %q", text, limit, got)
		}
	})
}
