package notify_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/notify"
)

// readmeYAML is the configuration that the README shows.
func readmeYAML(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	yaml, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the README has no YAML")
	}
	return yaml
}

func load(t *testing.T, dir, yaml string) (notify.Config, error) {
	t.Helper()
	file := filepath.Join(dir, "fiord.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := notify.DefaultConfig()
	set, err := config.New([]config.Section{{Name: "notify", Value: &cfg, Bare: true}})
	if err != nil {
		t.Fatal(err)
	}
	err = set.Load(config.Source{File: file})
	return cfg, err
}

func TestConfigurationOfTheReadmeWorks(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"github.token": "gh-token\n", "slack.url": "https://hooks.example.com/T/B/x\n", "dash.secret": "s\n", "mail.password": "p\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GITEA_TOKEN", "gt-token")
	// The files are named relative to the configuration's.
	cfg, err := load(t, dir, strings.ReplaceAll(readmeYAML(t), "/etc/fiord/", ""))
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{}
	for _, target := range cfg.Targets {
		secrets[target.Name] = target.Token.Reveal() + target.Webhook.Reveal() + target.Secret.Reveal() + target.Password.Reveal()
	}
	for name, want := range map[string]string{
		"log": "", "github": "gh-token", "forge": "gt-token", "storage-team": "https://hooks.example.com/T/B/x", "dashboard": "s", "on-call": "p",
	} {
		if got, there := secrets[name]; !there || got != want {
			t.Errorf("target %s: secret %q, want %q", name, got, want)
		}
	}
}

// What the guide and the example show must be taken as it stands.
func TestConfigurationsOfTheGuideAndTheExampleWork(t *testing.T) {
	guide, err := os.ReadFile("../../docs/guides/notices.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../deploy/examples/notices.yaml")
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(example)}
	for rest, found := string(guide), true; found; {
		_, rest, found = strings.Cut(rest, "```yaml\n")
		if found {
			var block string
			block, rest, _ = strings.Cut(rest, "```")
			texts = append(texts, block)
		}
	}
	if len(texts) != 3 {
		t.Errorf("%d configurations, want the example and two of the guide", len(texts))
	}
	dir := t.TempDir()
	for _, name := range []string{"github.token", "slack.url", "topic.url", "mail.password", "pagerduty.key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("https://example.com/topic\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range texts {
		cfg, err := load(t, dir, strings.ReplaceAll(text, "/etc/fiord/", ""))
		if err == nil {
			err = cfg.Validate()
		}
		if err != nil {
			t.Errorf("%v in:\n%s", err, text)
		}
	}
}

func TestSecretsDontStandInTheConfigurationFile(t *testing.T) {
	_, err := load(t, t.TempDir(), "notify:\n  targets:\n    - {name: x, kind: slack, webhook: https://hooks.example.com/T}\n")
	if err == nil || !strings.Contains(err.Error(), "webhook_file") {
		t.Errorf("error is %v", err)
	}
}

func TestTargetOfTheConfigurationFileIsTold(t *testing.T) {
	s, r := newSite(t), newReceiver(t, statusCode(http.StatusOK))
	cfg, err := load(t, t.TempDir(), "notify:\n  targets:\n    - name: dash\n      kind: webhook\n      url: "+r.URL+
		"\n      template: '{\"text\": {{json .Title}}, \"level\": {{json .Level}}}'\n      timeout: 5s\n")
	if err != nil {
		t.Fatal(err)
	}
	s.replica(cfg.Targets...)
	s.publish(lost("node1"))
	s.sent(1)
	if body := string(r.deliveries()[0].body); body != `{"text": "bench host node1 is lost", "level": "bad"}` {
		t.Errorf("body %s", body)
	}
}
