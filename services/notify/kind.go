package notify

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify/bitbucket"
	"github.com/fiord-bench/fiord/services/notify/chat"
	"github.com/fiord-bench/fiord/services/notify/gitea"
	"github.com/fiord-bench/fiord/services/notify/github"
	"github.com/fiord-bench/fiord/services/notify/gitlab"
	"github.com/fiord-bench/fiord/services/notify/mail"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
	"github.com/fiord-bench/fiord/services/notify/webhook"
)

// sender tells one target. A [notice.SendError] says what a failure means; any
// other error is tried again a few times.
type sender interface {
	Send(ctx context.Context, n notice.Notice) error
}

// need says what a setting is to a kind; the zero value is unused.
type need int

const (
	unused need = iota
	optional
	required
)

// kind is one way of telling.
type kind struct {
	settings map[string]need
	// on and verdicts are told unless the target says otherwise; nil verdicts
	// are all.
	on       []events.Type
	verdicts []events.Verdict
	// forges are the kinds of repositories whose commits get statuses here;
	// host is where they are when the target doesn't list hosts.
	forges []string
	host   func(Target) string
	// build makes the sender; the log may be nil when only checking.
	build func(Target, *slog.Logger) (sender, error)
}

// isForge tells kinds that write commit statuses.
func (k kind) isForge() bool { return len(k.forges) > 0 }

// Kinds lists the kinds of targets.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// statusTypes are the events that say something about a commit. push.ignored
// is left out: a status on every commit of a repository that measures nothing
// would only be noise.
var statusTypes = []events.Type{
	events.TypePushRejected, events.TypeBenchRequested,
	events.TypeBenchReported, events.TypeBenchUnplaced, events.TypeBenchCancelled,
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

// machineTypes are all but the beginning of a bench.
var machineTypes = slices.DeleteFunc(notice.Types(), func(t events.Type) bool { return t == events.TypeBenchRequested })

var kinds = map[string]kind{
	"log": {
		on:    machineTypes,
		build: func(t Target, log *slog.Logger) (sender, error) { return logSender{log}, nil },
	},
	"webhook": {
		on:       machineTypes,
		settings: map[string]need{"url": optional, "webhook": optional, "secret": optional, "headers": optional, "template": optional},
		build:    buildWebhook,
	},
	"github": {
		on: statusTypes, forges: []string{"github"}, host: apiHost("api.github.com", "github.com"),
		settings: map[string]need{"url": optional, "token": required, "hosts": optional},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return github.New(cmp.Or(t.URL, "https://api.github.com"), t.Token.Reveal(), post.New(t.Timeout)), nil
		},
	},
	"gitea": {
		on: statusTypes, forges: []string{"gitea", "forgejo"}, host: apiHost("", ""),
		settings: map[string]need{"url": required, "token": required, "hosts": optional},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return gitea.New(t.URL, t.Token.Reveal(), post.New(t.Timeout)), nil
		},
	},
	"gitlab": {
		on: statusTypes, forges: []string{"gitlab"}, host: apiHost("gitlab.com", "gitlab.com"),
		settings: map[string]need{"url": optional, "token": required, "hosts": optional},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return gitlab.New(cmp.Or(t.URL, "https://gitlab.com"), t.Token.Reveal(), post.New(t.Timeout)), nil
		},
	},
	"bitbucket": {
		on: statusTypes, forges: []string{"bitbucket"}, host: apiHost("api.bitbucket.org", "bitbucket.org"),
		settings: map[string]need{"url": optional, "token": required, "user": optional, "hosts": optional},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return bitbucket.NewCloud(cmp.Or(t.URL, "https://api.bitbucket.org"), t.User, t.Token.Reveal(), post.New(t.Timeout)), nil
		},
	},
	"bitbucket-dc": {
		on: statusTypes, forges: []string{"bitbucket-dc"}, host: apiHost("", ""),
		settings: map[string]need{"url": required, "token": required, "hosts": optional},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return bitbucket.NewDataCenter(t.URL, t.Token.Reveal(), post.New(t.Timeout)), nil
		},
	},
	"slack":      chatKind(func(url string, c *post.Client) sender { return chat.NewSlack(url, c) }),
	"mattermost": chatKind(func(url string, c *post.Client) sender { return chat.NewMattermost(url, c) }),
	"discord":    chatKind(func(url string, c *post.Client) sender { return chat.NewDiscord(url, c) }),
	"matrix": {
		on: peopleTypes, verdicts: peopleVerdicts,
		settings: map[string]need{"url": required, "room": required, "token": required},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return chat.NewMatrix(t.URL, t.Room, t.Token.Reveal(), post.New(t.Timeout)), nil
		},
	},
	"mail": {
		on: peopleTypes, verdicts: peopleVerdicts,
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

func chatKind(build func(webhook string, c *post.Client) sender) kind {
	return kind{
		on: peopleTypes, verdicts: peopleVerdicts,
		settings: map[string]need{"webhook": required},
		build: func(t Target, _ *slog.Logger) (sender, error) {
			return build(t.Webhook.Reveal(), post.New(t.Timeout)), nil
		},
	}
}

func buildWebhook(t Target, _ *slog.Logger) (sender, error) {
	if (t.URL == "") == t.Webhook.IsZero() {
		return nil, errOneAddress
	}
	return webhook.New(webhook.Config{
		URL: cmp.Or(t.URL, t.Webhook.Reveal()), Secret: t.Secret.Reveal(), Headers: t.Headers, Template: t.Template,
	}, post.New(t.Timeout))
}

// logSender writes a line.
type logSender struct{ log *slog.Logger }

// Send implements sender.
func (l logSender) Send(ctx context.Context, n notice.Notice) error {
	attrs := []slog.Attr{slog.String("notice", n.ID), slog.String("level", string(n.Level))}
	if n.Text != "" {
		attrs = append(attrs, slog.String("text", n.Text))
	}
	for _, f := range n.Fields {
		attrs = append(attrs, slog.String(f.Name, f.Value))
	}
	if n.URL != "" {
		attrs = append(attrs, slog.String("url", n.URL))
	}
	l.log.LogAttrs(ctx, slog.LevelInfo, n.Title, attrs...)
	return nil
}
