package bitbucket_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/services/notify/bitbucket"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/posttest"
)

func cloud(url string) posttest.Sender {
	return bitbucket.NewCloud(url, "", "token", posttest.Client())
}

func TestStatusesAreWhatBitbucketCloudTakes(t *testing.T) {
	posttest.Statuses(t, posttest.Forge{
		New:    cloud,
		Path:   "/2.0/repositories/acme/st%20orage/commit/" + posttest.SHA + "/statuses/build",
		Header: map[string]string{"Authorization": "Bearer token"},
		Body:   map[string]string{"key": "fiord/randread", "name": "fiord/randread", "url": posttest.URL},
		States: map[notice.State]string{
			notice.Pending: "INPROGRESS", notice.Success: "SUCCESSFUL", notice.Neutral: "SUCCESSFUL",
			notice.Failure: "FAILED", notice.Error: "FAILED", notice.Cancelled: "SUCCESSFUL",
		},
		MaxDescription: 255,
	})
}

func TestStatusesAreWhatBitbucketDataCenterTakes(t *testing.T) {
	posttest.Statuses(t, posttest.Forge{
		New: func(url string) posttest.Sender {
			return bitbucket.NewDataCenter(url+"/ctx", "token", posttest.Client())
		},
		Path:   "/ctx/rest/api/latest/projects/acme/repos/st%20orage/commits/" + posttest.SHA + "/builds",
		Header: map[string]string{"Authorization": "Bearer token"},
		Body:   map[string]string{"key": "fiord/randread", "name": "fiord/randread", "url": posttest.URL},
		States: map[notice.State]string{
			notice.Pending: "INPROGRESS", notice.Success: "SUCCESSFUL", notice.Neutral: "SUCCESSFUL",
			notice.Failure: "FAILED", notice.Error: "FAILED", notice.Cancelled: "SUCCESSFUL",
		},
		MaxDescription: 255,
	})
}

func TestAppPasswordsAreSentWithTheirUser(t *testing.T) {
	got := posttest.Capture(t, func(url string) posttest.Sender {
		return bitbucket.NewCloud(url, "fiord-bot", "app-password", posttest.Client())
	}, posttest.Notice(notice.Success))
	if want := "Basic ZmlvcmQtYm90OmFwcC1wYXNzd29yZA=="; got.Header.Get("Authorization") != want {
		t.Errorf("authorization %q, want %q", got.Header.Get("Authorization"), want)
	}
}

func TestLongNamesKeepDistinctKeysOfLegalLength(t *testing.T) {
	keys := map[any]bool{}
	for _, end := range []string{"a", "b"} {
		n := posttest.Notice(notice.Success)
		n.Status.Context = "fiord/" + strings.Repeat("x", 60) + end
		got := posttest.Capture(t, cloud, n)
		key, _ := got.Body["key"].(string)
		if len(key) > 40 || got.Body["name"] != n.Status.Context {
			t.Errorf("key %q, name %q", key, got.Body["name"])
		}
		keys[key] = true
	}
	if len(keys) != 2 {
		t.Errorf("keys meet: %v", keys)
	}
}

func TestStatusWithoutAPageLinksTheRepository(t *testing.T) {
	n := posttest.Notice(notice.Pending)
	n.URL = ""
	n.Commit.Repo.WebURL = "https://bitbucket.org/acme/storage"
	if got := posttest.Capture(t, cloud, n); got.Body["url"] != n.Commit.Repo.WebURL {
		t.Errorf("url %v", got.Body["url"])
	}
}

func TestCommentsAreWhatBitbucketCloudTakes(t *testing.T) {
	const list = "/2.0/repositories/acme/st%20orage/pullrequests/7/comments"
	posttest.CommentsAreEdited(t, posttest.Comments{
		New:  func(url string) posttest.Commenter { return bitbucket.NewCloud(url, "", "token", posttest.Client()) },
		List: list, One: list + "/{id}", Method: http.MethodPut,
		Header: map[string]string{"Authorization": "Bearer token"},
		Text: func(body map[string]any) string {
			content, _ := body["content"].(map[string]any)
			s, _ := content["raw"].(string)
			return s
		}, Limit: 32767,
	})
}

func TestCommentsAreWhatBitbucketDataCenterTakes(t *testing.T) {
	const list = "/ctx/rest/api/latest/projects/acme/repos/st%20orage/pull-requests/7/comments"
	posttest.CommentsAreEdited(t, posttest.Comments{
		New: func(url string) posttest.Commenter {
			return bitbucket.NewDataCenter(url+"/ctx", "token", posttest.Client())
		},
		List: list, One: list + "/{id}", Method: http.MethodPut, Versioned: true,
		Header: map[string]string{"Authorization": "Bearer token"},
		Text:   func(body map[string]any) string { s, _ := body["text"].(string); return s }, Limit: 32767,
	})
}
