// Package gitlab writes commit statuses at GitLab, and comments at merge requests.
package gitlab

import (
	"bytes"
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
	maxComment     = 1_000_000
)

// Statuses writes to one GitLab.
type Statuses struct {
	base, token string
	client      *post.Client
}

// New prepares the GitLab whose start page is at base. The token, of a project,
// a group or a person, needs the scope api and the role Developer.
func New(base, token string, client *post.Client) *Statuses {
	return &Statuses{strings.TrimSuffix(base, "/"), token, client}
}

// Send writes the notice's status; a notice without one is nothing to do.
func (s *Statuses) Send(ctx context.Context, n notice.Notice) error {
	if n.Status == nil || n.Commit == nil {
		return nil
	}
	if _, err := n.Commit.Path(); err != nil {
		return err
	}
	u := s.project(n.Commit.Repo.Name) + "/statuses/" + url.PathEscape(n.Commit.SHA)
	req, err := post.JSON(u, s.header(), body{
		State: states[n.Status.State], Name: n.Status.Context, TargetURL: n.URL,
		Ref: branch(n.Commit.Ref), Description: notice.Cut(n.Status.Description, maxDescription),
	})
	if err != nil {
		return err
	}
	req.Accept = alreadySo
	return s.client.Do(ctx, req)
}

// project is its address: the full path, slashes escaped, stands for its number.
func (s *Statuses) project(path string) string {
	return s.base + "/api/v4/projects/" + url.PathEscape(path)
}

func (s *Statuses) header() http.Header {
	h := http.Header{}
	if s.token != "" {
		h.Set("Private-Token", s.token)
	}
	return h
}

// MaxComment is GitLab's limit.
func (s *Statuses) MaxComment() int { return maxComment }

// Comment writes a note of a merge request, or changes it if it has an id.
func (s *Statuses) Comment(ctx context.Context, c notice.Commit, id, text string) (string, error) {
	if _, err := c.Path(); err != nil {
		return "", err
	}
	u, method := s.project(c.Repo.Name)+"/merge_requests/"+strconv.Itoa(c.Pull)+"/notes", http.MethodPost
	if id != "" {
		u, method = u+"/"+url.PathEscape(id), http.MethodPut
	}
	req, err := post.JSON(u, s.header(), map[string]string{"body": text})
	if err != nil {
		return "", err
	}
	req.Method = method
	return s.client.Comment(ctx, req)
}

// alreadySo recognises GitLab's refusal to set the state that a status has:
// that notice has been given.
func alreadySo(status int, answer []byte) bool {
	return status == http.StatusBadRequest && bytes.Contains(answer, []byte("Cannot transition status via"))
}

// branch is the short name that GitLab wants; merge requests and others have none.
func branch(ref string) string {
	for _, prefix := range []string{"refs/heads/", "refs/tags/"} {
		if name, ok := strings.CutPrefix(ref, prefix); ok {
			return name
		}
	}
	return ""
}

type body struct {
	State       string `json:"state"`
	Name        string `json:"name"`
	Ref         string `json:"ref,omitempty"`
	TargetURL   string `json:"target_url,omitempty"`
	Description string `json:"description"`
}

var states = map[notice.State]string{
	notice.Pending: "pending", notice.Success: "success", notice.Neutral: "success",
	notice.Failure: "failed", notice.Error: "failed", notice.Cancelled: "success",
}
