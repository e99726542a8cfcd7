// Package gitea writes commit statuses at Gitea and Forgejo, and comments at their
// pull requests. The two share this part of their API.
package gitea

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

const (
	maxDescription = 255
	// maxComment is what a text column takes on every database Gitea runs on.
	maxComment = 65535
)

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
	u := s.repo(owner, name) + "/statuses/" + url.PathEscape(n.Commit.SHA)
	req, err := post.JSON(u, post.Bearer("token", s.token), body{
		State: states[n.Status.State], TargetURL: n.URL, Context: n.Status.Context,
		Description: notice.Cut(n.Status.Description, maxDescription),
	})
	if err != nil {
		return err
	}
	return s.client.Do(ctx, req)
}

func (s *Statuses) repo(owner, name string) string {
	return s.base + "/api/v1/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
}

// MaxComment is how long a comment may be.
func (s *Statuses) MaxComment() int { return maxComment }

// Comment writes a comment of a pull request, which is an issue to this API, or
// changes it if it has an id. The token needs the scope write:issue.
func (s *Statuses) Comment(ctx context.Context, c notice.Commit, id, text string) (string, error) {
	owner, name, err := c.OwnerAndName()
	if err != nil {
		return "", err
	}
	u, method := s.repo(owner, name)+"/issues/"+strconv.Itoa(c.Pull)+"/comments", http.MethodPost
	if id != "" {
		u, method = s.repo(owner, name)+"/issues/comments/"+url.PathEscape(id), http.MethodPatch
	}
	req, err := post.JSON(u, post.Bearer("token", s.token), map[string]string{"body": text})
	if err != nil {
		return "", err
	}
	req.Method = method
	return s.client.Comment(ctx, req)
}

type body struct {
	State       string `json:"state"`
	TargetURL   string `json:"target_url,omitempty"`
	Description string `json:"description"`
	Context     string `json:"context"`
}

var states = map[notice.State]string{
	notice.Pending: "pending", notice.Success: "success", notice.Neutral: "success",
	notice.Failure: "failure", notice.Error: "error", notice.Cancelled: "success",
}
