package plot_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/environment"
	"github.com/fiord-bench/fiord/services/plot"
)

// doubting is a history of one bench, and one that is slower than it by half and
// wants that confirmed.
type doubting struct {
	*site
	before, first bench
	second        events.Event // the request of the second look
}

// confirming asks for confirmation, with a job file of its own.
func confirming(job string) func(*events.BenchRequested) {
	return func(r *events.BenchRequested) {
		r.Jobs[0].Inline = job
		r.Compare = &events.Compare{Baseline: "main", Threshold: "5%", Confirm: new(true)}
	}
}

const (
	oldJob = "[r]\nrw=randread\n"
	newJob = "[r]\nrw=randread\nrate_iops=500\n"
)

// doubt measures a baseline and what regresses against it, and waits for the
// request of the second look.
func (s *site) doubt(key, job string, also ...func(*events.BenchRequested)) doubting {
	s.t.Helper()
	d := doubting{site: s}
	d.before = s.place(key+"-before", 15, confirming(oldJob))
	s.ends(d.before, func(i int) float64 { return 1000 + float64(i/3) })
	s.remembered(d.before, await[events.BenchReported](s))
	d.first = s.place(key, 15, append([]func(*events.BenchRequested){confirming(job)}, also...)...)
	s.ends(d.first, func(i int) float64 { return []float64{1000, 500, 1000}[i%3] + float64(i/3) })
	d.second = s.asksAgain(d.first.id)
	return d
}

// ends publishes a whole bench, whose runs read at a rate each.
func (s *site) ends(b bench, rate func(i int) float64) {
	s.t.Helper()
	s.publish(b.request, b.placed)
	for i := range b.runs {
		s.publish(b.completed(i, rate(i)))
	}
}

// asksAgain waits for a request that confirms a bench.
func (s *site) asksAgain(first string) (request events.Event) {
	s.t.Helper()
	s.eventually("a second look is asked for", func() bool {
		all := s.requests(first)
		if len(all) > 0 {
			request = all[0]
		}
		return len(all) > 0
	})
	return request
}

// requests are all that confirm a bench, in the stream from its beginning.
func (s *site) requests(first string) []events.Event {
	s.t.Helper()
	var all []events.Event
	caughtUp := make(chan struct{})
	view, err := s.bus.Watch(s.t.Context(), bus.View{
		Types: []events.Type{events.TypeBenchRequested},
		See: func(_ context.Context, seen bus.Seen) {
			if seen.Event.Data.(events.BenchRequested).Confirms == first {
				all = append(all, seen.Event)
			}
		},
		CaughtUp: func() { close(caughtUp) },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	<-caughtUp
	view.Stop()
	return all
}

// looks measures what the second look asks for, as inventory and bench do.
func (d doubting) looks(rate func(job string) float64) bench {
	d.t.Helper()
	request := d.second.Data.(events.BenchRequested)
	var samples []events.Sample
	for range request.Repeat {
		samples = append(samples, request.Only...)
	}
	b := d.placed(d.second, samples)
	d.publish(b.placed)
	for i, r := range b.runs {
		d.publish(b.completed(i, rate(r.Job)+float64(r.Repeat)))
	}
	return b
}

// shows waits until a page has every text: it follows the same events as the
// test does.
func (s *site) shows(url string, texts ...string) {
	s.t.Helper()
	s.eventually(url+" that shows "+strings.Join(texts, ", "), func() bool {
		resp, err := http.Get(url)
		if err != nil {
			s.t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			s.t.Fatal(err)
		}
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(string(body), text) })
	})
}

// reported waits for the report of one bench.
func (s *site) reported(id string) events.BenchReported {
	s.t.Helper()
	for {
		if r := await[events.BenchReported](s); r.Bench == id {
			return r
		}
	}
}

// Another job file is measured side by side with the baseline's.
func TestARegressionIsToldOnceItIsConfirmedSideBySide(t *testing.T) {
	s := newSite(t)
	url, _ := s.start()
	d := s.doubt("sides", newJob)
	request := d.second.Data.(events.BenchRequested)
	var order []string
	for _, o := range request.Only {
		order = append(order, o.Job+" "+o.Point.Key())
	}
	if diff := cmp.Diff([]string{"before/r.fio iodepth=2", "after/r.fio iodepth=2"}, order); diff != "" {
		t.Errorf("measured again (-want +got):\n%s", diff)
	}
	if request.Repeat != events.ComparedRepeat || !slices.Equal(request.Targets.Hosts, []string{"node-a"}) || request.Origin == nil || request.Compare.Confirm != nil {
		t.Errorf("asked for %+v", request)
	}
	s.shows(url+"/benches/"+d.first.id, "Regressed at first; measuring again to confirm", "/benches/"+events.BenchID(d.second))
	again := d.looks(func(job string) float64 {
		return map[string]float64{"before/r.fio": 980, "after/r.fio": 520}[job]
	})
	second, first := s.reported(again.id), s.reported(d.first.id)
	if second.Confirms != d.first.id || second.Verdict != events.VerdictRegressed || second.Shift != nil {
		t.Errorf("the second look reported %+v", second)
	}
	if first.Verdict != events.VerdictRegressed || !strings.HasPrefix(first.Headline, "Regressed, confirmed: ") {
		t.Errorf("reported %s %q", first.Verdict, first.Headline)
	}
	if c := first.Confirmation; c == nil || c.Outcome != events.OutcomeConfirmed || c.Bench != again.id || !strings.Contains(c.Reason, "read.p99 at iodepth=2 differs by +88.") {
		t.Errorf("confirmation %+v", first.Confirmation)
	}
	if want := (&events.Shift{Since: d.first.id, Commit: first.Origin.Commit, Reports: 1}); !cmp.Equal(first.Shift, want) {
		t.Errorf("shift %+v, want %+v", first.Shift, want)
	}
	s.remembered(d.first, first)
	if strings.Contains(s.history(), again.id) {
		t.Error("the second look has a place in the history")
	}
	s.shows(url+"/benches/"+d.first.id, "Measured again as", "at the second look read.p99")
	s.shows(url+"/benches/"+again.id, "A second look at", "/benches/"+d.first.id)

	t.Run("the next report of it is no news, and nothing is measured again", func(t *testing.T) {
		s.t = t
		still := s.place("still", 15, confirming(newJob))
		s.ends(still, func(i int) float64 { return []float64{1000, 505, 1000}[i%3] + float64(i/3) })
		got := s.reported(still.id)
		if got.Shift == nil || got.Shift.Since != d.first.id || got.Shift.Reports != 2 || got.Confirmation != nil || !strings.HasPrefix(got.Headline, "Still regressed, since 0123456: read.") {
			t.Errorf("reported %+v %q", got.Shift, got.Headline)
		}
		s.remembered(still, got)
		back := s.place("back", 15, confirming(oldJob))
		s.ends(back, func(i int) float64 { return 1001 + float64(i/3) })
		if got := s.reported(back.id); got.Recovered == nil || got.Recovered.Since != d.first.id || got.Verdict != events.VerdictUnchanged || !strings.HasPrefix(got.Headline, "Recovered ") {
			t.Errorf("reported %+v %q", got.Recovered, got.Headline)
		}
	})
}

// The same job file would be the same on both sides: the question is whether
// what regressed still does.
func TestTheSameJobIsHeldAgainstTheStoredBaseline(t *testing.T) {
	for name, c := range map[string]struct {
		rate    float64
		outcome events.Outcome
		verdict events.Verdict
	}{
		"and is as slow again":    {500, events.OutcomeConfirmed, events.VerdictRegressed},
		"and has come right":      {1000, events.OutcomeNotConfirmed, events.VerdictUnchanged},
		"and is better than ever": {2000, events.OutcomeNotConfirmed, events.VerdictImproved},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.start()
			d := s.doubt("same", oldJob)
			if jobs := d.second.Data.(events.BenchRequested).Jobs; len(jobs) != 1 || jobs[0].Side != events.SideAfter {
				t.Errorf("asked for %+v", jobs)
			}
			again := d.looks(func(string) float64 { return c.rate })
			got := s.reported(d.first.id)
			if got.Verdict != c.verdict || got.Confirmation == nil || got.Confirmation.Outcome != c.outcome || got.Confirmation.Bench != again.id {
				t.Fatalf("reported %s %+v %q", got.Verdict, got.Confirmation, got.Headline)
			}
			if c.outcome != events.OutcomeNotConfirmed {
				return
			}
			if got.Shift != nil || !strings.HasPrefix(got.Headline, "Not confirmed: at the second look read.p99 at iodepth=2 differs by ") {
				t.Errorf("shift %+v, headline %q", got.Shift, got.Headline)
			}
			s.remembered(d.first, got)
			next := s.place("next", 15, confirming(oldJob))
			s.ends(next, func(i int) float64 { return 1000 + float64(i/3) })
			if got := s.reported(next.id); got.Baseline != d.before.id {
				t.Errorf("the next is held against %s: what was disturbed must be no baseline", got.Baseline)
			}
		})
	}
}

// Other limits may be what regressed: beside it, the baseline's job file would
// run under them as well.
func TestOtherSettingsAreHeldAgainstTheStoredBaseline(t *testing.T) {
	s := newSite(t)
	s.start()
	d := s.doubt("settings", newJob, func(r *events.BenchRequested) { r.Limits.CPUs = 0.5 })
	request := d.second.Data.(events.BenchRequested)
	if len(request.Jobs) != 1 || request.Jobs[0].Side != events.SideAfter || request.Limits.CPUs != 0.5 {
		t.Errorf("asked for %+v under %+v", request.Jobs, request.Limits)
	}
}

// Both sides alike and slow: it is not the commit.
func TestASlowerMachineIsNotTheCommitsDoing(t *testing.T) {
	s := newSite(t)
	url, _ := s.start()
	d := s.doubt("machine", newJob)
	again := d.looks(func(string) float64 { return 500 })
	got := s.reported(d.first.id)
	if got.Verdict != events.VerdictInconclusive || got.Confirmation.Outcome != events.OutcomeNotConfirmed || !strings.Contains(got.Headline, "side by side") || !strings.Contains(got.Headline, "fiord accept") {
		t.Errorf("reported %s %q", got.Verdict, got.Headline)
	}
	s.shows(url+"/benches/"+again.id, "unchanged") // both sides are
	s.shows(url+"/badge/randread.svg", "inconclusive")
}

func TestASecondLookThatCannotBeHadLeavesItOpen(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(d doubting)
		says string
	}{
		"unplaced": {func(d doubting) {
			d.publish(events.New("fiord/inventory", "unplaced", &d.second, events.BenchUnplaced{
				Bench: events.BenchID(d.second), Name: "randread", Confirms: d.first.id, Problems: []events.Problem{{Rule: "absent", Message: "node-a: gone since it measured"}},
			}))
		}, "it could not be measured again: node-a: gone since it measured"},
		"cancelled": {func(d doubting) {
			d.publish(events.New("fiord/test", "stop", nil, events.CancelRequested{Bench: events.BenchID(d.second), Reason: "no time", By: "ada"}))
		}, "the confirming bench was cancelled by ada: no time"},
		"failed": {func(d doubting) {
			b := d.placed(d.second, d.second.Data.(events.BenchRequested).Only)
			d.publish(b.placed)
			for i := range b.runs {
				d.publish(b.failed(i))
			}
		}, "None of 1 run completed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.start()
			d := s.doubt("impossible", oldJob)
			c.end(d)
			got := s.reported(d.first.id)
			if got.Verdict != events.VerdictInconclusive || got.Confirmation == nil || got.Confirmation.Outcome != events.OutcomeImpossible || !strings.Contains(got.Headline, c.says) || got.Shift != nil {
				t.Errorf("reported %s %+v %q", got.Verdict, got.Confirmation, got.Headline)
			}
		})
	}
}

// Whoever stops the first bench wants no second look either, be it asked for,
// placed or running.
func TestCancellingTheFirstStopsTheSecondLook(t *testing.T) {
	for name, placed := range map[string]bool{"queued": false, "placed": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.start()
			d := s.doubt("stopped", newJob)
			if placed {
				s.publish(d.placed(d.second, d.second.Data.(events.BenchRequested).Only).placed)
			}
			s.publish(events.New("fiord/ingest", "newer", nil, events.CancelRequested{
				Bench: d.first.id, Reason: "a newer push", By: "fiord/ingest", SupersededBy: events.HashID("push"), QueuedOnly: true,
			}))
			id := events.BenchID(d.second)
			var ends []string
			s.eventually("the end of both, or the command to the second", func() bool {
				select {
				case e := <-s.seen:
					switch data := e.Data.(type) {
					case events.BenchCancelled:
						ends = append(ends, data.Bench)
					case events.CancelRequested:
						if data.Bench == id && (!data.QueuedOnly || data.SupersededBy == "" || !strings.Contains(data.Reason, "a newer push")) {
							t.Errorf("passed on as %+v", data)
						}
						if data.Bench == id && placed {
							ends = append(ends, id) // its worker's to end
						}
					}
				default:
				}
				return slices.Contains(ends, id) && slices.Contains(ends, d.first.id)
			})
		})
	}
}

// Two replicas, redelivered events and a replay of the whole stream ask for one
// second look, and come to one end.
func TestOneSecondLookWhateverIsTwice(t *testing.T) {
	s := newSite(t)
	s.start()
	s.start()
	d := s.doubt("twice", newJob)
	replay := func(reaction string) {
		t.Helper()
		stream, err := s.bus.JetStream().Stream(t.Context(), bus.StreamEvents)
		if err != nil {
			t.Fatal(err)
		}
		info, err := stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.bus.Replay(t.Context(), reaction, 1, info.State.LastSeq); err != nil {
			t.Fatal(err)
		}
		s.settled()
	}
	replay("plot-tally")
	d.looks(func(job string) float64 {
		return map[string]float64{"before/r.fio": 1000, "after/r.fio": 500}[job]
	})
	first := s.reported(d.first.id)
	replay("plot-tally")
	replay("plot-confirm")
	if n := len(s.requests(d.first.id)); n != 1 {
		t.Errorf("%d requests for a second look", n)
	}
	if again, over, err := s.bus.Ended(t.Context(), events.BenchEndFilter(d.first.id)); err != nil || !over || !cmp.Equal(again.Data, events.Data(first)) {
		t.Errorf("the end is %+v, %v", again, err)
	}
}

// settled waits until no reaction of plot has anything to do.
func (s *site) settled() {
	s.t.Helper()
	stream, err := s.bus.JetStream().Stream(s.t.Context(), bus.StreamEvents)
	if err != nil {
		s.t.Fatal(err)
	}
	quiet := 0
	s.eventually("rest", func() bool {
		open := uint64(0)
		for c := range stream.ListConsumers(s.t.Context()).Info() {
			if c.Config.Durable != "" {
				open += c.NumPending + uint64(c.NumAckPending)
			}
		}
		if quiet++; open > 0 {
			quiet = 0
		}
		return quiet > 3
	})
}

// A replica that dies between two steps is taken over from by one that starts
// later, and nothing is measured a second time.
func TestASecondLookSurvivesTheReplicaThatAskedForIt(t *testing.T) {
	s := newSite(t)
	_, stop := s.start()
	d := s.doubt("dies", newJob)
	stop()
	d.looks(func(job string) float64 {
		return map[string]float64{"before/r.fio": 1000, "after/r.fio": 500}[job]
	})
	_, stop = s.start()
	s.eventually("the verdict of the first", func() bool {
		_, err := s.store.Stat(t.Context(), artifacts.ReportKey(d.first.id, "verdict.json"))
		return err == nil
	})
	stop() // perhaps before the end is told
	s.start()
	if got := s.reported(d.first.id); got.Verdict != events.VerdictRegressed {
		t.Errorf("reported %s", got.Verdict)
	}
	time.Sleep(100 * time.Millisecond)
	if n := len(s.requests(d.first.id)); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// What regressed most is measured again when too much did.
func TestAnAvalancheIsConfirmedByItsWorst(t *testing.T) {
	s := newSite(t)
	s.start()
	const points = 60
	var samples []events.Sample
	for i := range 5 * points {
		samples = append(samples, events.Sample{Job: "r.fio", Point: events.Point{"bs": fmt.Sprint(i%points + 1)}})
	}
	bench := func(key string, rate func(i int) float64) bench {
		b := s.placed(asked(key, confirming(oldJob)), samples)
		s.ends(b, rate)
		return b
	}
	before := bench("before", func(i int) float64 { return 1000 + float64(i/points) })
	s.remembered(before, s.reported(before.id))
	first := bench("first", func(i int) float64 { return 500 + float64(i%points) + float64(i/points) })
	request := s.asksAgain(first.id).Data.(events.BenchRequested)
	if len(request.Only) != 50 || request.Only[0].Point["bs"] != "1" || request.Only[49].Point["bs"] != "50" {
		t.Errorf("%d samples, %v to %v", len(request.Only), request.Only[0], request.Only[len(request.Only)-1])
	}
}

// A bench that says nothing of confirmation is confirmed: in turn with the baseline's
// job file where that is another, and by itself where it is the same.
func TestRegressionsAreConfirmedUnasked(t *testing.T) {
	unasked := func(r *events.BenchRequested) { r.Compare.Confirm = nil }
	for job, sides := range map[string]int{newJob: 2, oldJob: 1} {
		s := newSite(t)
		s.start()
		d := s.doubt("job", job, unasked)
		if jobs := d.second.Data.(events.BenchRequested).Jobs; len(jobs) != sides {
			t.Errorf("%d job files are measured, want %d", len(jobs), sides)
		}
		d.looks(func(job string) float64 { return map[string]float64{"before/r.fio": 980, "after/r.fio": 520}[job] })
		got := s.reported(d.first.id)
		if got.Confirmation == nil || got.Verdict != events.VerdictRegressed {
			t.Errorf("reported %s, confirmation %+v", got.Verdict, got.Confirmation)
		}
		const machine = "The machine, not the job, which is the baseline's own: nothing that fiord knows of its environment differs."
		if said := strings.Contains(got.Headline, machine); said != (job == oldJob) {
			t.Errorf("%d sides: %q", sides, got.Headline)
		}
	}
}

func TestABenchMayExcludeConfirmation(t *testing.T) {
	s := newSite(t)
	s.start()
	excluded := func(r *events.BenchRequested) { r.Compare.Confirm = new(false) }
	before := s.place("before", 15, confirming(oldJob), excluded)
	s.ends(before, func(int) float64 { return 1000 })
	s.remembered(before, s.reported(before.id))
	worse := s.place("worse", 15, confirming(oldJob), excluded)
	s.ends(worse, func(i int) float64 { return 500 + float64(i/3) })
	if got := s.reported(worse.id); got.Verdict != events.VerdictRegressed || got.Confirmation != nil {
		t.Errorf("reported %s, confirmation %+v", got.Verdict, got.Confirmation)
	}
}

// A machine that moved for good is named, with what differs of it.
func TestAMachineThatMovedIsNamedWithWhatDiffers(t *testing.T) {
	s := newSite(t)
	s.start()
	governor := "performance"
	s.leaving = func(run events.RunCompleted) []events.Artifact {
		kept := artifactstest.Put(t, s.store, artifacts.RunKey(run.Host, run.Run, run.Attempt, environment.File), "application/json", `{"cpu":{"governor":"`+governor+`"}}`)
		return []events.Artifact{{Name: environment.File, ClaimCheck: kept}}
	}
	d := doubting{site: s}
	d.before = s.place("moved-before", 15, confirming(oldJob))
	s.ends(d.before, func(i int) float64 { return 1000 + float64(i/3) })
	s.remembered(d.before, s.reported(d.before.id))
	governor = "powersave"
	d.first = s.place("moved", 15, confirming(oldJob))
	s.ends(d.first, func(i int) float64 { return 500 + float64(i/3) })
	d.second = s.asksAgain(d.first.id)
	d.looks(func(string) float64 { return 505 })
	got := s.reported(d.first.id)
	if want := "The machine, not the job, which is the baseline's own: its environment differs: node-a: cpu.governor: performance → powersave."; got.Verdict != events.VerdictRegressed || !strings.Contains(got.Headline, want) {
		t.Errorf("reported %s %q, want it to say %q", got.Verdict, got.Headline, want)
	}
}

// Where only the machine can have changed, the second look waits.
func TestTheMachineIsAskedAgainLater(t *testing.T) {
	s := newSite(t)
	const wait = 3 * time.Second
	s.start(func(c *plot.Config) { c.ConfirmAfter = wait })
	began := time.Now()
	s.doubt("later", oldJob)
	if took := time.Since(began); took < wait {
		t.Errorf("measured again after %s, want at least %s", took, wait)
	}
}
