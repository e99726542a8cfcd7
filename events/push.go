package events

import (
	"fmt"
	"strings"
	"time"
)

// Repo names a repository at a forge.
type Repo struct {
	// Forge that told of it: github, gitlab, gitea, forgejo, gogs, bitbucket,
	// bitbucket-dc, soft-serve or git.
	Forge string `json:"forge"`
	// Name is the full name at the forge, owner/repository.
	Name string `json:"name"`
	// ID is the forge's own of the repository, which outlives renaming; empty where
	// the forge sends none.
	ID string `json:"id,omitempty"`
	// CloneURL is where the commit can be fetched from.
	CloneURL string `json:"clone_url"`
	// WebURL is the page of the repository, for links in notices.
	WebURL string `json:"web_url,omitempty"`
	// DefaultBranch without refs/heads/, when the forge tells.
	DefaultBranch string `json:"default_branch,omitempty"`
}

// Pull is the pull or merge request that a push belongs to.
type Pull struct {
	// Number at the forge.
	Number int `json:"number"`
	// Base branch, without refs/heads/: the configuration comes from there.
	Base string `json:"base"`
	// BaseSHA is the commit of the base branch that the forge compared with.
	BaseSHA string `json:"base_sha,omitempty"`
	// Head branch in the repository that the commits come from, without
	// refs/heads/.
	Head string `json:"head,omitempty"`
	// HeadRepo is the full name of the repository that the commits come from,
	// and HeadURL where to fetch them, when the base repository cannot give them.
	HeadRepo string `json:"head_repo,omitempty"`
	HeadURL  string `json:"head_url,omitempty"`
	// Fork tells that the commits come from another repository.
	Fork bool `json:"fork,omitempty"`
}

func (p Pull) check(c *check, at string) {
	c.atLeast(at+".number", p.Number, 1)
	c.text(at+".base", p.Base, 1024)
	c.optional(at+".head", p.Head, 1024)
	c.optional(at+".head_repo", p.HeadRepo, 300)
	c.optional(at+".head_url", p.HeadURL, 2048)
	c.secretless(at+".head_url", p.HeadURL)
}

// Push is what every event about a push carries.
type Push struct {
	// Push is the id: the hash of forge, repository, ref, before, after and the
	// delivery that reported it.
	Push string `json:"push"`
	Repo Repo   `json:"repo"`
	// Ref in full: refs/heads/main, refs/tags/v1.
	Ref string `json:"ref"`
	// Before is the commit the ref pointed at; all zeros for a new ref.
	Before string `json:"before"`
	// After is the commit the ref points at; all zeros for a deleted one.
	After string `json:"after"`
	// Pull is set when the push came as a pull or merge request.
	Pull *Pull `json:"pull,omitempty"`
}

// About is the id of the push.
func (p Push) About() string { return p.Push }

// Deleted tells that the ref is gone.
func (p Push) Deleted() bool { return isZeroSHA(p.After) }

// Created tells that the ref is new.
func (p Push) Created() bool { return isZeroSHA(p.Before) }

// Branch is the short name of a branch, or "".
func (p Push) Branch() string { return suffix(p.Ref, "refs/heads/") }

// Tag is the short name of a tag, or "".
func (p Push) Tag() string { return suffix(p.Ref, "refs/tags/") }

func suffix(s, prefix string) string {
	if rest, ok := strings.CutPrefix(s, prefix); ok {
		return rest
	}
	return ""
}

func isZeroSHA(s string) bool { return s != "" && strings.Trim(s, "0") == "" }

func (p Push) check(c *check) {
	c.id("push", p.Push)
	p.Repo.check(c, "repo")
	c.that(strings.HasPrefix(p.Ref, "refs/"), "ref", "is %.80q, must start with refs/", p.Ref)
	c.optional("ref", p.Ref, 1024)
	c.sha("before", p.Before)
	c.sha("after", p.After)
	if p.Pull != nil {
		p.Pull.check(c, "pull")
	}
}

func (r Repo) check(c *check, at string) {
	oneOf(c, at+".forge", r.Forge, "github", "gitlab", "gitea", "forgejo", "gogs", "bitbucket", "bitbucket-dc", "soft-serve", "git")
	c.text(at+".name", r.Name, 300)
	c.text(at+".clone_url", r.CloneURL, 2048)
	c.secretless(at+".clone_url", r.CloneURL)
	c.secretless(at+".web_url", r.WebURL)
}

// sha wants a SHA-1 or SHA-256 object name.
func (c *check) sha(field, value string) {
	ok := (len(value) == 40 || len(value) == 64) && isHex(value)
	c.that(ok, field, "is %.70q, not a full commit id of 40 or 64 lower-case hexadecimal digits", value)
}

// PushReceived says that a forge or a git hook told of a push, and that its
// signature was right.
type PushReceived struct {
	Push
	// HeadMessage is the head commit's message as the forge sent it, at most
	// 1 KiB; the markers that skip a push are looked for in the commit itself.
	HeadMessage string `json:"head_message,omitempty"`
	// Pusher as the forge names them, for notices only.
	Pusher string `json:"pusher,omitempty"`
	// Delivery is the forge's id of the delivery: a repetition has the same.
	Delivery string `json:"delivery,omitempty"`
	// Reconciled tells that no hook arrived: a scan of the heads found it.
	Reconciled bool `json:"reconciled,omitempty"`
}

// EventType is push.received.
func (PushReceived) EventType() Type { return TypePushReceived }

// Validate reports the fields at fault.
func (d PushReceived) Validate() error {
	c := checking(d.EventType())
	d.check(c)
	c.optional("head_message", d.HeadMessage, 1024)
	c.optional("pusher", d.Pusher, MaxActor)
	c.optional("delivery", d.Delivery, 300)
	return c.err()
}

// PullReceived says that a forge told of new commits of a pull request without
// their ids: Bitbucket Cloud abbreviates them, Gogs leaves them out. Whoever
// finds the head of Pull.Head at Pull.HeadURL says push.received.
type PullReceived struct {
	// Repo that the request is made to.
	Repo Repo `json:"repo"`
	// Pull has its head, head_repo and head_url set.
	Pull Pull `json:"pull"`
	// Sender as the forge names them, for notices only.
	Sender string `json:"sender,omitempty"`
	// Delivery is the forge's id of the delivery, for looking it up there.
	Delivery string `json:"delivery,omitempty"`
}

// EventType is pull.received.
func (PullReceived) EventType() Type { return TypePullReceived }

// Validate reports the fields at fault.
func (d PullReceived) Validate() error {
	c := checking(d.EventType())
	d.Repo.check(c, "repo")
	d.Pull.check(c, "pull")
	c.text("pull.head", d.Pull.Head, 1024)
	c.text("pull.head_repo", d.Pull.HeadRepo, 300)
	c.text("pull.head_url", d.Pull.HeadURL, 2048)
	c.optional("sender", d.Sender, MaxActor)
	c.optional("delivery", d.Delivery, 300)
	return c.err()
}

// PushIgnored says that a push asked for nothing.
type PushIgnored struct {
	Push
	// Reason in a sentence: no fiord.yaml, no filter matched, skipped by marker.
	Reason string `json:"reason"`
	// Held tells that the push is of a pull request that waits for push.approved.
	Held bool `json:"held,omitempty"`
}

// EventType is push.ignored.
func (PushIgnored) EventType() Type { return TypePushIgnored }

// Validate reports the fields at fault.
func (d PushIgnored) Validate() error {
	c := checking(d.EventType())
	d.check(c)
	c.text("reason", d.Reason, MaxReason)
	return c.err()
}

// Problem is something wrong in a file that somebody wrote.
type Problem struct {
	// File as the author knows it.
	File string `json:"file,omitempty"`
	// Line counts from 1; 0 when the problem has no place.
	Line int `json:"line,omitempty"`
	// Column counts bytes from 1; 0 when unknown.
	Column int `json:"column,omitempty"`
	// Rule names the check in a word, for filters: syntax, policy, missing.
	Rule string `json:"rule"`
	// Option is the fio option or configuration key concerned.
	Option string `json:"option,omitempty"`
	// Message says what is wrong and what to do.
	Message string `json:"message"`
}

// String reads file:line:column: message.
func (p Problem) String() string {
	at := p.File
	if p.Line > 0 {
		at += fmt.Sprintf(":%d", p.Line)
		if p.Column > 0 {
			at += fmt.Sprintf(":%d", p.Column)
		}
	}
	if at == "" {
		return p.Message
	}
	return at + ": " + p.Message
}

func (c *check) problems(field string, list []Problem) {
	c.that(len(list) > 0, field, "is empty: say what was wrong")
	c.count(field, len(list), 50)
	for i, p := range list {
		c.text(fmt.Sprintf("%s[%d].rule", field, i), p.Rule, 100)
		c.text(fmt.Sprintf("%s[%d].message", field, i), p.Message, MaxMessage)
	}
}

// PushRejected says that a push wanted something that could not be understood
// or is not allowed.
type PushRejected struct {
	Push
	// Problems, the first 50, in the order of the files.
	Problems []Problem `json:"problems" jsonschema:"minItems=1,maxItems=50"`
}

// EventType is push.rejected.
func (PushRejected) EventType() Type { return TypePushRejected }

// Validate reports the fields at fault.
func (d PushRejected) Validate() error {
	c := checking(d.EventType())
	d.check(c)
	c.problems("problems", d.Problems)
	return c.err()
}

// PushApproved lets a held pull request run.
type PushApproved struct {
	// Push is the id of the push.received that was held.
	Push string `json:"push"`
	// By is who approved.
	By string `json:"by"`
	// Requester is who asks, and by what right.
	Requester *Requester `json:"requester,omitempty"`
}

// EventType is push.approved.
func (PushApproved) EventType() Type { return TypePushApproved }

// About is the id of the push.
func (d PushApproved) About() string { return d.Push }

// Validate reports the fields at fault.
func (d PushApproved) Validate() error {
	c := checking(d.EventType())
	c.id("push", d.Push)
	c.text("by", d.By, MaxActor)
	d.Requester.check(c)
	return c.err()
}

// ScheduleFired is one tick of one schedule of one repository.
type ScheduleFired struct {
	// Schedule is the id: the hash of repository, expression and time zone.
	Schedule string `json:"schedule"`
	Repo     Repo   `json:"repo"`
	// Ref whose head is measured.
	Ref string `json:"ref"`
	// Expression is the cron expression.
	Expression string `json:"expression"`
	// Tick is the time that the schedule names, not the time it was noticed.
	Tick time.Time `json:"tick"`
	// Missed tells that the tick was made up for after an outage.
	Missed bool `json:"missed,omitempty"`
}

// EventType is schedule.fired.
func (ScheduleFired) EventType() Type { return TypeScheduleFired }

// About is the id of the schedule.
func (d ScheduleFired) About() string { return d.Schedule }

// Validate reports the fields at fault.
func (d ScheduleFired) Validate() error {
	c := checking(d.EventType())
	c.id("schedule", d.Schedule)
	d.Repo.check(c, "repo")
	c.that(strings.HasPrefix(d.Ref, "refs/"), "ref", "is %.80q, must start with refs/", d.Ref)
	c.text("expression", d.Expression, 200)
	c.time("tick", d.Tick)
	return c.err()
}
