package notify

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fiord-bench/fiord/internal/service/config"
)

func TestBreakerOpensProbesAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b breaker
		for i := range breakAfter {
			if ok, _ := b.allow(); !ok {
				t.Fatalf("closed to try %d", i)
			}
			b.report(true)
		}
		if ok, wait := b.allow(); ok || wait != breakFor {
			t.Errorf("after %d failures: allowed %v, wait %v", breakAfter, ok, wait)
		}
		time.Sleep(breakFor)
		if ok, _ := b.allow(); !ok {
			t.Error("no probe after the pause")
		}
		if ok, _ := b.allow(); ok {
			t.Error("two probes at once")
		}
		b.report(true)
		if ok, wait := b.allow(); ok || wait != breakFor {
			t.Errorf("after a failed probe: allowed %v, wait %v", ok, wait)
		}
		time.Sleep(breakFor)
		if ok, _ := b.allow(); !ok {
			t.Error("no second probe")
		}
		b.report(false)
		for range 3 {
			if ok, _ := b.allow(); !ok || b.open() {
				t.Error("still open after a good probe")
			}
		}
	})
}

func TestBreakerCountsOnlyFailuresInARow(t *testing.T) {
	var b breaker
	for range 3 * breakAfter {
		b.report(true)
		b.report(false)
	}
	if b.open() {
		t.Error("opened")
	}
}

func TestConfigurationNamesTargetAndRemedy(t *testing.T) {
	token := config.NewSecret("t")
	for _, c := range []struct {
		name   string
		target Target
		want   string
	}{
		{"no kind", Target{}, "want one of [alertmanager bitbucket bitbucket-dc discord gitea github gitlab google log mail matrix mattermost ntfy pagerduty slack teams webhook]"},
		{"bad name", Target{Name: "A b", Kind: "log"}, "lower-case letters"},
		{"no address", Target{Kind: "webhook"}, "exactly one must be set"},
		{"two addresses", Target{Kind: "webhook", URL: "http://a", Webhook: config.NewSecret("http://b")}, "exactly one must be set"},
		{"no http", Target{Kind: "webhook", URL: "ftp://host"}, "want http:// or https://"},
		{"secret no http", Target{Kind: "slack", Webhook: config.NewSecret("hush")}, "no http(s) URL"},
		{"missing token", Target{Kind: "github"}, "token is missing: kind github needs it"},
		{"useless setting", Target{Kind: "log", URL: "http://a"}, "url is of no use to kind log"},
		{"unknown type", Target{Kind: "log", On: []string{"bench.done"}}, `"bench.done" is nothing to tell of`},
		{"unknown verdict", Target{Kind: "log", Verdicts: []string{"bad"}}, `"bad" is none of`},
		{"bad pattern", Target{Kind: "log", Repos: []string{"[a"}}, "syntax error in pattern"},
		{"bad template", Target{Kind: "webhook", URL: "http://a", Template: "{{.Titel}}"}, "Titel"},
		{"template without JSON", Target{Kind: "webhook", URL: "http://a", Template: "{\"a\": {{.Title}}}"}, "makes no JSON"},
		{"mail", Target{Kind: "mail", Server: "host", From: "x", To: []string{"y"}}, "want host:port"},
		{"slow", Target{Kind: "log", Timeout: time.Hour}, "at most 2m"},
		{"unknown label", Target{Kind: "slack", GroupBy: []string{"colour"}}, `"colour" is none of type, repo`},
		{"long wait", Target{Kind: "slack", GroupWait: 2 * time.Hour}, "group_wait is 2h0m0s: want at most 1h"},
		{"negative repeat", Target{Kind: "slack", RepeatInterval: -1}, "must not be negative"},
		{"grouping of machines", Target{Kind: "webhook", URL: "http://a", GroupWait: time.Second}, "group_wait is of no use to kind webhook"},
		{"comment in a chat", Target{Kind: "slack", Comment: true}, "comment is of no use to kind slack"},
		{"topic", Target{Kind: "ntfy", Webhook: config.NewSecret("https://ntfy.sh/")}, "has no topic"},
		{"gitea without place", Target{Kind: "gitea", Token: token}, "url is missing"},
	} {
		if c.target.Name == "" {
			c.target.Name = "x"
		}
		err := Config{Targets: []Target{c.target}}.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.target.Name) {
			t.Errorf("%s: error is %v, want %q", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: secret in the error: %v", c.name, err)
		}
	}
	twice := Config{Targets: []Target{{Name: "x", Kind: "log"}, {Name: "x", Kind: "log"}}, PageURL: "nonsense"}
	if err := twice.Validate(); err == nil || !strings.Contains(err.Error(), "taken") || !strings.Contains(err.Error(), "page_url") {
		t.Errorf("error is %v", err)
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
}

func TestHostsOfCloneURLs(t *testing.T) {
	for clone, want := range map[string]string{
		"https://GitHub.com/acme/x.git":        "github.com",
		"https://user@git.example.com:8443/x":  "git.example.com",
		"ssh://git@git.example.com:2222/x.git": "git.example.com",
		"git@github.com:acme/x.git":            "github.com",
		"github.com:acme/x.git":                "github.com",
		"/srv/git/x.git":                       "",
		"../x:y":                               "",
		"":                                     "",
	} {
		if got := hostOf(clone); got != want {
			t.Errorf("%q: host %q, want %q", clone, got, want)
		}
	}
}

func TestHostOfAnAPIIsFoundFromItsAddress(t *testing.T) {
	for _, c := range []struct{ kind, url, want string }{
		{"github", "", "github.com"}, {"github", "https://api.github.com", "github.com"},
		{"github", "https://ghe.example.com/api/v3", "ghe.example.com"},
		{"gitlab", "", "gitlab.com"}, {"gitlab", "https://gitlab.example.com", "gitlab.example.com"},
		{"gitea", "https://git.example.com:3000/", "git.example.com"},
		{"bitbucket", "", "bitbucket.org"}, {"bitbucket-dc", "https://bb.example.com/ctx", "bb.example.com"},
	} {
		if got := kinds[c.kind].host(Target{URL: c.url}); got != c.want {
			t.Errorf("%s at %q: host %q, want %q", c.kind, c.url, got, c.want)
		}
	}
}

func FuzzHostOf(f *testing.F) {
	for _, seed := range []string{"https://github.com/a/b", "git@github.com:a/b", "https://github.com@evil.net/a", "https://evil.net\\@github.com/", "ssh://[::1]:22/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, clone string) {
		// What counts as github.com must be what an HTTP client would dial.
		if hostOf(clone) != "github.com" || !strings.HasPrefix(clone, "http") {
			return
		}
		rest := clone[strings.Index(clone, "//")+2:]
		authority := rest
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			authority = rest[:i]
		}
		host := authority[strings.LastIndex(authority, "@")+1:]
		if !strings.HasPrefix(strings.ToLower(host), "github.com") {
			t.Errorf("%q passes for github.com", clone)
		}
	})
}
