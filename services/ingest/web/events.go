package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest/forge"
	"github.com/fiord-bench/fiord/services/ingest/keys"
)

const (
	typeStructured = "application/cloudevents+json"
	typeBatch      = "application/cloudevents-batch+json"
	typeBinary     = "application/json"
)

// events takes CloudEvents of scripts. All of a batch is checked before any of
// it is stored.
func (s *Server) events(ctx context.Context, w http.ResponseWriter, r *http.Request) (answer, error) {
	if err := wantType(r, typeStructured, typeBatch, typeBinary); err != nil {
		return answer{}, err
	}
	body, err := s.gate.body(w, r)
	if err != nil {
		return answer{}, err
	}
	sender, err := s.authenticate(r, body)
	if err != nil {
		return answer{}, err
	}
	list, err := s.read(r, body)
	if err != nil {
		return answer{}, err
	}
	for i := range list {
		if list[i], err = s.admissible(list[i], sender); err != nil {
			return answer{}, inBatch(err, i, len(list))
		}
	}
	return s.publishAll(ctx, list)
}

func (s *Server) publishAll(ctx context.Context, list []events.Event) (answer, error) {
	var done accepted
	for _, e := range list {
		receipt, err := s.opts.Publisher.Publish(ctx, e)
		if err != nil {
			return answer{}, err
		}
		stored := Stored{ID: e.ID, Type: string(e.Type), Duplicate: receipt.Duplicate}
		if e.Type == events.TypeBenchRequested {
			stored.Bench = events.BenchID(e)
		}
		done.Events = append(done.Events, stored)
	}
	return answer{http.StatusAccepted, done}, nil
}

// authenticate finds the sender: by a bearer token, or by a signature as the
// git hook makes it, which keeps the token off the wire.
func (s *Server) authenticate(r *http.Request, body []byte) (keys.Sender, error) {
	ring := s.opts.Keys()
	if token, ok := bearer(r); ok {
		if sender, ok := ring.Sender(token); ok {
			return sender, nil
		}
		return keys.Sender{}, problem("unauthenticated", "the token is not valid: ask the operator for one")
	}
	if r.Header.Get("X-Fiord-Signature") == "" {
		return keys.Sender{}, problem("unauthenticated", "send the header Authorization: Bearer <token>, or a signature in X-Fiord-Signature")
	}
	if media(r) == typeBinary {
		return keys.Sender{}, problem("unauthenticated", "a signature covers the body alone, and in binary mode "+
			"the event's type is in the headers: send structured mode, or a bearer token")
	}
	key, err := forge.Git{}.Verify(forge.Delivery{Header: r.Header, Body: body}, ring.Signers(), s.opts.Now())
	if err != nil {
		return keys.Sender{}, unverified(err)
	}
	sender, _ := ring.SenderByID(key.ID)
	return sender, nil
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

func media(r *http.Request) string {
	m, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return m
}

// read takes the events out of a request, whatever mode they travel in.
func (s *Server) read(r *http.Request, body []byte) ([]events.Event, error) {
	switch media(r) {
	case typeStructured:
		e, err := events.ReadForeign(body)
		return []events.Event{e}, err
	case typeBatch:
		return s.readBatch(body)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c, err := cehttp.NewEventFromHTTPRequest(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: binary mode wants the headers ce-specversion, ce-id, ce-source and ce-type", events.ErrEnvelope, err)
	}
	e, err := events.FromForeign(*c)
	return []events.Event{e}, err
}

func (s *Server) readBatch(body []byte) ([]events.Event, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, problem("malformed", "a batch is a JSON array of events, and this is none: "+
			"send "+typeStructured+" for a single one")
	}
	if len(raw) == 0 || len(raw) > s.opts.Limits.Batch {
		return nil, problem("malformed", fmt.Sprintf("the batch holds %d events: send 1 to %d", len(raw), s.opts.Limits.Batch))
	}
	list := make([]events.Event, len(raw))
	for i, one := range raw {
		e, err := events.ReadForeign(one)
		if err != nil {
			return nil, inBatch(err, i, len(raw))
		}
		list[i] = e
	}
	return list, nil
}

// inBatch says which event of several is meant.
func inBatch(err error, i, n int) error {
	if n == 1 {
		return err
	}
	p := problemOf(err)
	p.Detail = fmt.Sprintf("event %d of %d: %s; none of the batch was stored", i+1, n, p.Detail)
	return p
}

// admissible holds an event to what its sender may say, and a request to what
// the operator lets it ask for. It returns the event as it is published: a request
// names the token, whatever the sender has written there.
func (s *Server) admissible(e events.Event, sender keys.Sender) (events.Event, error) {
	if !sender.May(e.Type) {
		return e, problem("forbidden", fmt.Sprintf("the token %q may not send %s: ask the operator to grant it %s", sender.ID, e.Type, e.Type.Short()))
	}
	if events.IsOwn(e.Source) {
		return e, problem("forbidden", fmt.Sprintf("source %q is a service's own: use one of yours, such as //%s/script", e.Source, sender.ID))
	}
	asks, ok := e.Data.(events.Requesting)
	if !ok {
		return e, nil
	}
	e.Data = asks.AskedBy(events.Requester{Right: events.RightToken, Name: sender.ID})
	return e, s.lawful(e.Data)
}

// lawful judges a request of a token by the operator's policy.
func (s *Server) lawful(data events.Data) error {
	bench, isBench := data.(events.BenchRequested)
	var repo *events.Repo
	if isBench && bench.Origin != nil {
		repo = &bench.Origin.Repo
	}
	if isBench && bench.Confirms != "" {
		return problem("forbidden", "confirms is set: only fiord itself measures a regression again")
	}
	rule, err := s.opts.Policy().Judge(data.(events.Requesting), repo)
	if err != nil {
		return problem("forbidden", err.Error())
	}
	if !isBench {
		return nil
	}
	var wrong []string
	for _, p := range rule.Check(bench) {
		wrong = append(wrong, p.Message)
	}
	if len(wrong) > 0 {
		return problem("forbidden", strings.Join(wrong, "; "))
	}
	return nil
}

// handshake answers the CloudEvents webhook validation: whoever asks may send,
// if he has a token.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Allow", "POST, OPTIONS")
	if origin := r.Header.Get("WebHook-Request-Origin"); origin != "" {
		h.Set("WebHook-Allowed-Origin", origin)
		perMinute := int(min(s.opts.Limits.Rate*60, 1e9))
		h.Set("WebHook-Allowed-Rate", fmt.Sprint(perMinute))
	}
	w.WriteHeader(http.StatusOK)
}

// eventBridge takes EC2 state changes as an API destination of EventBridge
// sends them: AWS's own envelope, the token in the Authorization header.
func (s *Server) eventBridge(ctx context.Context, w http.ResponseWriter, r *http.Request) (answer, error) {
	if err := wantType(r, "application/json"); err != nil {
		return answer{}, err
	}
	body, err := s.gate.body(w, r)
	if err != nil {
		return answer{}, err
	}
	token, _ := bearer(r)
	sender, ok := s.opts.Keys().Sender(token)
	if !ok {
		return answer{}, problem("unauthenticated", "give the API destination an API key connection with the name Authorization and the value Bearer <token>")
	}
	e, err := fromEventBridge(body)
	if err != nil {
		return answer{}, err
	}
	if e, err = s.admissible(e, sender); err != nil {
		return answer{}, err
	}
	return s.publishAll(ctx, []events.Event{e})
}

// fromEventBridge reads AWS's envelope. Its id is the event's, so that
// EventBridge's retries are one event.
func fromEventBridge(body []byte) (events.Event, error) {
	var n struct {
		ID         string    `json:"id"`
		DetailType string    `json:"detail-type"`
		Source     string    `json:"source"`
		Account    string    `json:"account"`
		Region     string    `json:"region"`
		Time       time.Time `json:"time"`
		Detail     struct {
			Instance string `json:"instance-id"`
			State    string `json:"state"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(body, &n); err != nil {
		return events.Event{}, problem("malformed", "the body is no event of EventBridge: "+err.Error())
	}
	if n.Source != "aws.ec2" || n.DetailType != "EC2 Instance State-change Notification" || n.ID == "" {
		return events.Event{}, problem("malformed", fmt.Sprintf("this is no EC2 Instance State-change Notification, but source %q, detail-type %q: narrow the rule's event pattern", n.Source, n.DetailType))
	}
	e := events.New("//aws.amazon.com/ec2/"+n.Account, n.ID, nil, events.InstanceChanged{
		Provider: "aws", Account: n.Account, Region: n.Region, Instance: n.Detail.Instance, State: n.Detail.State, At: n.Time,
	})
	return e, e.Validate()
}
