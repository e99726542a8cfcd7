// Package gitea writes commit statuses at Gitea and Forgejo, which share this
// part of their API.
package gitea

import (
	"context"
	"net/url"
	"strings"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

const maxDescription = 255

// Statuses writes to one server.
type Statuses struct {
	base, token string
	client      *post.Client
}

// New prepares the server whose start page is at base. The token needs the
// scope write:repository.
func New(base, token string, client *post.Client) *Statuses {
	return &Statuses{strings.TrimSuffix(base, "/"), token, client}
}

// Send writes the notice's status; a notice without one is nothing to do.
func (s *Statuses) Send(ctx context.Context, n notice.Notice) error {
	if n.Status == nil || n.Commit == nil {
		return nil
	}
	owner, name, err := n.Commit.OwnerAndName()
	if err != nil {
		return err
	}
	u := s.base + "/api/v1/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name) + "/statuses/" + url.PathEscape(n.Commit.SHA)
	req, err := post.JSON(u, post.Bearer("token", s.token), body{
		State: states[n.Status.State], TargetURL: n.URL, Context: n.Status.Context,
		Description: notice.Cut(n.Status.Description, maxDescription),
	})
	if err != nil {
		return err
	}
	return s.client.Do(ctx, req)
}

type body struct {
	State       string `json:"state"`
	TargetURL   string `json:"target_url,omitempty"`
	Description string `json:"description"`
	Context     string `json:"context"`
}

var states = map[notice.State]string{
	notice.Pending: "pending", notice.Success: "success", notice.Neutral: "warning",
	notice.Failure: "failure", notice.Error: "error", notice.Cancelled: "error",
}
