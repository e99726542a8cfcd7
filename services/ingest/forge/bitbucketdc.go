package forge

import (
	"net/http"
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
	Actor      hubUser `json:"actor"`
	Repository struct {
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
	} `json:"repository"`
	Changes []struct {
		Ref struct {
			ID string `json:"id"`
		} `json:"ref"`
		From string `json:"fromHash"`
		To   string `json:"toHash"`
	} `json:"changes"`
}

func (h bitbucketDCHook) repo() Repo {
	r := Repo{Private: !h.Repository.Public}
	if h.Repository.Project.Key != "" && h.Repository.Slug != "" {
		r.Name = h.Repository.Project.Key + "/" + h.Repository.Slug
	}
	for _, c := range h.Repository.Links.Clone {
		switch c.Name {
		case "http", "https":
			r.CloneURL = c.Href
		case "ssh":
			r.SSHURL = c.Href
		}
	}
	if len(h.Repository.Links.Self) > 0 {
		r.WebURL = h.Repository.Links.Self[0].Href
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
		Repo:     h.repo(),
	}
	switch m.Event {
	case "diagnostics:ping":
		m.Ping = true
		return m, nil
	case "repo:refs_changed":
	default:
		return unhandled(m)
	}
	for _, c := range h.Changes {
		m.Pushes = append(m.Pushes, Push{Ref: c.Ref.ID, Before: c.From, After: c.To})
	}
	if len(m.Pushes) == 0 {
		m.Ignored = "the push changed no branch or tag"
	}
	return m, m.check()
}
