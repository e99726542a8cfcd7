package chat

import (
	"context"
	"net/url"
	"strings"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// maxNtfy is how many bytes of a message ntfy shows; longer ones become files.
const maxNtfy = 4096

// Ntfy is a topic at an ntfy server, for phones.
type Ntfy struct {
	server, topic, token string
	client               *post.Client
}

// NewNtfy prepares the topic with this address: https://ntfy.sh/TOPIC. Where the
// server lets nobody publish without, there is an access token.
func NewNtfy(address, token string, client *post.Client) (*Ntfy, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, notice.Refusal("the topic's address is no URL")
	}
	i := strings.LastIndex(u.Path, "/")
	topic := u.Path[i+1:]
	if topic == "" {
		return nil, notice.Refusal("the address has no topic: want https://ntfy.sh/TOPIC")
	}
	u.Path, u.RawPath, u.RawQuery = u.Path[:max(i, 0)]+"/", "", ""
	return &Ntfy{u.String(), topic, token, client}, nil
}

// ntfyPriorities go from 1 to 5; 5 rings until somebody looks.
var ntfyPriorities = map[notice.Level]int{notice.Good: 2, notice.Info: 2, notice.Warning: 3, notice.Bad: 4}

// ntfyTags are the names of emoji.
var ntfyTags = map[notice.Level]string{
	notice.Good: "white_check_mark", notice.Info: "information_source", notice.Warning: "warning", notice.Bad: "x",
}

type ntfyMessage struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title"`
	Message  string   `json:"message"`
	Priority int      `json:"priority"`
	Tags     []string `json:"tags"`
	Click    string   `json:"click,omitempty"`
}

// Send publishes one message; without markdown set it is plain text.
func (m *Ntfy) Send(ctx context.Context, n notice.Notice) error {
	req, err := post.JSON(m.server, post.Bearer("Bearer", m.token), ntfyMessage{
		Topic: m.topic, Title: n.Title, Message: notice.Cut(details(n), maxNtfy),
		Priority: ntfyPriorities[n.Level], Tags: []string{ntfyTags[n.Level]}, Click: n.URL,
	})
	if err != nil {
		return err
	}
	return deliver(ctx, m.client, req)
}
