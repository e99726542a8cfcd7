package notify

import (
	"cmp"
	"log/slog"
	"maps"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify/alert"
	"github.com/fiord-bench/fiord/services/notify/bitbucket"
	"github.com/fiord-bench/fiord/services/notify/chat"
	"github.com/fiord-bench/fiord/services/notify/gitea"
	"github.com/fiord-bench/fiord/services/notify/github"
	"github.com/fiord-bench/fiord/services/notify/gitlab"
	"github.com/fiord-bench/fiord/services/notify/mail"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// kinds are all ways of telling, by the name that a target's kind has.
var kinds = map[string]kind{
	"log": {
		on: machineTypes, record: true,
		build: func(_ Target, log *slog.Logger) (sender, error) { return logSender{log}, nil },
	},
	"webhook": {
		on:       machineTypes,
		settings: map[string]need{"url": optional, "webhook": optional, "secret": optional, "headers": optional, "template": optional},
		build:    buildWebhook,
	},
	"github": forgeKind(forge{
		forges: []string{"github"}, api: "api.github.com", repos: "github.com", address: "https://api.github.com",
		build: func(t Target, c *post.Client) sender { return github.New(t.URL, t.Token.Reveal(), c) },
	}),
	"gitea": forgeKind(forge{
		forges: []string{"gitea", "forgejo"},
		build:  func(t Target, c *post.Client) sender { return gitea.New(t.URL, t.Token.Reveal(), c) },
	}),
	"gitlab": forgeKind(forge{
		forges: []string{"gitlab"}, api: "gitlab.com", repos: "gitlab.com", address: "https://gitlab.com",
		build: func(t Target, c *post.Client) sender { return gitlab.New(t.URL, t.Token.Reveal(), c) },
	}),
	"bitbucket": forgeKind(forge{
		forges: []string{"bitbucket"}, api: "api.bitbucket.org", repos: "bitbucket.org", address: "https://api.bitbucket.org",
		build: func(t Target, c *post.Client) sender { return bitbucket.NewCloud(t.URL, t.User, t.Token.Reveal(), c) },
		extra: map[string]need{"user": optional},
	}),
	"bitbucket-dc": forgeKind(forge{
		forges: []string{"bitbucket-dc"},
		build:  func(t Target, c *post.Client) sender { return bitbucket.NewDataCenter(t.URL, t.Token.Reveal(), c) },
	}),
	"slack":      chatKind(func(url string, c *post.Client) sender { return chat.NewSlack(url, c) }),
	"mattermost": chatKind(func(url string, c *post.Client) sender { return chat.NewMattermost(url, c) }),
	"discord":    chatKind(func(url string, c *post.Client) sender { return chat.NewDiscord(url, c) }),
	"teams":      chatKind(func(url string, c *post.Client) sender { return chat.NewTeams(url, c) }),
	"google":     chatKind(func(url string, c *post.Client) sender { return chat.NewGoogle(url, c) }),
	"ntfy": {
		on: peopleTypes, verdicts: peopleVerdicts, people: true,
		settings: map[string]need{"webhook": required, "token": optional},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return chat.NewNtfy(t.Webhook.Reveal(), t.Token.Reveal(), post.New(t.Timeout))
		},
	},
	"pagerduty": {
		on: alertTypes, verdicts: alertVerdicts,
		settings: map[string]need{"token": required, "url": optional},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return alert.NewPagerDuty(cmp.Or(t.URL, "https://events.pagerduty.com/v2/enqueue"), t.Token.Reveal(), post.New(t.Timeout)), nil
		},
	},
	"alertmanager": {
		on: alertTypes, verdicts: alertVerdicts,
		settings: map[string]need{"url": required, "token": optional, "user": optional, "password": optional},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return alert.NewAlertmanager(t.URL, t.User, t.Password.Reveal(), t.Token.Reveal(), post.New(t.Timeout)), nil
		},
	},
	"matrix": {
		on: peopleTypes, verdicts: peopleVerdicts, people: true,
		settings: map[string]need{"url": required, "room": required, "token": required},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return chat.NewMatrix(t.URL, t.Room, t.Token.Reveal(), post.New(t.Timeout)), nil
		},
	},
	"mail": {
		on: peopleTypes, verdicts: peopleVerdicts, people: true,
		settings: map[string]need{
			"server": required, "from": required, "to": required,
			"encryption": optional, "user": optional, "password": optional,
		},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return mail.New(mail.Config{
				Server: t.Server, Encryption: mail.Encryption(cmp.Or(t.Encryption, string(mail.StartTLS))),
				User: t.User, Password: t.Password.Reveal(), From: t.From, To: t.To, Timeout: t.Timeout,
			})
		},
	},
}

// forge is what tells one kind of forge from the others.
type forge struct {
	forges []string
	// api and repos are the hosts of the API and of clone URLs where those
	// differ; address is the API's where the forge has a home.
	api, repos, address string
	build               func(Target, *post.Client) sender
	extra               map[string]need
}

func forgeKind(f forge) kind {
	settings := map[string]need{"url": required, "token": required, "hosts": optional}
	if f.address != "" {
		settings["url"] = optional
	}
	maps.Copy(settings, f.extra)
	return kind{
		on: statusTypes, forges: f.forges, host: apiHost(f.api, f.repos), settings: settings,
		build: func(t Target, _ *slog.Logger) (sender, error) {
			t.URL = cmp.Or(t.URL, f.address)
			return f.build(t, post.New(t.Timeout)), nil
		},
	}
}

// chatKind is a chat that is told by posting to an address that is its secret.
func chatKind(build func(webhook string, c *post.Client) sender) kind {
	return kind{
		on: peopleTypes, verdicts: peopleVerdicts, people: true,
		settings: map[string]need{"webhook": required},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return build(t.Webhook.Reveal(), post.New(t.Timeout)), nil
		},
	}
}

// peopleTypes are what people want to be disturbed by. Runs are left out: a
// bench has hundreds, and its own end says what became of them.
var peopleTypes = []events.Type{
	events.TypePushRejected, events.TypeBenchReported, events.TypeBenchUnplaced, events.TypeHostLost,
}

// peopleVerdicts leaves out the news that nothing happened.
var peopleVerdicts = []events.Verdict{
	events.VerdictImproved, events.VerdictRegressed, events.VerdictInconclusive, events.VerdictInvalid, events.VerdictFailed,
}

// alertTypes are what somebody is woken for, alertVerdicts what a report must say
// for that; the end of a regression is always told.
var (
	alertTypes    = []events.Type{events.TypeBenchReported, events.TypeHostLost}
	alertVerdicts = []events.Verdict{events.VerdictRegressed}
)
