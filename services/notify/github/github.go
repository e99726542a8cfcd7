// Package github writes commit statuses at github.com and GitHub Enterprise, and
// comments at their pull requests.
//
// Statuses, not check runs: those take a GitHub App of the operator's own, and say
// little more.
package github

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// GitHub's limits, in characters; bytes are never fewer.
const (
	maxDescription = 140
	maxComment     = 65536
)

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
	u := s.repo(owner, name) + "/statuses/" + url.PathEscape(n.Commit.SHA)
	req, err := post.JSON(u, s.header(), body{
		State: states[n.Status.State], TargetURL: n.URL, Context: n.Status.Context,
		Description: notice.Cut(n.Status.Description, maxDescription),
	})
	if err != nil {
		return err
	}
	return s.client.Do(ctx, req)
}

func (s *Statuses) repo(owner, name string) string {
	return s.api + "/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
}

func (s *Statuses) header() http.Header {
	h := post.Bearer("Bearer", s.token)
	h.Set("Accept", "application/vnd.github+json")
	h.Set("X-GitHub-Api-Version", "2022-11-28")
	return h
}

// MaxComment is GitHub's limit.
func (s *Statuses) MaxComment() int { return maxComment }

// Comment writes a comment of a pull request, which is an issue to this API, or
// changes it if it has an id. The token needs the right to write pull requests.
func (s *Statuses) Comment(ctx context.Context, c notice.Commit, id, text string) (string, error) {
	owner, name, err := c.OwnerAndName()
	if err != nil {
		return "", err
	}
	u, method := s.repo(owner, name)+"/issues/"+strconv.Itoa(c.Pull)+"/comments", http.MethodPost
	if id != "" {
		u, method = s.repo(owner, name)+"/issues/comments/"+url.PathEscape(id), http.MethodPatch
	}
	req, err := post.JSON(u, s.header(), map[string]string{"body": text})
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
