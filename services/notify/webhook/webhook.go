// Package webhook tells any HTTP receiver: the event itself, as a structured
// CloudEvent, or a JSON document of the operator's own making.
//
// The body is signed: X-Fiord-Signature-256 is "sha256=" and the hexadecimal
// HMAC-SHA256 of the body. X-Fiord-Notice, repeated as Idempotency-Key, stays
// the same when a notice is sent again because its answer was lost.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"text/template"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// The headers of a notice.
const (
	HeaderSignature = "X-Fiord-Signature-256"
	HeaderNotice    = "X-Fiord-Notice"
	HeaderEvent     = "X-Fiord-Event"
)

// Config of one receiver.
type Config struct {
	URL string
	// Secret signs the body; without one there is no signature.
	Secret string
	// Headers are sent as they are, such as Authorization.
	Headers map[string]string
	// Template, if set, makes the body from a [notice.Notice]; see [Parse].
	Template string
}

// Webhook sends to one receiver.
type Webhook struct {
	cfg      Config
	client   *post.Client
	template *template.Template // nil for the CloudEvent
}

// New prepares a receiver. The error is the template's.
func New(cfg Config, client *post.Client) (*Webhook, error) {
	w := &Webhook{cfg: cfg, client: client}
	if cfg.Template == "" {
		return w, nil
	}
	var err error
	if w.template, err = Parse(cfg.Template); err != nil {
		return nil, err
	}
	_, _, err = w.body(sample) // a wrong field or a missing quote is told now
	return w, err
}

// sample has everything that a notice can have.
var sample = notice.Notice{
	ID: "id", Title: "title", Text: "text", Level: notice.Info, URL: "https://example.org", Verdict: events.VerdictUnchanged,
	Fields: []notice.Field{{Name: "name", Value: "value"}},
	Commit: &notice.Commit{Repo: events.Repo{Forge: "git", Name: "owner/name"}, Ref: "refs/heads/main", SHA: "sha", Pull: 1},
	Status: &notice.Status{State: notice.Success, Context: "fiord", Description: "description", About: "id"},
}

// Parse reads a template in the syntax of text/template. Its dot is the
// [notice.Notice]; the function json writes any value of it as JSON, quotes and
// escapes included: {"text": {{json .Title}}, "sha": {{with .Commit}}{{json .SHA}}{{else}}null{{end}}}.
func Parse(text string) (*template.Template, error) {
	t, err := template.New("body").Option("missingkey=error").Funcs(template.FuncMap{"json": toJSON}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	return t, nil
}

func toJSON(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// Sign is the value of [HeaderSignature] for a body.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Send posts one notice.
func (w *Webhook) Send(ctx context.Context, n notice.Notice) error {
	body, mediaType, err := w.body(n)
	if err != nil {
		return err
	}
	h := http.Header{}
	for name, value := range maps.All(w.cfg.Headers) {
		h.Set(name, value)
	}
	h.Set("Content-Type", mediaType)
	h.Set(HeaderEvent, string(n.Event.Type))
	h.Set(HeaderNotice, n.ID)
	h.Set("Idempotency-Key", n.ID)
	if w.cfg.Secret != "" {
		h.Set(HeaderSignature, Sign(w.cfg.Secret, body))
	}
	return w.client.Do(ctx, post.Request{URL: w.cfg.URL, Header: h, Body: body})
}

func (w *Webhook) body(n notice.Notice) (body []byte, mediaType string, err error) {
	if w.template == nil {
		body, err := events.Marshal(n.Event)
		if err != nil {
			return nil, "", notice.Refusal("encode event: %w", err)
		}
		return body, events.MediaType, nil
	}
	var b bytes.Buffer
	if err := w.template.Execute(&b, n); err != nil {
		return nil, "", notice.Refusal("execute template: %w", err)
	}
	if !json.Valid(b.Bytes()) {
		return nil, "", notice.Refusal("template makes no JSON, write values as {{json .Title}}: %s", notice.OneLine(strings.TrimSpace(b.String()), 200))
	}
	return b.Bytes(), "application/json", nil
}
