package chat_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/services/notify/chat"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
	"github.com/fiord-bench/fiord/services/notify/posttest"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// hostile is what a stranger would like people to click on.
const hostile = `<!channel> @all [free](http://evil) *b* _i_ ` + "`c`" + ` <http://evil|here> &amp; # h`

func message() notice.Notice {
	return notice.Notice{
		ID: "7i4hymiau5gjjnaaz5nd3bhzzy", Level: notice.Bad, Title: "randread: " + hostile,
		Text: "read.p99 regressed\n" + hostile, URL: "https://bench.example.com/benches/b",
		Fields: []notice.Field{{Name: "repository", Value: "acme/storage"}, {Name: "ref", Value: hostile}},
	}
}

func TestMessagesOfEveryChat(t *testing.T) {
	for name, open := range map[string]func(string) posttest.Sender{
		"slack":      func(url string) posttest.Sender { return chat.NewSlack(url+"/hook", posttest.Client()) },
		"mattermost": func(url string) posttest.Sender { return chat.NewMattermost(url+"/hook", posttest.Client()) },
		"discord":    func(url string) posttest.Sender { return chat.NewDiscord(url+"/hook", posttest.Client()) },
		"teams":      func(url string) posttest.Sender { return chat.NewTeams(url+"/hook", posttest.Client()) },
		"google":     func(url string) posttest.Sender { return chat.NewGoogle(url+"/hook", posttest.Client()) },
		"matrix": func(url string) posttest.Sender {
			return chat.NewMatrix(url+"/", "!room:example.org", "token", posttest.Client())
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := posttest.Capture(t, open, message())
			if name == "matrix" {
				want := "/_matrix/client/v3/rooms/%21room:example.org/send/m.room.message/" + message().ID
				if got.Method != http.MethodPut || got.Path != want || got.Header.Get("Authorization") != "Bearer token" {
					t.Errorf("%s %s with %q, want PUT %s", got.Method, got.Path, got.Header.Get("Authorization"), want)
				}
			} else if got.Method != http.MethodPost || got.Path != "/hook" {
				t.Errorf("%s %s", got.Method, got.Path)
			}
			golden(t, filepath.Join("testdata", name+".json"), got.Body)
		})
	}
}

func golden(t *testing.T, file string, body any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(body); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got), run with -update if that is meant:\n%s", file, diff)
	}
}

func TestStrangersMentionNobody(t *testing.T) {
	slack := posttest.Capture(t, func(url string) posttest.Sender { return chat.NewSlack(url, posttest.Client()) }, message())
	if text := flat(t, slack.Body); strings.Contains(text, "<!") || strings.Contains(text, "<http") {
		t.Errorf("slack reads control sequences in %s", text)
	}
	mattermost := posttest.Capture(t, func(url string) posttest.Sender { return chat.NewMattermost(url, posttest.Client()) }, message())
	if text := flat(t, mattermost.Body); strings.Contains(text, "@all") || strings.Contains(text, "](http") {
		t.Errorf("mattermost reads a mention or a link in %s", text)
	}
	discord := posttest.Capture(t, func(url string) posttest.Sender { return chat.NewDiscord(url, posttest.Client()) }, message())
	if mentions := flat(t, discord.Body["allowed_mentions"]); mentions != `{"parse":[]}` {
		t.Errorf("discord may mention %s", mentions)
	}
}

func flat(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func TestMessageToAPhone(t *testing.T) {
	got := posttest.Capture(t, func(url string) posttest.Sender {
		s, err := chat.NewNtfy(url+"/base/topic", "token", posttest.Client())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, message())
	if got.Method != http.MethodPost || got.Path != "/base/" || got.Header.Get("Authorization") != "Bearer token" {
		t.Errorf("%s %s with %q", got.Method, got.Path, got.Header.Get("Authorization"))
	}
	golden(t, filepath.Join("testdata", "ntfy.json"), got.Body)
	for _, address := range []string{"https://ntfy.sh", "https://ntfy.sh/", "://"} {
		if _, err := chat.NewNtfy(address, "", posttest.Client()); err == nil {
			t.Errorf("%s: error is %v", address, err)
		}
	}
}

// However long a notice is, it fits what the smallest of the chats takes.
func TestLongNoticesFitEveryChat(t *testing.T) {
	n := message()
	n.Text = strings.Repeat("*é* ", 5000)
	for range 12 {
		n.Fields = append(n.Fields, notice.Field{Name: "name", Value: strings.Repeat("v", 500)})
	}
	for name, c := range map[string]struct {
		limit int
		open  func(url string) posttest.Sender
	}{
		"teams":  {28 << 10, func(url string) posttest.Sender { return chat.NewTeams(url, posttest.Client()) }},
		"google": {32000, func(url string) posttest.Sender { return chat.NewGoogle(url, posttest.Client()) }},
	} {
		body, err := json.Marshal(posttest.Capture(t, c.open, n).Body)
		if err != nil || len(body) > c.limit {
			t.Errorf("%s: %d bytes, %v", name, len(body), err)
		}
	}
}

// Some gateways answer 200 for what they could not pass on.
func TestASuccessThatSaysItIsNone(t *testing.T) {
	for answer, want := range map[string]notice.Outcome{
		`ok`: "", `1`: "", ``: "", `{"ok":true}`: "", `{"id":"7","error":null}`: "", `{"event_id":"$x"}`: "", `{"errcode":0,"errmsg":"ok"}`: "",
		`{"ok":false,"error":"invalid_blocks"}`:      notice.Failed,
		`{"errcode":310000,"errmsg":"no keyword"}`:   notice.Failed,
		`{"error":{"code":400,"message":"no card"}}`: notice.Failed,
		`Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 with ContextId tcid=0`: notice.Failed,
		`Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0`: notice.Busy,
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		err := chat.NewSlack(srv.URL, post.New(10*time.Second)).Send(t.Context(), notice.Notice{ID: "n", Title: "t"})
		srv.Close()
		var got notice.Outcome
		if failure, ok := errors.AsType[*notice.SendError](err); ok {
			got = failure.Outcome
		}
		if got != want || (err == nil) != (want == "") {
			t.Errorf("%s: %v, want %q", answer, err, want)
		}
	}
}
