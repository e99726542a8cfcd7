package forge_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/services/ingest/forge"
)

const (
	oldID  = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
	newID  = "a10867b14bb761a232cd80139fbd4c0d33264240"
	zeroID = "0000000000000000000000000000000000000000"
)

func gitPush(repo, ref, before, after string) forge.Delivery {
	h := http.Header{}
	h.Set("X-Fiord-Event", "push")
	return forge.Delivery{Header: h, Body: []byte(`{"repo":{"name":"` + repo + `"},"ref":"` + ref + `","before":"` + before + `","after":"` + after + `"}`)}
}

func TestMalformedPushesAreRefused(t *testing.T) {
	tests := map[string]forge.Delivery{
		"no repository":                gitPush("", "refs/heads/main", oldID, newID),
		"repository climbs":            gitPush("a/../b", "refs/heads/main", oldID, newID),
		"repository with a space":      gitPush("a b", "refs/heads/main", oldID, newID),
		"repository too long":          gitPush(strings.Repeat("x", 300), "refs/heads/main", oldID, newID),
		"short ref":                    gitPush("a/b", "main", oldID, newID),
		"ref climbs":                   gitPush("a/b", "refs/heads/../../x", oldID, newID),
		"ref with a space":             gitPush("a/b", "refs/heads/a b", oldID, newID),
		"ref with a reflog expression": gitPush("a/b", "refs/heads/a@{1}", oldID, newID),
		"abbreviated commit":           gitPush("a/b", "refs/heads/main", oldID, newID[:12]),
		"option instead of a commit":   gitPush("a/b", "refs/heads/main", oldID, "--upload-pack=touch"),
		"upper-case commit":            gitPush("a/b", "refs/heads/main", oldID, strings.ToUpper(newID)),
		"before is no commit":          gitPush("a/b", "refs/heads/main", "HEAD", newID),
		"not JSON":                     {Header: gitPush("", "", "", "").Header, Body: []byte("ref=main")},
		"cut off":                      {Header: gitPush("", "", "", "").Header, Body: []byte(`{"repo":{"name":"a/b"},"ref":"refs/he`)},
		"empty":                        {Header: gitPush("", "", "", "").Header},
	}
	for name, d := range tests {
		t.Run(name, func(t *testing.T) {
			if m, err := (forge.Git{}).Parse(d); !errors.Is(err, forge.ErrMalformed) {
				t.Errorf("error %v, message %+v, want ErrMalformed", err, m)
			}
		})
	}
}

func TestPushKinds(t *testing.T) {
	tests := []struct {
		push             forge.Push
		created, deleted bool
	}{
		{forge.Push{Before: oldID, After: newID}, false, false},
		{forge.Push{Before: zeroID, After: newID}, true, false},
		{forge.Push{Before: oldID, After: zeroID}, false, true},
		{forge.Push{Before: "", After: newID}, false, false}, // unknown is not new
	}
	for _, tt := range tests {
		if got := [2]bool{tt.push.Created(), tt.push.Deleted()}; got != [2]bool{tt.created, tt.deleted} {
			t.Errorf("%+v: created, deleted = %v", tt.push, got)
		}
	}
}

func TestFormWithoutPayload(t *testing.T) {
	h := http.Header{}
	h.Set("X-GitHub-Event", "push")
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, body := range []string{"", "other=1", "payload=%zz"} {
		if _, err := (forge.GitHub{}).Parse(forge.Delivery{Header: h, Body: []byte(body)}); !errors.Is(err, forge.ErrMalformed) {
			t.Errorf("%q: error %v, want ErrMalformed", body, err)
		}
	}
}

func TestDeleteEventNeedsAKnownKind(t *testing.T) {
	h := http.Header{}
	h.Set("X-Gitea-Event", "delete")
	d := forge.Delivery{Header: h, Body: []byte(`{"ref":"x","ref_type":"workspace","repository":{"full_name":"a/b"}}`)}
	if _, err := (forge.Gitea{}).Parse(d); !errors.Is(err, forge.ErrMalformed) {
		t.Errorf("error %v, want ErrMalformed", err)
	}
}

func TestUnknownForgeIsNamed(t *testing.T) {
	if _, err := forge.Detect(http.Header{"X-Whatever": {"push"}}); !errors.Is(err, forge.ErrUnknown) {
		t.Errorf("Detect: %v", err)
	}
	_, err := forge.Named("sourcehut")
	if !errors.Is(err, forge.ErrUnknown) || !strings.Contains(err.Error(), "soft-serve") {
		t.Errorf("Named: %v, want ErrUnknown with the known names", err)
	}
}

func TestKeysAreNotLogged(t *testing.T) {
	if got := key("main", "s3cret").LogValue().String(); got != "main" {
		t.Errorf("LogValue = %q", got)
	}
}

// Whoever reads the error knows JSON and webhooks, and nothing of our types.
func TestWrongBodiesAreNamedInTheSendersWords(t *testing.T) {
	h := http.Header{"X-Github-Event": {"push"}, "Content-Type": {"application/json"}}
	for body, want := range map[string]string{
		`[]`:                           "malformed payload: it is a JSON array, where a forge sends an object",
		`"x"`:                          "malformed payload: it is a JSON string, where a forge sends an object",
		`{"ref":{}}`:                   "malformed payload: /ref is a JSON object, which does not belong there",
		`{"repository":{"name":[1]}}`:  "malformed payload: /repository/name is a JSON array, which does not belong there",
		`{"ref":`:                      "malformed payload: it is no JSON: unexpected EOF",
		`{"ref":"refs/heads/x"} extra`: "malformed payload: it is no JSON: ",
	} {
		_, err := (forge.GitHub{}).Parse(forge.Delivery{Header: h, Body: []byte(body)})
		if !errors.Is(err, forge.ErrMalformed) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %q…", body, err, want)
		}
	}
}

// The id of a repository is a number at some forges and a text at others; a push
// is not refused for an odd one.
func TestARepositoryHasTheForgesOwnID(t *testing.T) {
	for id, want := range map[string]string{`186853002`: "186853002", `"{673a6070}"`: "{673a6070}", `-1`: "", `1.5`: "", `{"a":1}`: "", `null`: "", `"` + strings.Repeat("x", 65) + `"`: ""} {
		h := http.Header{}
		h.Set("X-GitHub-Event", "push")
		h.Set("X-GitHub-Delivery", "d")
		body := `{"ref":"refs/heads/main","before":"` + oldID + `","after":"` + newID + `","repository":{"id":` + id + `,"full_name":"a/b","clone_url":"https://example.org/a/b"}}`
		m, err := (forge.GitHub{}).Parse(forge.Delivery{Header: h, Body: []byte(body)})
		if err != nil || m.Repo.ID != want {
			t.Errorf("id %s: got %q, error %v, want %q", id, m.Repo.ID, err, want)
		}
	}
}
