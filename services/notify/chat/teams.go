package chat

import (
	"context"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// Teams is a webhook of a Workflows flow in Microsoft Teams ("when a Teams
// webhook request is received"), which takes an adaptive card.
type Teams struct {
	webhook string
	client  *post.Client
}

// NewTeams prepares a webhook; its address is its secret.
func NewTeams(webhook string, client *post.Client) *Teams { return &Teams{webhook, client} }

type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	ContentURL  *string   `json:"contentUrl"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema  string `json:"$schema"`
	Type    string `json:"type"`
	Version string `json:"version"`
	Body    []any  `json:"body"`
	Actions []any  `json:"actions,omitempty"`
}

type teamsText struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Wrap   bool   `json:"wrap"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Color  string `json:"color,omitempty"`
}

type teamsFacts struct {
	Type  string      `json:"type"`
	Facts []teamsFact `json:"facts"`
}

type teamsFact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

type teamsLink struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// teamsColours are the names that adaptive cards have for the levels.
var teamsColours = map[notice.Level]string{
	notice.Good: "Good", notice.Info: "Default", notice.Warning: "Warning", notice.Bad: "Attention",
}

// Send posts one card.
func (t *Teams) Send(ctx context.Context, n notice.Notice) error {
	card := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.2",
		Body: []any{teamsText{Type: "TextBlock", Text: markdown(n.Title), Wrap: true, Weight: "Bolder", Size: "Medium", Color: teamsColours[n.Level]}},
	}
	if n.Text != "" {
		card.Body = append(card.Body, teamsText{Type: "TextBlock", Text: paragraphs(markdown(notice.Cut(n.Text, maxText))), Wrap: true})
	}
	if len(n.Fields) > 0 {
		facts := teamsFacts{Type: "FactSet"}
		for _, f := range n.Fields {
			facts.Facts = append(facts.Facts, teamsFact{markdown(f.Name), markdown(f.Value)})
		}
		card.Body = append(card.Body, facts)
	}
	if n.URL != "" {
		card.Actions = []any{teamsLink{"Action.OpenUrl", "Report", n.URL}}
	}
	req, err := post.JSON(t.webhook, nil, teamsMessage{
		Type: "message", Attachments: []teamsAttachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: card}},
	})
	if err != nil {
		return err
	}
	return deliver(ctx, t.client, req)
}
