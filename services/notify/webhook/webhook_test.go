package webhook

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

func TestSignatureIsTheOneOfRFC4231(t *testing.T) {
	// Test case 2 of the RFC.
	const want = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
	if got := Sign("Jefe", []byte("what do ya want for nothing?")); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func open(t *testing.T, template string) *Webhook {
	t.Helper()
	w, err := New(Config{URL: "http://127.0.0.1:1", Template: template}, post.New(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTemplateMakesTheBody(t *testing.T) {
	w := open(t, `{"text": {{json .Title}}, "sha": {{with .Commit}}{{json .SHA}}{{else}}null{{end}}}`)
	for _, c := range []struct {
		n    notice.Notice
		want string
	}{
		{notice.Notice{Title: `say "hi"` + "\n</script>"}, `{"text":"say \"hi\"\n</script>","sha":null}`},
		{notice.Notice{Title: "x", Commit: &notice.Commit{SHA: "abc"}}, `{"text":"x","sha":"abc"}`},
	} {
		body, mediaType, err := w.body(c.n)
		if err != nil || mediaType != "application/json" {
			t.Fatalf("%s, %v", mediaType, err)
		}
		var got, want any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if a, b := mustJSON(t, got), mustJSON(t, want); a != b {
			t.Errorf("body %s, want %s", a, b)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := toJSON(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTemplatesThatCannotWorkAreToldAtTheStart(t *testing.T) {
	for template, want := range map[string]string{
		`{{.Title`:               "parse template",
		`{"a": {{json .Titel}}}`: "Titel",
		`{"a": {{.Title}}}`:      "makes no JSON",
		`{"a": {{call .Title}}}`: "execute template",
		`{"a": {{env "HOME"}}}`:  "not defined",
	} {
		_, err := New(Config{Template: template}, post.New(time.Second))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("template %s: error is %v, want %q", template, err, want)
		}
	}
}

func TestNoticeThatATemplateCannotWordIsRefused(t *testing.T) {
	w := open(t, `{"sha": {{json .Commit.SHA}}}`)
	err := w.Send(t.Context(), notice.Notice{Event: events.Event{}})
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error is %v", err)
	}
}
