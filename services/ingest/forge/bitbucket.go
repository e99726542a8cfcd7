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
	Repository bitbucketRepo `json:"repository"`
	Pull       struct {
		ID          int           `json:"id"`
		Source      bitbucketSide `json:"source"`
		Destination bitbucketSide `json:"destination"`
	} `json:"pullrequest"`
	Push struct {
		Changes []struct {
			Old    *bitbucketTip `json:"old"`
			New    *bitbucketTip `json:"new"`
			Forced bool          `json:"forced"`
		} `json:"changes"`
	} `json:"push"`
}

type bitbucketRepo struct {
	UUID     repoID `json:"uuid"`
	FullName string `json:"full_name"`
	Private  bool   `json:"is_private"`
	Links    struct {
		HTML struct {
			Href string `json:"href"`
		} `json:"html"`
	} `json:"links"`
}

// repo derives the address to fetch from, which the payload does not hold, from
// that of the page.
func (r bitbucketRepo) repo() Repo {
	repo := Repo{ID: string(r.UUID), Name: r.FullName, WebURL: r.Links.HTML.Href, Private: r.Private}
	if repo.WebURL != "" {
		repo.CloneURL = strings.TrimSuffix(repo.WebURL, "/") + ".git"
	}
	return repo
}

// bitbucketSide is where a pull request comes from or goes to. Its commit is
// abbreviated, so it is not read.
type bitbucketSide struct {
	Branch struct {
		Name string `json:"name"`
	} `json:"branch"`
	Repository *bitbucketRepo `json:"repository"` // null when it was deleted
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

// Parse implements [Forge]. Pull requests come without the commit they are at,
// which stays to be found out.
func (f Bitbucket) Parse(d Delivery) (Message, error) {
	var h bitbucketHook
	if err := decode(d.Body, &h); err != nil {
		return Message{}, err
	}
	m := Message{
		Forge:    f.Name(),
		Event:    d.Header.Get("X-Event-Key"),
		Delivery: d.Header.Get("X-Request-UUID"),
		Sender:   first(h.Actor.Nickname, h.Actor.DisplayName),
		Repo:     h.Repository.repo(),
	}
	switch m.Event {
	case "repo:push":
		return h.push(m)
	case "pullrequest:created", "pullrequest:updated":
		return h.pull(m, PullUpdated)
	case "pullrequest:fulfilled", "pullrequest:rejected":
		return h.pull(m, PullClosed)
	default:
		return unhandled(m)
	}
}

func (h bitbucketHook) pull(m Message, action PullAction) (Message, error) {
	m.Pull = &Pull{Number: h.Pull.ID, Action: action, HeadRef: h.Pull.Source.Branch.Name, BaseRef: h.Pull.Destination.Branch.Name}
	if from := h.Pull.Source.Repository; from != nil {
		m.Pull.HeadRepo, m.Pull.HeadCloneURL = from.repo().Name, from.repo().CloneURL
	}
	m.Pull.Fork = !strings.EqualFold(m.Pull.HeadRepo, m.Repo.Name)
	return m, m.check()
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
