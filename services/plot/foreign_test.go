package plot_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
)

// A host once named, as what its run left, what lay anywhere in the store.
func TestARunIsNotDrawnOfWhatAnotherHostStored(t *testing.T) {
	s := newSite(t)
	s.start()
	b := s.place("foreign", 3)
	s.publish(b.request, b.placed)
	data := s.measure(b.runs[0])
	claim := data.Artifacts[0].ClaimCheck
	text := artifactstest.Read(t, s.store, claim)
	for i, key := range []string{
		artifacts.RunKey("another", b.runs[0].Run, 1, "result.json"),
		artifacts.RunKey(b.runs[1].Host, b.runs[0].Run, 1, "other.json"),
	} {
		end := data
		end.RunRef, end.Logs = b.runs[i], nil
		if i == 1 {
			end.RunRef = b.runs[1] // its host, and another run
		}
		end.Artifacts = []events.Artifact{{Name: "result.json", ClaimCheck: artifactstest.Put(t, s.store, key, claim.MediaType, text)}}
		s.publish(events.New("fiord/bench", end.Run, &b.request, end))
		plots := await[events.PlotsRendered](s)
		if len(plots.Figures) != 0 || len(plots.Flags) != 1 || !strings.Contains(plots.Flags[0], key+", which is not its own") {
			t.Errorf("%s: %+v", key, plots)
		}
	}
	// What versions before hosts had prefixes of their own have stored is still drawn.
	end := s.again(data, b.runs[2])
	end.Artifacts[0].ClaimCheck = artifactstest.Put(t, s.store, "runs/"+end.Run+"/1/result.json", claim.MediaType, text)
	s.publish(events.New("fiord/bench", end.Run, &b.request, end))
	if plots := await[events.PlotsRendered](s); len(plots.Figures) == 0 {
		t.Errorf("the former layout: %+v", plots)
	}
}

// What is changed in the store after a run has ended is noticed by its hash: neither
// drawn nor served, and what was put there later is no part of the run.
func TestWhatChangedAfterARunsEndIsReportedAndNotShown(t *testing.T) {
	s := newSite(t)
	url, _ := s.start()
	b := s.place("changed", 2)
	s.publish(b.request, b.placed)
	data := s.measure(b.runs[0])
	result, logs := data.Artifacts[0].Key, data.Logs.Key
	late := artifactstest.Put(t, s.store, artifacts.RunKey(data.Host, data.Run, 1, "late.json"), "application/json", "{}")
	s.publish(events.New("fiord/bench", data.Run, &b.request, data))
	if plots := await[events.PlotsRendered](s); len(plots.Figures) == 0 {
		t.Fatalf("%+v", plots)
	}
	get := func(path string, want int, says string) {
		t.Helper()
		if body := string(s.fetch(url+path, want)); !strings.Contains(body, says) {
			t.Errorf("%s says %q, want %q", path, body, says)
		}
	}
	get("/artifacts/"+result, http.StatusOK, "")
	get("/artifacts/"+logs, http.StatusOK, "")
	get("/artifacts/"+late.Key, http.StatusNotFound, "unknown")
	get("/artifacts/"+artifacts.RunKey("another", data.Run, 1, "result.json"), http.StatusNotFound, "unknown")

	s.tamper(result)
	get("/artifacts/"+result, http.StatusBadGateway, "has changed in the store")
	get("/runs/"+data.Run+"/figures/iops.svg?from=0&to=1", http.StatusBadGateway, "has changed in the store")

	second := s.again(s.measure(b.runs[1]), b.runs[1])
	s.tamper(second.Artifacts[0].Key)
	s.publish(events.New("fiord/bench", second.Run, &b.request, second))
	plots := await[events.PlotsRendered](s)
	if len(plots.Figures) != 0 || len(plots.Flags) != 1 || !strings.Contains(plots.Flags[0], "artifact corrupt") {
		t.Errorf("drawn of what has changed: %+v", plots)
	}
}

// tamper changes a byte of an object where it lies, as whoever has the disk can.
func (s *site) tamper(key string) {
	s.t.Helper()
	file := filepath.Join(s.objects, artifactstest.Bucket, filepath.FromSlash(key))
	text, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(file, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
}
