package alert_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify/alert"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/posttest"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// report is one that tells the shift for the nth time, or its end.
func report(t *testing.T, n int, over bool) notice.Notice {
	t.Helper()
	text, err := os.ReadFile("../../../events/examples/bench.reported.json")
	if err != nil {
		t.Fatal(err)
	}
	e, err := events.Unmarshal(text)
	if err != nil {
		t.Fatal(err)
	}
	d := e.Data.(events.BenchReported)
	d.Shift = &events.Shift{Since: events.HashID("since"), Commit: posttest.SHA, Reports: n}
	if over {
		d.Recovered, d.Shift, d.Verdict, d.Headline, d.Comparisons = d.Shift, nil, events.VerdictUnchanged, "Unchanged: 4 comparisons within 5%.", nil
	}
	e.Data, e.Time = d, e.Time.Add(time.Duration(n)*time.Hour)
	made, _ := notice.Compose("on-call", e, "https://bench.example.com")
	return made
}

func lost() notice.Notice {
	n, _ := notice.Compose("on-call", events.Event{
		ID: "lost", Type: events.TypeHostLost, Time: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC),
		Data: events.HostLost{Host: "rack1-a", LastSeen: time.Date(2026, 3, 14, 15, 9, 0, 0, time.UTC)},
	}, "")
	return n
}

// ask sends a notice and returns what was asked.
func ask(t *testing.T, open func(url string) posttest.Sender, n notice.Notice) (path, authorization string, body []byte) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var b bytes.Buffer
		if err := json.Indent(&b, raw, "", "  "); err != nil {
			t.Errorf("body %s: %v", raw, err)
		}
		path, authorization, body = r.URL.Path, r.Header.Get("Authorization"), append(b.Bytes(), '\n')
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	if err := open(srv.URL).Send(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return path, authorization, body
}

func pagerDuty(url string) posttest.Sender {
	return alert.NewPagerDuty(url+"/v2/enqueue", "routing-key", posttest.Client())
}

func alertmanager(url string) posttest.Sender {
	return alert.NewAlertmanager(url+"/am/", "", "", "token", posttest.Client())
}

func TestAlertsOfEachSystem(t *testing.T) {
	for name, n := range map[string]notice.Notice{"regressed": report(t, 1, false), "recovered": report(t, 5, true), "lost": lost()} {
		path, _, body := ask(t, pagerDuty, n)
		if path != "/v2/enqueue" {
			t.Errorf("PagerDuty was asked at %s", path)
		}
		golden(t, filepath.Join("testdata", "pagerduty-"+name+".json"), body)
		path, authorization, body := ask(t, alertmanager, n)
		if path != "/am/api/v2/alerts" || authorization != "Bearer token" {
			t.Errorf("Alertmanager was asked at %s with %q", path, authorization)
		}
		golden(t, filepath.Join("testdata", "alertmanager-"+name+".json"), body)
	}
}

// However many reports tell of a shift, it is one alert, and the same that its
// end resolves.
func TestAShiftIsOneAlertFromItsBeginningToItsEnd(t *testing.T) {
	dedup, labels := map[string]bool{}, map[string]bool{}
	for _, n := range []notice.Notice{report(t, 1, false), report(t, 2, false), report(t, 3, true)} {
		var p struct {
			DedupKey string `json:"dedup_key"`
		}
		_, _, body := ask(t, pagerDuty, n)
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatal(err)
		}
		dedup[p.DedupKey] = true
		var a []struct{ Labels map[string]string }
		_, _, body = ask(t, alertmanager, n)
		if err := json.Unmarshal(body, &a); err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(a[0].Labels)
		labels[string(text)] = true
	}
	if len(dedup) != 1 || len(labels) != 1 {
		t.Errorf("%d keys, %d sets of labels", len(dedup), len(labels))
	}
}

func TestAlertmanagerBehindAPassword(t *testing.T) {
	_, authorization, _ := ask(t, func(url string) posttest.Sender {
		return alert.NewAlertmanager(url, "fiord", "password", "", posttest.Client())
	}, lost())
	if want := "Basic ZmlvcmQ6cGFzc3dvcmQ="; authorization != want {
		t.Errorf("authorization %q, want %q", authorization, want)
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
