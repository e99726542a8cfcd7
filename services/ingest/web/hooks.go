package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/forge"
)

// Stored is what a sender is told of each event.
type Stored struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	// Ref that was pushed to, for pushes.
	Ref string `json:"ref,omitempty"`
	// Bench is the id of the bench that the event asks for, for bench.requested.
	Bench string `json:"bench,omitempty"`
	// Duplicate tells that the event was stored before: nothing new follows.
	Duplicate bool `json:"duplicate,omitempty"`
}

type accepted struct {
	Events  []Stored `json:"events,omitempty"`
	Message string   `json:"message,omitempty"`
}

// hook takes a forge's webhook.
func (s *Server) hook(ctx context.Context, w http.ResponseWriter, r *http.Request) (answer, error) {
	f, err := detect(r)
	if err != nil {
		return answer{}, problem("unknown-forge", err.Error())
	}
	if err := wantType(r, "application/json", "application/x-www-form-urlencoded"); err != nil {
		return answer{}, err
	}
	body, err := s.gate.body(w, r)
	if err != nil {
		return answer{}, err
	}
	d := forge.Delivery{Header: r.Header, Body: body}
	ring := s.opts.Keys()
	key, err := f.Verify(d, ring.Webhooks(f.Name()), s.opts.Now())
	if err != nil {
		return answer{}, unverified(err)
	}
	m, err := f.Parse(d)
	if err != nil {
		return answer{}, problem("malformed", err.Error())
	}
	if m.Repo.Name != "" && !ring.MaySpeakFor(key.ID, m.Repo.Name) {
		return answer{}, problem("forbidden", fmt.Sprintf("the key %q is not meant for %s: use the secret of this repository", key.ID, m.Repo.Name))
	}
	return s.act(ctx, m, key)
}

func detect(r *http.Request) (forge.Forge, error) {
	if name := r.PathValue("forge"); name != "" {
		return forge.Named(name)
	}
	return forge.Detect(r.Header)
}

// wantType refuses bodies of a type that nobody here reads.
func wantType(r *http.Request, types ...string) error {
	got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	for _, t := range types {
		if err == nil && (got == t || strings.HasSuffix(t, "/*") && strings.HasPrefix(got, strings.TrimSuffix(t, "*"))) {
			return nil
		}
	}
	return problem("unsupported-type", fmt.Sprintf("Content-Type is %q: send %s", r.Header.Get("Content-Type"), strings.Join(types, " or ")))
}

func unverified(err error) *Problem {
	switch {
	case errors.Is(err, forge.ErrUnsigned):
		return problem("unsigned", err.Error())
	case errors.Is(err, forge.ErrMalformed):
		return problem("malformed", err.Error())
	default:
		return problem("bad-signature", err.Error())
	}
}

// act does what a verified message asks for.
func (s *Server) act(ctx context.Context, m forge.Message, key forge.Key) (answer, error) {
	switch {
	case m.Ping:
		return answer{http.StatusOK, accepted{Message: "the connection works"}}, nil
	case m.Ignored != "":
		return answer{http.StatusOK, accepted{Message: m.Ignored}}, nil
	}
	rule, ok := s.opts.Policy().For(m.Forge, m.Repo.Name)
	if !ok || !rule.AllowsKey(key.ID) {
		return answer{}, problem("forbidden", fmt.Sprintf("no rule of the operator lets the key %q push for %s at %s: ask for one in repos.yaml", key.ID, m.Repo.Name, m.Forge))
	}
	if m.Pull != nil {
		return s.pull(ctx, m, rule)
	}
	return s.pushes(ctx, m, rule)
}

// pushes stores every ref that moved. If it fails in between, the sender
// repeats the whole and the first ones are found stored.
func (s *Server) pushes(ctx context.Context, m forge.Message, rule repos.Rule) (answer, error) {
	var done accepted
	for _, p := range m.Pushes {
		data := events.PushReceived{
			Push: events.Push{
				Repo: repository(m, rule), Ref: p.Ref, Before: known(p.Before, p.After), After: p.After,
			},
			Pusher: clip(m.Sender), Delivery: clip(m.Delivery),
		}
		stored, err := s.store(ctx, data)
		if err != nil {
			return answer{}, err
		}
		done.Events = append(done.Events, stored)
	}
	return answer{http.StatusAccepted, done}, nil
}

// pull stores a pull request's head as a push to the ref under which forges
// keep it. The branch of a member's request is pushed as well; measuring both
// would say everything twice, which the reaction sees to.
func (s *Server) pull(ctx context.Context, m forge.Message, rule repos.Rule) (answer, error) {
	p := m.Pull
	if rule.PullRequests == "" || rule.PullRequests == repos.PullsOff {
		return answer{http.StatusOK, accepted{Message: "the operator has not let pull requests of this repository in"}}, nil
	}
	if p.Action == forge.PullUpdated && p.Head == "" {
		return s.headless(ctx, m, rule)
	}
	after := p.Head
	if p.Action == forge.PullClosed {
		after = strings.Repeat("0", max(len(p.Head), 40))
	}
	data := events.PushReceived{
		Push: events.Push{
			Repo: repository(m, rule), Ref: PullRef(m.Forge, p.Number), Before: known(p.Base, after), After: after,
			Pull: &events.Pull{Number: p.Number, Base: p.BaseRef, BaseSHA: p.Base, Head: p.HeadRef, Fork: p.Fork},
		},
		Pusher: clip(m.Sender), Delivery: clip(m.Delivery),
	}
	stored, err := s.store(ctx, data)
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusAccepted, accepted{Events: []Stored{stored}}}, nil
}

// headless stores a pull request whose forge does not tell the commit. Asking
// the forge for it is left to a reaction: the sender waits for the answer, and
// the forge may be slow.
func (s *Server) headless(ctx context.Context, m forge.Message, rule repos.Rule) (answer, error) {
	p := m.Pull
	e := events.New(s.opts.Publisher.Source(), events.HashID(m.Forge, m.Repo.Name, strconv.Itoa(p.Number), m.Delivery), nil, events.PullReceived{
		Repo: repository(m, rule),
		Pull: events.Pull{
			Number: p.Number, Base: p.BaseRef, Head: p.HeadRef, HeadRepo: p.HeadRepo,
			HeadURL: rule.CloneURL(p.HeadRepo, p.HeadCloneURL), Fork: p.Fork,
		},
		Sender: clip(m.Sender), Delivery: clip(m.Delivery),
	})
	receipt, err := s.opts.Publisher.Publish(ctx, e)
	if err != nil {
		return answer{}, err
	}
	stored := Stored{ID: e.ID, Type: string(e.Type), Ref: PullRef(m.Forge, p.Number), Duplicate: receipt.Duplicate}
	return answer{http.StatusAccepted, accepted{Events: []Stored{stored}}}, nil
}

// PullRef is the ref that a forge keeps the head of a pull request under, or
// would if it kept one.
func PullRef(name string, number int) string {
	switch name {
	case (forge.GitLab{}).Name():
		return "refs/merge-requests/" + strconv.Itoa(number) + "/head"
	case (forge.BitbucketDC{}).Name():
		return "refs/pull-requests/" + strconv.Itoa(number) + "/from"
	}
	return "refs/pull/" + strconv.Itoa(number) + "/head"
}

// store derives the push's id and publishes it. A delivery without an id is taken
// for one of its own: whether it repeats another is for the reaction to find out,
// which knows what became of the ref in between.
func (s *Server) store(ctx context.Context, data events.PushReceived) (Stored, error) {
	if data.Delivery == "" {
		data.Delivery = rand.Text()
	}
	data.Push.Push = events.PushID(data.Repo.Forge, data.Repo.Name, data.Ref, data.Before, data.After, data.Delivery)
	e := events.New(s.opts.Publisher.Source(), data.Push.Push, nil, data)
	receipt, err := s.opts.Publisher.Publish(ctx, e)
	if err != nil {
		return Stored{}, err
	}
	return Stored{ID: data.Push.Push, Type: string(e.Type), Ref: data.Ref, Duplicate: receipt.Duplicate}, nil
}

func repository(m forge.Message, rule repos.Rule) events.Repo {
	told := m.Repo.CloneURL
	if told == "" {
		told = m.Repo.SSHURL
	}
	return events.Repo{
		Forge: m.Forge, ID: m.Repo.ID, Name: m.Repo.Name, CloneURL: rule.CloneURL(m.Repo.Name, told),
		WebURL: events.CloneAddress(m.Repo.WebURL), DefaultBranch: m.Repo.DefaultBranch,
	}
}

// known stands in for a commit that the forge does not tell.
func known(before, after string) string {
	if before == "" {
		return strings.Repeat("0", len(after))
	}
	return before
}

// clip holds a name of the forge's to what an event may carry of it.
func clip(s string) string {
	const most = 300
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
