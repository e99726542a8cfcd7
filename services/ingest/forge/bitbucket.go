package forge

import (
	"net/http"
	"strings"
	"time"
)

// Bitbucket is Bitbucket Cloud. Its signature has the name of GitHub's old
// SHA-1 header, so the prefix decides.
type Bitbucket struct{}

// Name implements [Forge].
func (Bitbucket) Name() string { return "bitbucket" }

// Sent implements [Forge].
func (Bitbucket) Sent(h http.Header) bool { return h.Get("X-Event-Key") != "" }

// Verify implements [Forge].
func (Bitbucket) Verify(d Delivery, keys []Key, _ time.Time) (Key, error) {
	return verifyBitbucket(d, keys)
}

func verifyBitbucket(d Delivery, keys []Key) (Key, error) {
	const header = "X-Hub-Signature"
	sum, err := hexDigest(header, d.Header.Get(header), "sha256=")
	if err != nil {
		return Key{}, err
	}
	return matchMAC(keys, sum, d.Body)
}

type bitbucketHook struct {
	Actor struct {
		Nickname    string `json:"nickname"`
		DisplayName string `json:"display_name"`
	} `json:"actor"`
	Repository struct {
		FullName string `json:"full_name"`
		Private  bool   `json:"is_private"`
		Links    struct {
			HTML struct {
				Href string `json:"href"`
			} `json:"html"`
		} `json:"links"`
	} `json:"repository"`
	Push struct {
		Changes []struct {
			Old    *bitbucketTip `json:"old"`
			New    *bitbucketTip `json:"new"`
			Forced bool          `json:"forced"`
		} `json:"changes"`
	} `json:"push"`
}

type bitbucketTip struct {
	Type   string `json:"type"`
	Name   string `json:"name"`
	Target struct {
		Hash string `json:"hash"`
	} `json:"target"`
}

func (t *bitbucketTip) ref() string {
	if t.Type == "branch" || t.Type == "named_branch" {
		return "refs/heads/" + t.Name
	}
	return "refs/tags/" + t.Name
}

// Parse implements [Forge]. Pull requests carry abbreviated commit ids alone
// and are ignored; the pushes to their branches are not.
func (f Bitbucket) Parse(d Delivery) (Message, error) {
	var h bitbucketHook
	if err := decode(d.Body, &h); err != nil {
		return Message{}, err
	}
	web := h.Repository.Links.HTML.Href
	m := Message{
		Forge:    f.Name(),
		Event:    d.Header.Get("X-Event-Key"),
		Delivery: d.Header.Get("X-Request-UUID"),
		Sender:   first(h.Actor.Nickname, h.Actor.DisplayName),
		Repo:     Repo{Name: h.Repository.FullName, WebURL: web, Private: h.Repository.Private},
	}
	if web != "" {
		m.Repo.CloneURL = strings.TrimSuffix(web, "/") + ".git"
	}
	switch {
	case m.Event == "repo:push":
		return h.push(m)
	case strings.HasPrefix(m.Event, "pullrequest:"):
		m.Ignored = "Bitbucket abbreviates the commit of a pull request; the push to its branch counts"
		return m, m.check()
	default:
		return unhandled(m)
	}
}

func (h bitbucketHook) push(m Message) (Message, error) {
	for _, c := range h.Push.Changes {
		p := Push{Before: zeroID, After: zeroID, Forced: c.Forced}
		if c.Old != nil {
			p.Ref, p.Before = c.Old.ref(), c.Old.Target.Hash
		}
		if c.New != nil {
			p.Ref, p.After = c.New.ref(), c.New.Target.Hash
		}
		m.Pushes = append(m.Pushes, p)
	}
	if len(m.Pushes) == 0 {
		m.Ignored = "the push changed no branch or tag"
	}
	return m, m.check()
}
