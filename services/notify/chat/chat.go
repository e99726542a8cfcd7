// Package chat tells people in chats: Slack and what understands its incoming
// webhooks (Mattermost, Rocket.Chat), Discord, Microsoft Teams, Google Chat, Matrix
// rooms, and phones by ntfy.
//
// Branch names, bench names and error texts were written by strangers. Each
// format here renders them as text: no mention, no markup and no link that hides
// where it leads comes from them.
package chat

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// maxText is how much of a text a message takes, in bytes; every chat allows it.
const maxText = 1500

// colours of the levels, as 0xRRGGBB.
var colours = map[notice.Level]int{
	notice.Good: 0x2e7d32, notice.Info: 0x546e7a, notice.Warning: 0xef6c00, notice.Bad: 0xc62828,
}

// marks stand where there is no colour.
var marks = map[notice.Level]string{
	notice.Good: "✅", notice.Info: "ℹ️", notice.Warning: "⚠️", notice.Bad: "❌",
}

// Slack is an incoming webhook in Slack's format.
type Slack struct {
	webhook string
	escape  func(string) string
	client  *post.Client
}

// NewSlack prepares a webhook of Slack; its address is its secret.
func NewSlack(webhook string, client *post.Client) *Slack { return &Slack{webhook, entities, client} }

// NewMattermost prepares a webhook of Mattermost or Rocket.Chat, which take
// Slack's format and read Markdown in it.
func NewMattermost(webhook string, client *post.Client) *Slack {
	return &Slack{webhook, func(text string) string {
		return strings.ReplaceAll(markdown(text), "@", "@\u200b") // which is no name any more
	}, client}
}

type slackMessage struct {
	Text        string            `json:"text"`
	Attachments []slackAttachment `json:"attachments"`
}

type slackAttachment struct {
	Color     string       `json:"color"`
	Fallback  string       `json:"fallback"`
	Title     string       `json:"title"`
	TitleLink string       `json:"title_link,omitempty"`
	Text      string       `json:"text,omitempty"`
	Fields    []slackField `json:"fields,omitempty"`
	Footer    string       `json:"footer"`
	// MrkdwnIn is empty: nothing in the attachment is markup.
	MrkdwnIn []string `json:"mrkdwn_in"`
}

type slackField struct {
	Title string `json:"title"`
	Value string `json:"value"`
	Short bool   `json:"short"`
}

// Send posts one message.
func (s *Slack) Send(ctx context.Context, n notice.Notice) error {
	title := s.escape(n.Title)
	a := slackAttachment{
		Color: hex(colours[n.Level]), Fallback: title, Title: title, TitleLink: n.URL,
		Text: s.escape(notice.Cut(n.Text, maxText)), Footer: "fiord", MrkdwnIn: []string{},
	}
	for _, f := range n.Fields {
		a.Fields = append(a.Fields, slackField{Title: s.escape(f.Name), Value: s.escape(f.Value), Short: len(f.Value) < 30})
	}
	req, err := post.JSON(s.webhook, nil, slackMessage{Attachments: []slackAttachment{a}})
	if err != nil {
		return err
	}
	return deliver(ctx, s.client, req)
}

// entities escapes what Slack reads as control: <!channel>, <@U123>,
// <http://elsewhere|a link>. Markup is off in its attachments.
func entities(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func hex(colour int) string {
	const digits = "0123456789abcdef"
	text := []byte("#000000")
	for i := 6; i > 0; i, colour = i-1, colour>>4 {
		text[i] = digits[colour&15]
	}
	return string(text)
}

// Discord is a webhook of a Discord channel.
type Discord struct {
	webhook string
	client  *post.Client
}

// NewDiscord prepares a webhook; its address is its secret.
func NewDiscord(webhook string, client *post.Client) *Discord { return &Discord{webhook, client} }

type discordMessage struct {
	Embeds []discordEmbed `json:"embeds"`
	// AllowedMentions names nobody.
	AllowedMentions struct {
		Parse []string `json:"parse"`
	} `json:"allowed_mentions"`
}

type discordEmbed struct {
	Title       string         `json:"title"`
	URL         string         `json:"url,omitempty"`
	Description string         `json:"description,omitempty"`
	Color       int            `json:"color"`
	Fields      []discordField `json:"fields,omitempty"`
}

type discordField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline"`
}

// Send posts one message.
func (d *Discord) Send(ctx context.Context, n notice.Notice) error {
	e := discordEmbed{
		Title: markdown(n.Title), URL: n.URL, Color: colours[n.Level],
		Description: markdown(notice.Cut(n.Text, maxText)),
	}
	for _, f := range n.Fields {
		e.Fields = append(e.Fields, discordField{markdown(f.Name), markdown(f.Value), len(f.Value) < 30})
	}
	m := discordMessage{Embeds: []discordEmbed{e}}
	m.AllowedMentions.Parse = []string{}
	req, err := post.JSON(d.webhook, nil, m)
	if err != nil {
		return err
	}
	return deliver(ctx, d.client, req)
}

// markdown escapes what Discord and Mattermost read as markup.
func markdown(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\*_~`|>[]()#", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Matrix is a room at a Matrix home server.
type Matrix struct {
	server, room, token string
	client              *post.Client
}

// NewMatrix prepares a room, by its id (!abc:example.org), at the home server
// whose address is server. The token belongs to an account in that room.
func NewMatrix(server, room, token string, client *post.Client) *Matrix {
	return &Matrix{strings.TrimSuffix(server, "/"), room, token, client}
}

// Send posts one message. The notice's id is the transaction's, so that the
// server itself drops a repetition.
func (m *Matrix) Send(ctx context.Context, n notice.Notice) error {
	req, err := post.JSON(m.server+"/_matrix/client/v3/rooms/"+url.PathEscape(m.room)+"/send/m.room.message/"+url.PathEscape(n.ID),
		post.Bearer("Bearer", m.token),
		map[string]any{
			// A notice, which other bots don't answer; without formatted_body it
			// is plain text. No one is mentioned.
			"msgtype": "m.notice", "body": plain(n), "m.mentions": map[string]any{},
		})
	if err != nil {
		return err
	}
	req.Method = http.MethodPut
	return deliver(ctx, m.client, req)
}

// plain is the whole notice as text.
func plain(n notice.Notice) string {
	text := marks[n.Level] + " " + n.Title
	if more := details(n); more != "" {
		text += "\n" + more
	}
	if n.URL != "" {
		text += "\n" + n.URL
	}
	return text
}

// details are the text and the facts, in lines.
func details(n notice.Notice) string {
	var lines []string
	if n.Text != "" {
		lines = append(lines, notice.Cut(n.Text, maxText))
	}
	for _, f := range n.Fields {
		lines = append(lines, f.Name+": "+f.Value)
	}
	return strings.Join(lines, "\n")
}

// paragraphs makes lines stand apart in Markdown.
func paragraphs(text string) string { return strings.ReplaceAll(text, "\n", "\n\n") }
