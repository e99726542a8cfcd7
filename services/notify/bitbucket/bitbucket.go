// Package bitbucket writes build statuses at Bitbucket Cloud and Bitbucket Data
// Center, and comments at their pull requests.
package bitbucket

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

const (
	maxDescription = 255
	maxKey         = 40 // Cloud's limit; Data Center allows more
)

// Statuses writes to one Bitbucket.
type Statuses struct {
	base   string
	header http.Header
	path   string // below base, with {owner}, {repo} and {sha}
	states map[notice.State]string
	// comments of a pull request, below base, with {owner}, {repo} and {pull}.
	comments string
	client   *post.Client
}

// NewCloud prepares bitbucket.org, whose REST API is at api:
// https://api.bitbucket.org. With a user name the secret is an app password,
// else an access token with the right repository:write.
func NewCloud(api, user, secret string, client *post.Client) *Statuses {
	return &Statuses{strings.TrimSuffix(api, "/"), credentials(user, secret), cloudPath, cloudStates, cloudComments, client}
}

// NewDataCenter prepares the server whose start page is at base. The token
// needs the right to read the repository.
func NewDataCenter(base, token string, client *post.Client) *Statuses {
	return &Statuses{strings.TrimSuffix(base, "/"), credentials("", token), dataCenterPath, dataCenterStates, dataCenterComments, client}
}

func credentials(user, secret string) http.Header {
	if user == "" {
		return post.Bearer("Bearer", secret)
	}
	return post.Bearer("Basic", base64.StdEncoding.EncodeToString([]byte(user+":"+secret)))
}

// Send writes the notice's status; a notice without one is nothing to do.
func (s *Statuses) Send(ctx context.Context, n notice.Notice) error {
	if n.Status == nil || n.Commit == nil {
		return nil
	}
	owner, repo, err := n.Commit.OwnerAndName()
	if err != nil {
		return err
	}
	u := s.base + strings.NewReplacer("{owner}", url.PathEscape(owner), "{repo}", url.PathEscape(repo),
		"{sha}", url.PathEscape(n.Commit.SHA)).Replace(s.path)
	req, err := post.JSON(u, s.header.Clone(), body{
		Key: key(n.Status.Context), Name: n.Status.Context, State: s.states[n.Status.State],
		// The link is required: the repository's page stands in for one.
		URL:         cmp.Or(n.URL, n.Commit.Repo.WebURL, n.Commit.Repo.CloneURL),
		Description: notice.Cut(n.Status.Description, maxDescription),
	})
	if err != nil {
		return err
	}
	return s.client.Do(ctx, req)
}

type body struct {
	Key         string `json:"key"`
	Name        string `json:"name"`
	State       string `json:"state"`
	URL         string `json:"url"`
	Description string `json:"description"`
}

// key tells the statuses of one commit apart; a long name is told apart by hash.
func key(context string) string {
	if len(context) <= maxKey {
		return context
	}
	return "fiord/" + events.HashID(context)
}

const (
	cloudPath      = "/2.0/repositories/{owner}/{repo}/commit/{sha}/statuses/build"
	dataCenterPath = "/rest/api/latest/projects/{owner}/repos/{repo}/commits/{sha}/builds"
)

var cloudStates = map[notice.State]string{
	notice.Pending: "INPROGRESS", notice.Success: "SUCCESSFUL", notice.Neutral: "SUCCESSFUL",
	notice.Failure: "FAILED", notice.Error: "FAILED", notice.Cancelled: "SUCCESSFUL",
}

var dataCenterStates = map[notice.State]string{
	notice.Pending: "INPROGRESS", notice.Success: "SUCCESSFUL", notice.Neutral: "SUCCESSFUL",
	notice.Failure: "FAILED", notice.Error: "FAILED", notice.Cancelled: "SUCCESSFUL",
}
