package bitbucket

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// maxComment is the limit of both, in characters; bytes are never fewer.
const maxComment = 32767

const (
	cloudComments      = "/2.0/repositories/{owner}/{repo}/pullrequests/{pull}/comments"
	dataCenterComments = "/rest/api/latest/projects/{owner}/repos/{repo}/pull-requests/{pull}/comments"
)

// MaxComment is Bitbucket's limit.
func (s *Statuses) MaxComment() int { return maxComment }

// Comment writes a comment of a pull request, or changes it if it has an id.
func (s *Statuses) Comment(ctx context.Context, c notice.Commit, id, text string) (string, error) {
	owner, repo, err := c.OwnerAndName()
	if err != nil {
		return "", err
	}
	u := s.base + strings.NewReplacer("{owner}", url.PathEscape(owner), "{repo}", url.PathEscape(repo), "{pull}", strconv.Itoa(c.Pull)).Replace(s.comments)
	method := http.MethodPost
	if id != "" {
		u, method = u+"/"+url.PathEscape(id), http.MethodPut
	}
	content, err := s.content(ctx, u, id, text)
	if err != nil {
		return "", err
	}
	req, err := post.JSON(u, s.header.Clone(), content)
	if err != nil {
		return "", err
	}
	req.Method = method
	return s.client.Comment(ctx, req)
}

// content is a comment as each of the two takes it. Data Center changes one only
// for whoever knows its version; a change in between is answered 409 and tried
// again.
func (s *Statuses) content(ctx context.Context, address, id, text string) (any, error) {
	if s.comments == cloudComments {
		return map[string]any{"content": map[string]string{"raw": text}}, nil
	}
	if id == "" {
		return map[string]any{"text": text}, nil
	}
	var now struct {
		Version int `json:"version"`
	}
	err := s.client.Ask(ctx, post.Request{Method: http.MethodGet, URL: address, Header: s.header}, &now)
	return map[string]any{"text": text, "version": now.Version}, err
}
