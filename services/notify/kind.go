package notify

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/events"
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
	// people are told of a shift once, and of what comes together in one message.
	people bool
	// record marks what keeps a record: silences don't touch it.
	record bool
	// build makes the sender; the log may be nil when only checking.
	build func(Target, *slog.Logger) (sender, error)
}

// need says what a setting is to the kind.
func (k kind) need(setting string) need {
	switch setting {
	case "group_by", "group_wait", "group_interval", "repeat_interval":
		if k.people {
			return optional
		}
	case "comment", "undecided":
		if k.isForge() {
			return optional
		}
	}
	return k.settings[setting]
}

// isForge tells kinds that write commit statuses.
func (k kind) isForge() bool { return len(k.forges) > 0 }

// Kinds lists the kinds of targets.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// statusTypes are the events that say something about a commit. Of push.ignored
// only held pull requests are told: a status on every commit of a repository
// that measures nothing would only be noise.
var statusTypes = []events.Type{
	events.TypePushIgnored, events.TypePushRejected, events.TypePushApproved, events.TypeBenchRequested,
	events.TypeBenchReported, events.TypeBenchUnplaced, events.TypeBenchCancelled,
}

// machineTypes are all but what people asked for.
var machineTypes = slices.DeleteFunc(notice.Types(), func(t events.Type) bool {
	return t == events.TypeBenchRequested || t == events.TypePushApproved
})

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
