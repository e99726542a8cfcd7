package github_test

import (
	"net/http"
	"testing"

	"github.com/fiord-bench/fiord/services/notify/github"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/posttest"
)

func TestStatusesAreWhatGitHubTakes(t *testing.T) {
	posttest.Statuses(t, posttest.Forge{
		New:  func(url string) posttest.Sender { return github.New(url+"/api/v3/", "token", posttest.Client()) },
		Path: "/api/v3/repos/acme/st%20orage/statuses/" + posttest.SHA,
		Header: map[string]string{
			"Authorization": "Bearer token", "Accept": "application/vnd.github+json",
			"X-Github-Api-Version": "2022-11-28", "Content-Type": "application/json",
		},
		Body: map[string]string{"context": "fiord/randread", "target_url": posttest.URL},
		States: map[notice.State]string{
			notice.Pending: "pending", notice.Success: "success", notice.Neutral: "success",
			notice.Failure: "failure", notice.Error: "error", notice.Cancelled: "success",
		},
		MaxDescription: 140,
	})
}

func TestCommentsAreWhatGitHubTakes(t *testing.T) {
	posttest.CommentsAreEdited(t, posttest.Comments{
		New:  func(url string) posttest.Commenter { return github.New(url+"/api/v3", "token", posttest.Client()) },
		List: "/api/v3/repos/acme/st%20orage/issues/7/comments", One: "/api/v3/repos/acme/st%20orage/issues/comments/{id}", Method: http.MethodPatch,
		Header: map[string]string{"Authorization": "Bearer token", "X-Github-Api-Version": "2022-11-28"},
		Text:   func(body map[string]any) string { s, _ := body["body"].(string); return s }, Limit: 65536,
	})
}
