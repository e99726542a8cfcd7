package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/services/notify/silence"
)

func TestSilencesAreAddedListedAndExpired(t *testing.T) {
	f := startUp(t, t.TempDir())
	code, out, errOut := f.command("silence", "add", "--host", "rack1-*", "--for", "2h", "--reason", "new switches", "--json")
	if code != 0 {
		t.Fatalf("add ended with %d: %s", code, errOut)
	}
	var made silence.Silence
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	if made.By == "" || made.Until.Sub(made.From) != 2*time.Hour {
		t.Errorf("made %+v", made)
	}
	if _, out, _ := f.command("silence", "ls"); !strings.Contains(out, "host=rack1-*") || !strings.Contains(out, "new switches") {
		t.Errorf("ls prints:\n%s", out)
	}
	if code, _, errOut := f.command("silence", "expire", made.ID); code != 0 {
		t.Fatalf("expire ended with %d: %s", code, errOut)
	}
	if _, out, _ := f.command("silence", "ls", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("still listed:\n%s", out)
	}
	if _, out, _ := f.command("silence", "ls", "--all"); !strings.Contains(out, "ended by "+made.By) {
		t.Errorf("no record of the end:\n%s", out)
	}
	for want, args := range map[string][]string{
		"names a target":  {"add", "--for", "1h", "--reason", "r"},
		"says why":        {"add", "--target", "*", "--for", "1h"},
		"how long":        {"add", "--target", "*", "--reason", "r"},
		"at most 720h":    {"add", "--target", "*", "--reason", "r", "--for", "1000h"},
		"no such silence": {"expire", "nothing"},
	} {
		code, _, errOut := f.command(append([]string{"silence"}, args...)...)
		if code != 2 || !strings.Contains(errOut, want) {
			t.Errorf("%v ended with %d: %s", args, code, errOut)
		}
	}
}

func TestApprovalOfAPushIsPublished(t *testing.T) {
	f := startUp(t, t.TempDir())
	code, out, errOut := f.command("approve", "su3wwo7ghmjvulbwd27vq5jyxq")
	if code != 0 || !strings.Contains(out, "approved: su3wwo7ghmjvulbwd27vq5jyxq") {
		t.Errorf("ended with %d: %s%s", code, out, errOut)
	}
	if code, _, errOut := f.command("approve", "42"); code != 2 || !strings.Contains(errOut, "push") {
		t.Errorf("a number was taken for a push: %d, %s", code, errOut)
	}
}

func TestEndsOfSilencesReadAsPeopleSayThem(t *testing.T) {
	here := time.FixedZone("here", 3600)
	now := time.Date(2026, 3, 14, 15, 0, 0, 0, here)
	for until, want := range map[string]time.Time{
		"2026-03-20":           time.Date(2026, 3, 20, 0, 0, 0, 0, here),
		"2026-03-20 18:30":     time.Date(2026, 3, 20, 18, 30, 0, 0, here),
		"18:00":                time.Date(2026, 3, 14, 18, 0, 0, 0, here),
		"06:00":                time.Date(2026, 3, 15, 6, 0, 0, 0, here),
		"2026-03-20T18:30:00Z": time.Date(2026, 3, 20, 18, 30, 0, 0, time.UTC),
	} {
		if got, err := ending(now, 0, until); err != nil || !got.Equal(want) {
			t.Errorf("until %s: %v, %v", until, got, err)
		}
	}
	for _, until := range []string{"tomorrow", "25:00", "20.3.2026"} {
		if at, err := ending(now, 0, until); err == nil {
			t.Errorf("until %s: %v", until, at)
		}
	}
	if _, err := ending(now, time.Hour, "18:00"); err == nil {
		t.Error("both ways at once were taken")
	}
}
