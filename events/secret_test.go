package events_test

import (
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

func TestPasswordsAreTakenOffAddresses(t *testing.T) {
	for given, want := range map[string]string{
		"https://git.example/lab/jobs.git":             "https://git.example/lab/jobs.git",
		"https://ada:hunter2@git.example/lab/jobs.git": "https://git.example/lab/jobs.git",
		"https://hunter2@git.example/lab":              "https://git.example/lab",
		"https://ada:p@hunter2@git.example/lab":        "https://git.example/lab",
		"https://ada:%zzhunter2@git.example/lab":       "https://git.example/lab",
		"HTTPS://ada:hunter2@git.example":              "HTTPS://git.example",
		"ssh://git@git.example/lab":                    "ssh://git@git.example/lab",
		"ssh://git:hunter2@git.example:22/lab":         "ssh://git@git.example:22/lab",
		"git+ssh://git:hunter2@git.example/lab":        "git+ssh://git@git.example/lab",
		"git@git.example:lab/jobs.git":                 "git@git.example:lab/jobs.git",
		"/srv/git/a@b":                                 "/srv/git/a@b",
		"https://git.example/a@b":                      "https://git.example/a@b",
	} {
		if got := events.WithoutSecret(given); got != want {
			t.Errorf("%s became %s, want %s", given, got, want)
		}
		if got := events.CarriesSecret(given); got != (given != want) {
			t.Errorf("%s carries a secret: %v", given, got)
		}
	}
}

// Every event with an address refuses a password in it, and does not repeat it.
func TestEventsWithPasswordsAreRefused(t *testing.T) {
	const address = "https://ada:hunter2@git.example/lab/jobs"
	repo := events.Repo{Forge: "git", Name: "lab/jobs", CloneURL: address}
	sound := events.Repo{Forge: "git", Name: "lab/jobs", CloneURL: "https://git.example/lab/jobs"}
	web := sound
	web.WebURL = address
	sha := strings.Repeat("a", 40)
	bench := events.BenchRequested{Name: "a", Jobs: []events.Job{{Name: "a.fio", Inline: "[a]"}}}
	withOrigin, withURL, withName, broken := bench, bench, bench, bench
	withOrigin.Origin = &events.Origin{Repo: repo, Ref: "refs/heads/main", Commit: sha}
	withURL.Jobs = []events.Job{{Name: "a.fio", URL: address}}
	withName.Jobs = []events.Job{{Name: address, Inline: "[a]"}}
	broken.Jobs = []events.Job{{Name: "a.fio", URL: "https://ada:hunter2%zz@git.example"}}
	for name, data := range map[string]events.Data{
		"push":   events.PushReceived{Push: events.Push{Push: events.HashID("p"), Repo: repo, Ref: "refs/heads/main", Before: sha, After: sha}},
		"page":   events.PushReceived{Push: events.Push{Push: events.HashID("p"), Repo: web, Ref: "refs/heads/main", Before: sha, After: sha}},
		"pull":   events.PullReceived{Repo: sound, Pull: events.Pull{Number: 1, Base: "main", Head: "x", HeadRepo: "a/b", HeadURL: address}},
		"origin": withOrigin, "job": withURL, "name": withName, "broken": broken,
	} {
		err := data.Validate()
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestAddressesThatMayBePublished(t *testing.T) {
	for given, want := range map[string]string{
		"https://git.example/lab/jobs.git":           "https://git.example/lab/jobs.git",
		"https://ada:hunter2@git.example:8443/x":     "https://git.example:8443/x",
		"ssh://git@git.example:2222/lab/jobs.git":    "ssh://git@git.example:2222/lab/jobs.git",
		"git@git.example:lab/jobs.git":               "git@git.example:lab/jobs.git",
		"/srv/git/jobs.git":                          "/srv/git/jobs.git",
		"file:///srv/git/jobs.git":                   "file:///srv/git/jobs.git",
		"https://git.example/x.git?access_token=s3":  "https://git.example/x.git",
		"https://git.example/x.git#s3cret":           "https://git.example/x.git",
		"https://ada:hunter2/s3@git.example/x.git":   "",
		"https:ada:hunter2@git.example/x":            "",
		"ada:hunter2@git.example:x.git":              "",
		"//ada:hunter2@git.example/x":                "",
		"https:///ada:hunter2@git.example/x":         "",
		"https://git.example/ada:hunter2@elsewhere/": "",
		"": "",
	} {
		if got := events.CloneAddress(given); got != want {
			t.Errorf("%s became %q, want %q", given, got, want)
		}
	}
}
