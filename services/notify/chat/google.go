package chat

import (
	"context"
	"strings"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// Google is an incoming webhook of a Google Chat space.
type Google struct {
	webhook string
	client  *post.Client
}

// NewGoogle prepares a webhook; its address, key and token included, is its secret.
func NewGoogle(webhook string, client *post.Client) *Google { return &Google{webhook, client} }

// Send posts one message of plain text. A message may have 32,000 bytes.
func (g *Google) Send(ctx context.Context, n notice.Notice) error {
	req, err := post.JSON(g.webhook, nil, map[string]string{"text": google.Replace(plain(n))})
	if err != nil {
		return err
	}
	return deliver(ctx, g.client, req)
}

// google breaks what Google Chat reads as markup, mentions (<users/all>) and
// links with another text, by invisible spaces: it knows no escape.
var google = strings.NewReplacer("<", "<\u200b", "*", "*\u200b", "_", "_\u200b", "~", "~\u200b", "`", "`\u200b")
