package forge

import (
	"fmt"
	"strconv"
	"strings"
)

// The payloads of GitHub, of Gitea and Forgejo, of Gogs and of Soft Serve
// differ in what they leave out, hardly in how they name it.

type hubRepo struct {
	ID            repoID `json:"id"`
	Name          string `json:"name"`
	FullName      string `json:"full_name"`
	CloneURL      string `json:"clone_url"`
	HTTPURL       string `json:"http_url"` // Soft Serve
	SSHURL        string `json:"ssh_url"`
	HTMLURL       string `json:"html_url"`
	DefaultBranch string `json:"default_branch"`
	Private       bool   `json:"private"`
}

func (r hubRepo) repo() Repo {
	return Repo{
		ID:            string(r.ID),
		Name:          first(r.FullName, r.Name),
		CloneURL:      first(r.CloneURL, r.HTTPURL),
		SSHURL:        r.SSHURL,
		WebURL:        r.HTMLURL,
		DefaultBranch: r.DefaultBranch,
		Private:       r.Private,
	}
}

type hubUser struct {
	Login    string `json:"login"`
	Username string `json:"username"`
	Name     string `json:"name"`
}

func (u hubUser) name() string { return first(u.Login, u.Username, u.Name) }

type hubPush struct {
	Ref        string  `json:"ref"`
	RefType    string  `json:"ref_type"` // only in create and delete events
	Before     string  `json:"before"`
	After      string  `json:"after"`
	Forced     bool    `json:"forced"`
	Repository hubRepo `json:"repository"`
	Pusher     hubUser `json:"pusher"`
	Sender     hubUser `json:"sender"`
}

// message fills in what every event of the family has.
func (p hubPush) message(forge, event, delivery string) Message {
	return Message{
		Forge:    forge,
		Event:    event,
		Delivery: delivery,
		Repo:     p.Repository.repo(),
		Sender:   first(p.Sender.name(), p.Pusher.name()),
	}
}

// push reads a push event. The test button of Gitea and Gogs sends a push that
// moves nothing.
func (p hubPush) push(m Message) (Message, error) {
	if p.Before == p.After && isObjectID(p.After) {
		m.Ping = true
		return m, m.check()
	}
	m.Pushes = []Push{{Ref: p.Ref, Before: p.Before, After: p.After, Forced: p.Forced}}
	return m, m.check()
}

// deletion reads the delete event of Gitea and Gogs, which send no push for a
// branch that goes away and do not tell where it pointed.
func (p hubPush) deletion(m Message) (Message, error) {
	prefix, ok := map[string]string{"branch": "refs/heads/", "tag": "refs/tags/"}[p.RefType]
	if !ok {
		return Message{}, fmt.Errorf("%w: ref_type %q of a delete event is neither branch nor tag", ErrMalformed, p.RefType)
	}
	ref := prefix + strings.TrimPrefix(p.Ref, prefix)
	m.Pushes = []Push{{Ref: ref, After: zeroID}}
	return m, m.check()
}

type hubPull struct {
	Action      string  `json:"action"`
	Number      int     `json:"number"`
	Repository  hubRepo `json:"repository"`
	Sender      hubUser `json:"sender"`
	PullRequest struct {
		Head hubTip `json:"head"`
		Base hubTip `json:"base"`
	} `json:"pull_request"`
}

type hubTip struct {
	Ref  string   `json:"ref"`
	SHA  string   `json:"sha"`
	Repo *hubRepo `json:"repo"` // null when the fork was deleted
}

// pull reads a pull_request event; Gitea says "synchronized" where GitHub says
// "synchronize".
func (p hubPull) pull(m Message) (Message, error) {
	m.Repo, m.Sender = p.Repository.repo(), p.Sender.name()
	action, ok := map[string]PullAction{
		"opened": PullUpdated, "reopened": PullUpdated, "synchronize": PullUpdated, "synchronized": PullUpdated,
		"closed": PullClosed,
	}[p.Action]
	if !ok {
		m.Ignored = "action " + strconv.Quote(p.Action) + " of a pull request brings no new commit"
		return m, m.check()
	}
	head, base := p.PullRequest.Head, p.PullRequest.Base
	m.Pull = &Pull{
		Number: p.Number, Action: action,
		HeadRef: head.Ref, Head: head.SHA,
		BaseRef: base.Ref, Base: base.SHA,
	}
	if head.Repo != nil {
		m.Pull.HeadRepo = head.Repo.repo().Name
		m.Pull.HeadCloneURL = head.Repo.repo().CloneURL
	}
	m.Pull.Fork = !strings.EqualFold(m.Pull.HeadRepo, m.Repo.Name)
	return m, m.check()
}

func unhandled(m Message) (Message, error) {
	m.Ignored = "event " + strconv.Quote(m.Event) + " asks for no measurement"
	return m, nil
}

// first returns the first string that is not empty.
func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
