package github_test

import (
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
			notice.Failure: "failure", notice.Error: "error", notice.Cancelled: "error",
		},
		MaxDescription: 140,
	})
}
