package silence_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/services/notify/silence"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func made(t *testing.T, s silence.Silence) silence.Silence {
	t.Helper()
	if s.Until.IsZero() {
		s.Until = noon.Add(2 * time.Hour)
	}
	s.By, s.Reason = "kim", "disk swap"
	s, err := silence.New(s, noon)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSilencesMatchWhatTheyName(t *testing.T) {
	about := silence.About{Target: "team", Repo: "acme/storage", Bench: "randread", Hosts: []string{"rack1-a", "rack1-b"}}
	for _, c := range []struct {
		s    silence.Silence
		want bool
	}{
		{silence.Silence{Target: "*"}, true},
		{silence.Silence{Target: "team", Bench: "rand*"}, true},
		{silence.Silence{Target: "other", Bench: "rand*"}, false},
		{silence.Silence{Repo: "acme/*"}, true},
		{silence.Silence{Repo: "*"}, true},
		{silence.Silence{Repo: "acme"}, false},
		{silence.Silence{Host: "rack1-*"}, true},
		{silence.Silence{Host: "rack1-a"}, false}, // the other host saw it too
		{silence.Silence{Host: "rack2-*"}, false},
	} {
		if got := made(t, c.s).Matches(about); got != c.want {
			t.Errorf("%s matches: %v", c.s, got)
		}
	}
	if made(t, silence.Silence{Host: "*"}).Matches(silence.About{Target: "team"}) {
		t.Error("a silence of hosts matches what concerns none")
	}
}

func TestSilencesEndAndSayWhoAndWhy(t *testing.T) {
	good := silence.Silence{Target: "x", Until: noon.Add(time.Hour), By: "kim", Reason: "r"}
	for want, change := range map[string]func(*silence.Silence){
		"names a target": func(s *silence.Silence) { s.Target = "" },
		"no pattern":     func(s *silence.Silence) { s.Repo = "[a" },
		"ends after":     func(s *silence.Silence) { s.Until = noon },
		"at most":        func(s *silence.Silence) { s.Until = noon.Add(silence.MaxLength + 1) },
		"who wants it":   func(s *silence.Silence) { s.By = " " },
		"says why":       func(s *silence.Silence) { s.Reason = "" },
	} {
		s := good
		change(&s)
		if _, err := silence.New(s, noon); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	s, err := silence.New(good, noon)
	if err != nil || !s.Active(noon) || s.Active(noon.Add(-1)) || s.Active(s.Until) {
		t.Errorf("%+v, %v", s, err)
	}
}

func open(t *testing.T) *silence.Store {
	t.Helper()
	b := bustest.NewServer(t).Bus("fiord/test")
	s, err := silence.Open(t.Context(), b.JetStream(), bus.BucketSilences)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestViewFollowsWhatPeopleAddAndExpire(t *testing.T) {
	s := open(t)
	before := made(t, silence.Silence{Target: "before"})
	if err := s.Add(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	v, err := s.Watch(t.Context(), func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	if found, ok := v.For(silence.About{Target: "before"}, noon); !ok || found.ID != before.ID {
		t.Errorf("what was there is not in the view: %+v", found)
	}
	after, longer := made(t, silence.Silence{Target: "after"}), made(t, silence.Silence{Target: "aft*", Until: noon.Add(5 * time.Hour)})
	for _, one := range []silence.Silence{after, longer} {
		if err := s.Add(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() bool { f, ok := v.For(silence.About{Target: "after"}, noon); return ok && f.ID == longer.ID })
	ended, err := s.Expire(t.Context(), longer.ID, "lee", noon.Add(time.Hour))
	if err != nil || ended.ExpiredBy != "lee" || ended.Reason != "disk swap" {
		t.Errorf("%+v, %v", ended, err)
	}
	eventually(t, func() bool { _, ok := v.For(silence.About{Target: "after"}, noon.Add(2*time.Hour)); return !ok })
	list, err := s.List(t.Context())
	if err != nil || len(list) != 3 {
		t.Errorf("%d silences, %v: one that is over stays on record", len(list), err)
	}
}

func TestExpiringWhatIsNotThereSaysSo(t *testing.T) {
	s := open(t)
	for _, id := range []string{"nothing", "no key?"} {
		if _, err := s.Expire(t.Context(), id, "lee", noon); !errors.Is(err, silence.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	over := made(t, silence.Silence{Target: "x"})
	if err := s.Add(t.Context(), over); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Expire(t.Context(), over.ID, "lee", over.Until); err != nil || got.ExpiredBy != "" {
		t.Errorf("a silence that is over was ended again: %+v, %v", got, err)
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok() {
		if ctx.Err() != nil {
			t.Fatal("did not happen")
		}
		time.Sleep(2 * time.Millisecond)
	}
}
