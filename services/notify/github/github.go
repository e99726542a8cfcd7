// Package github writes commit statuses at github.com and GitHub Enterprise.
package github

import (
	"context"
	"net/url"
	"strings"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// maxDescription is GitHub's limit, in characters; bytes are never fewer.
const maxDescription = 140

// Statuses writes to one GitHub.
type Statuses struct {
	api, token string
	client     *post.Client
}

// New prepares a GitHub whose REST API is at api: https://api.github.com, or
// https://HOST/api/v3 of an Enterprise server. The token needs the right to
// write commit statuses.
func New(api, token string, client *post.Client) *Statuses {
	return &Statuses{strings.TrimSuffix(api, "/"), token, client}
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
	h := post.Bearer("Bearer", s.token)
	h.Set("Accept", "application/vnd.github+json")
	h.Set("X-GitHub-Api-Version", "2022-11-28")
	u := s.api + "/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name) + "/statuses/" + url.PathEscape(n.Commit.SHA)
	req, err := post.JSON(u, h, body{
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
	notice.Pending: "pending", notice.Success: "success", notice.Neutral: "success",
	notice.Failure: "failure", notice.Error: "error", notice.Cancelled: "error",
}
