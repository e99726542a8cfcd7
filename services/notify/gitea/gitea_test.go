package gitea_test

import (
	"net/http"
	"testing"

	"github.com/fiord-bench/fiord/services/notify/gitea"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/posttest"
)

func TestStatusesAreWhatGiteaAndForgejoTake(t *testing.T) {
	posttest.Statuses(t, posttest.Forge{
		New:    func(url string) posttest.Sender { return gitea.New(url, "token", posttest.Client()) },
		Path:   "/api/v1/repos/acme/st%20orage/statuses/" + posttest.SHA,
		Header: map[string]string{"Authorization": "token token"},
		Body:   map[string]string{"context": "fiord/randread", "target_url": posttest.URL},
		States: map[notice.State]string{
			notice.Pending: "pending", notice.Success: "success", notice.Neutral: "success",
			notice.Failure: "failure", notice.Error: "error", notice.Cancelled: "success",
		},
		MaxDescription: 255,
	})
}

func TestCommentsAreWhatGiteaAndForgejoTake(t *testing.T) {
	posttest.CommentsAreEdited(t, posttest.Comments{
		New:  func(url string) posttest.Commenter { return gitea.New(url, "token", posttest.Client()) },
		List: "/api/v1/repos/acme/st%20orage/issues/7/comments", One: "/api/v1/repos/acme/st%20orage/issues/comments/{id}", Method: http.MethodPatch,
		Header: map[string]string{"Authorization": "token token"},
		Text:   func(body map[string]any) string { s, _ := body["body"].(string); return s }, Limit: 65535,
	})
}
