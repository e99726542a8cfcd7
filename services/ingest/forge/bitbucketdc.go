package forge

import (
	"net/http"
	"strings"
	"time"
)

// BitbucketDC is Bitbucket Data Center, which shares header names with
// Bitbucket Cloud and nothing of the payload.
type BitbucketDC struct{}

// Name implements [Forge].
func (BitbucketDC) Name() string { return "bitbucket-dc" }

// Sent implements [Forge]: X-Request-Id where Bitbucket Cloud sends
// X-Request-UUID and X-Hook-UUID.
func (BitbucketDC) Sent(h http.Header) bool {
	return h.Get("X-Event-Key") != "" && h.Get("X-Hook-UUID") == "" && h.Get("X-Request-UUID") == ""
}

// Verify implements [Forge].
func (BitbucketDC) Verify(d Delivery, keys []Key, _ time.Time) (Key, error) {
	return verifyBitbucket(d, keys)
}

type bitbucketDCHook struct {
	Actor      hubUser         `json:"actor"`
	Repository bitbucketDCRepo `json:"repository"`
	Changes    []struct {
		Ref struct {
			ID string `json:"id"`
		} `json:"ref"`
		From string `json:"fromHash"`
		To   string `json:"toHash"`
	} `json:"changes"`
	Pull struct {
		ID   int             `json:"id"`
		From bitbucketDCSide `json:"fromRef"`
		To   bitbucketDCSide `json:"toRef"`
	} `json:"pullRequest"`
}

type bitbucketDCRepo struct {
	ID      repoID `json:"id"`
	Slug    string `json:"slug"`
	Public  bool   `json:"public"`
	Project struct {
		Key string `json:"key"`
	} `json:"project"`
	Links struct {
		Clone []struct {
			Href string `json:"href"`
			Name string `json:"name"`
		} `json:"clone"`
		Self []struct {
			Href string `json:"href"`
		} `json:"self"`
	} `json:"links"`
}

type bitbucketDCSide struct {
	ID         string          `json:"id"` // refs/heads/topic
	Commit     string          `json:"latestCommit"`
	Repository bitbucketDCRepo `json:"repository"`
}

func (t bitbucketDCSide) branch() string { return strings.TrimPrefix(t.ID, "refs/heads/") }

func (h bitbucketDCRepo) repo() Repo {
	r := Repo{ID: string(h.ID), Private: !h.Public}
	if h.Project.Key != "" && h.Slug != "" {
		r.Name = h.Project.Key + "/" + h.Slug
	}
	for _, c := range h.Links.Clone {
		switch c.Name {
		case "http", "https":
			r.CloneURL = c.Href
		case "ssh":
			r.SSHURL = c.Href
		}
	}
	if len(h.Links.Self) > 0 {
		r.WebURL = h.Links.Self[0].Href
	}
	return r
}

// Parse implements [Forge].
func (f BitbucketDC) Parse(d Delivery) (Message, error) {
	var h bitbucketDCHook
	if err := decode(d.Body, &h); err != nil {
		return Message{}, err
	}
	m := Message{
		Forge:    f.Name(),
		Event:    d.Header.Get("X-Event-Key"),
		Delivery: d.Header.Get("X-Request-Id"),
		Sender:   h.Actor.name(),
		Repo:     h.Repository.repo(),
	}
	switch m.Event {
	case "diagnostics:ping":
		m.Ping = true
		return m, nil
	case "repo:refs_changed":
		return h.push(m)
	case "pr:opened", "pr:from_ref_updated", "pr:reopened":
		return h.pull(m, PullUpdated)
	case "pr:merged", "pr:declined", "pr:deleted":
		return h.pull(m, PullClosed)
	default:
		return unhandled(m)
	}
}

// pull reads a pull request, which names its repository on both of its sides
// alone.
func (h bitbucketDCHook) pull(m Message, action PullAction) (Message, error) {
	from, to := h.Pull.From, h.Pull.To
	m.Repo = to.Repository.repo()
	m.Pull = &Pull{
		Number: h.Pull.ID, Action: action,
		HeadRef: from.branch(), Head: from.Commit, HeadRepo: from.Repository.repo().Name, HeadCloneURL: from.Repository.repo().CloneURL,
		BaseRef: to.branch(), Base: to.Commit,
	}
	m.Pull.Fork = !strings.EqualFold(m.Pull.HeadRepo, m.Repo.Name)
	return m, m.check()
}

func (h bitbucketDCHook) push(m Message) (Message, error) {
	for _, c := range h.Changes {
		m.Pushes = append(m.Pushes, Push{Ref: c.Ref.ID, Before: c.From, After: c.To})
	}
	if len(m.Pushes) == 0 {
		m.Ignored = "the push changed no branch or tag"
	}
	return m, m.check()
}
