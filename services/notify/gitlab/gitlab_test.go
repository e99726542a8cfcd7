package gitlab_test

import (
	"net/http"
	"testing"

	"github.com/fiord-bench/fiord/services/notify/gitlab"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/posttest"
)

func open(url string) posttest.Sender { return gitlab.New(url+"/", "token", posttest.Client()) }

func TestStatusesAreWhatGitLabTakes(t *testing.T) {
	posttest.Statuses(t, posttest.Forge{
		New:    open,
		Path:   "/api/v4/projects/acme%2Fst%20orage/statuses/" + posttest.SHA,
		Header: map[string]string{"Private-Token": "token"},
		Body:   map[string]string{"name": "fiord/randread", "target_url": posttest.URL, "ref": "main"},
		States: map[notice.State]string{
			notice.Pending: "pending", notice.Success: "success", notice.Neutral: "success",
			notice.Failure: "failed", notice.Error: "failed", notice.Cancelled: "success",
		},
		MaxDescription: 255,
	})
}

func TestProjectsInGroupsOfGroups(t *testing.T) {
	n := posttest.Notice(notice.Success)
	n.Commit.Repo.Name = "acme/teams/storage/web"
	got := posttest.Capture(t, open, n)
	if want := "/api/v4/projects/acme%2Fteams%2Fstorage%2Fweb/statuses/" + posttest.SHA; got.Path != want {
		t.Errorf("path %s, want %s", got.Path, want)
	}
}

// GitLab answers 400 to a status that has the state already, which is what a
// repeated notice asks for.
func TestRepeatedStatusIsASuccess(t *testing.T) {
	err := posttest.Answer(t, open, http.StatusBadRequest,
		`{"message":"Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via \"enqueue\")"}`)
	if err != nil {
		t.Error(err)
	}
	if err := posttest.Answer(t, open, http.StatusBadRequest, `{"message":"target_url is invalid"}`); err == nil {
		t.Error("another bad request passes for a success")
	}
}

func TestNotesAreWhatGitLabTakes(t *testing.T) {
	const notes = "/api/v4/projects/acme%2Fst%20orage/merge_requests/7/notes"
	posttest.CommentsAreEdited(t, posttest.Comments{
		New:  func(url string) posttest.Commenter { return gitlab.New(url, "token", posttest.Client()) },
		List: notes, One: notes + "/{id}", Method: http.MethodPut,
		Header: map[string]string{"Private-Token": "token"},
		Text:   func(body map[string]any) string { s, _ := body["body"].(string); return s }, Limit: 1_000_000,
	})
}
