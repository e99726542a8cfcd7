package keys_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest/keys"
)

const (
	secretA = "secret-of-github-aaaaaaaa"
	secretB = "secret-of-gitlab-bbbbbbbb"
	tokenA  = "token-of-nightly-cccccccc"
)

func write(t *testing.T, dir, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "gitlab", secretB+"\n", 0o600)
	path := write(t, dir, "keys.yaml", `
version: 1
webhooks:
  - {id: lab, forges: [github], repositories: ["Storage-Lab/*"], secret: `+secretA+`}
  - {id: any, secret_file: gitlab}
events:
  - {id: nightly, token: `+tokenA+`, types: [bench.requested]}
git:
  - {url: "https://git.storage-lab.example/", token: t0ken}
`, 0o600)
	r, err := keys.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Webhooks("github"); len(got) != 2 || string(got[0].Secret) != secretA || string(got[1].Secret) != secretB {
		t.Errorf("keys of GitHub: %v", got)
	}
	if got := r.Webhooks("gitea"); len(got) != 1 || got[0].ID != "any" {
		t.Errorf("keys of Gitea: %v", got)
	}
	for repo, want := range map[string]bool{"storage-lab/jobs": true, "else/jobs": false} {
		if got := r.MaySpeakFor("lab", repo); got != want {
			t.Errorf("lab may speak for %s: %v", repo, got)
		}
	}
	if !r.MaySpeakFor("any", "else/jobs") || r.MaySpeakFor("none", "else/jobs") {
		t.Error("scope of a key without repositories, or of none")
	}
	if got := r.Git(); len(got) != 1 || got[0].Token != "t0ken" {
		t.Errorf("git credentials %v", got)
	}
	s, ok := r.Sender(tokenA)
	if !ok || s.ID != "nightly" || !s.May(events.TypeBenchRequested) || s.May(events.TypeCancelRequested) {
		t.Errorf("sender %v, %v", s, ok)
	}
	for _, token := range []string{"", "wrong", tokenA + "x"} {
		if s, ok := r.Sender(token); ok {
			t.Errorf("token %q is %v's", token, s)
		}
	}
}

func TestSimpleSecretsAreGoodForEverythingGrantable(t *testing.T) {
	r, err := keys.Simple(secretA+"\n"+secretB, tokenA)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Webhooks("git")) != 2 || !r.MaySpeakFor("webhook-2", "a/b") {
		t.Errorf("webhooks %v", r.Webhooks("git"))
	}
	s, ok := r.Sender(tokenA)
	if !ok || !s.May(events.TypeBenchRequested) {
		t.Errorf("sender %v, %v", s, ok)
	}
	for _, t2 := range []events.Type{events.TypeRunCompleted, events.TypeRunsRequested, events.TypeBenchPlaced, events.TypeInventoryGenerated, events.TypePushReceived} {
		if s.May(t2) {
			t.Errorf("a token may say %s, which services alone may", t2)
		}
	}
}

func TestNoKeysLetNobodyIn(t *testing.T) {
	r, err := keys.Simple("", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Sender(""); ok || len(r.Webhooks("git")) > 0 || len(r.Signers()) > 0 {
		t.Error("an empty ring lets somebody in")
	}
}

func TestWrongFilesAreRefused(t *testing.T) {
	tests := map[string]struct{ content, says string }{
		"short secret":  {"webhooks: [{id: a, secret: short}]", "at least 16"},
		"no secret":     {"webhooks: [{id: a}]", "at least 16"},
		"no id":         {"webhooks: [{secret: " + secretA + "}]", "an id is missing"},
		"unknown forge": {"webhooks: [{id: a, secret: " + secretA + ", forges: [sourcehut]}]", "sourcehut"},
		"bad glob":      {"webhooks: [{id: a, secret: " + secretA + `, repositories: ["a[1"]}]`, "no glob"},
		"both":          {"webhooks: [{id: a, secret: " + secretA + ", secret_file: x}]", "not both"},
		"missing file":  {"webhooks: [{id: a, secret_file: none}]", "no such file"},
		"type":          {"events: [{id: a, token: " + tokenA + ", types: [run.completed]}]", "cannot be granted"},
		"unknown key":   {"hooks: []", "hooks"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := keys.Load(write(t, t.TempDir(), "keys.yaml", "version: 1\n"+tt.content+"\n", 0o600))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one saying %q", err, tt.says)
			}
			if err != nil && strings.Contains(err.Error(), secretA) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestFilesThatOthersCanReadAreRefused(t *testing.T) {
	for mode, want := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o644: false, 0o660: false, 0o604: false} {
		path := write(t, t.TempDir(), "keys.yaml", "version: 1\n", mode)
		if _, err := keys.Load(path); (err == nil) != want {
			t.Errorf("mode %04o: error %v", mode, err)
		}
	}
}
