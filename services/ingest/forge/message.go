package forge

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Message is what a delivery says, in one form for every forge. Exactly one of
// Pushes, Pull, Ping and Ignored is set.
type Message struct {
	// Forge is the sender's name.
	Forge string `json:"forge"`
	// Event is the forge's own name of the event, such as "push".
	Event string `json:"event"`
	// Delivery is the forge's id of this delivery: a repetition has the same one.
	// One push can arrive under two of them.
	Delivery string `json:"delivery,omitempty"`
	// Repo is the repository the message is about.
	Repo Repo `json:"repo"`
	// Sender is the account that pushed, as the forge names it.
	Sender string `json:"sender,omitempty"`
	// Pushes are the refs that moved: one, but for Bitbucket, which sends all
	// refs of one git push together.
	Pushes []Push `json:"pushes,omitempty"`
	// Pull is the pull or merge request that changed.
	Pull *Pull `json:"pull,omitempty"`
	// Ping says that the forge only tries the connection.
	Ping bool `json:"ping,omitempty"`
	// Ignored says why nothing follows from a message that is well-formed.
	Ignored string `json:"ignored,omitempty"`
}

// Repo is a repository as its forge describes it.
type Repo struct {
	// ID is the forge's own, which outlives renaming; empty where it sends none.
	ID string `json:"id,omitempty"`
	// Name is the full name, owner and groups included: "storage/jobs".
	Name string `json:"name"`
	// CloneURL is where to fetch over HTTP.
	CloneURL string `json:"clone_url,omitempty"`
	// SSHURL is where to fetch over ssh, as a URL or in scp's form.
	SSHURL string `json:"ssh_url,omitempty"`
	// WebURL is the repository's page.
	WebURL string `json:"web_url,omitempty"`
	// DefaultBranch is the short name of the default branch.
	DefaultBranch string `json:"default_branch,omitempty"`
	// Private says that fetching needs credentials.
	Private bool `json:"private,omitempty"`
}

// Push is one ref that moved.
type Push struct {
	// Ref is the full name: refs/heads/main, refs/tags/v1.
	Ref string `json:"ref"`
	// Before and After are full object ids; all zeros when the ref was created
	// or deleted. Before is empty when the forge does not tell.
	Before string `json:"before,omitempty"`
	After  string `json:"after"`
	// Forced says that the forge saw history rewritten; not every forge tells.
	Forced bool `json:"forced,omitempty"`
}

// Created tells whether the push made the ref.
func (p Push) Created() bool { return isZero(p.Before) }

// Deleted tells whether the push removed the ref.
func (p Push) Deleted() bool { return isZero(p.After) }

// PullAction is what happened to a pull request.
type PullAction string

const (
	// PullUpdated covers opening, reopening and new commits: there is a head
	// commit that has not been seen.
	PullUpdated PullAction = "updated"
	// PullClosed covers merging and declining.
	PullClosed PullAction = "closed"
)

// Pull is a pull or merge request.
type Pull struct {
	Number int        `json:"number"`
	Action PullAction `json:"action"`
	// HeadRef is the short name of the branch the change is on, Head its commit;
	// Bitbucket Cloud and Gogs do not tell the commit.
	HeadRef string `json:"head_ref"`
	Head    string `json:"head,omitempty"`
	// HeadRepo is the full name of the repository with the change; it is empty
	// when that was deleted.
	HeadRepo     string `json:"head_repo,omitempty"`
	HeadCloneURL string `json:"head_clone_url,omitempty"`
	// BaseRef is the short name of the branch the change is for, Base the commit
	// of it that the forge compared with; GitLab, Bitbucket Cloud and Gogs do not
	// tell.
	BaseRef string `json:"base_ref"`
	Base    string `json:"base,omitempty"`
	// Fork says that the change comes from another repository than the base:
	// from somebody who may have no right to push.
	Fork bool `json:"fork,omitempty"`
}

// check refuses what would be dangerous or senseless further on, whoever
// signed it.
func (m Message) check() error {
	if err := checkRepo(m.Repo.Name); err != nil {
		return err
	}
	for _, p := range m.Pushes {
		if err := p.check(); err != nil {
			return err
		}
	}
	if m.Pull == nil {
		return nil
	}
	if m.Pull.Number <= 0 {
		return fmt.Errorf("%w: pull request has no number", ErrMalformed)
	}
	if m.Pull.Action == PullUpdated && m.Pull.Head == "" && m.Delivery == "" {
		return fmt.Errorf("%w: the delivery has no id, and the pull request no commit: nothing tells it from the one before", ErrMalformed)
	}
	return m.Pull.check()
}

func (p Pull) check() error {
	switch {
	case p.Action != PullUpdated || isObjectID(p.Head):
		return nil
	case p.Head != "":
		return fmt.Errorf("%w: head commit %q of pull request %d is no object id", ErrMalformed, p.Head, p.Number)
	case !isRef("refs/heads/"+p.HeadRef) || p.HeadCloneURL == "":
		return fmt.Errorf("%w: pull request %d has neither the commit nor the branch and repository that it comes from", ErrMalformed, p.Number)
	}
	return checkRepo(p.HeadRepo)
}

func (p Push) check() error {
	if !isRef(p.Ref) {
		return fmt.Errorf("%w: ref %q is no full ref name", ErrMalformed, p.Ref)
	}
	if !isObjectID(p.After) {
		return fmt.Errorf("%w: after %q of %s is no object id", ErrMalformed, p.After, p.Ref)
	}
	if p.Before != "" && !isObjectID(p.Before) {
		return fmt.Errorf("%w: before %q of %s is no object id", ErrMalformed, p.Before, p.Ref)
	}
	return nil
}

// maxName bounds repository and ref names: GitLab's longest path is 255.
const maxName = 255

func checkRepo(name string) error {
	if name == "" {
		return fmt.Errorf("%w: no repository", ErrMalformed)
	}
	if len(name) > maxName {
		return fmt.Errorf("%w: repository name has %d bytes, at most %d are taken", ErrMalformed, len(name), maxName)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.IndexFunc(part, notInName) >= 0 {
			return fmt.Errorf("%w: repository name %q", ErrMalformed, name)
		}
	}
	return nil
}

func notInName(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`\:?*"<>|`, r) }

// isRef follows git check-ref-format as far as safety needs it.
func isRef(ref string) bool {
	if !strings.HasPrefix(ref, "refs/") || len(ref) > maxName || strings.HasSuffix(ref, "/") ||
		strings.HasSuffix(ref, ".lock") || strings.HasSuffix(ref, ".") {
		return false
	}
	if strings.Contains(ref, "..") || strings.Contains(ref, "//") || strings.Contains(ref, "@{") || strings.Contains(ref, "/.") {
		return false
	}
	return strings.IndexFunc(ref, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r)
	}) < 0
}

// isObjectID takes SHA-1 and SHA-256 ids in full: an abbreviation can become
// ambiguous after the push.
func isObjectID(id string) bool {
	if len(id) != 40 && len(id) != 64 {
		return false
	}
	return strings.IndexFunc(id, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') }) < 0
}

func isZero(id string) bool { return id != "" && strings.Trim(id, "0") == "" }

// zeroID is what git writes for a ref that is not there.
const zeroID = "0000000000000000000000000000000000000000"

// repoID is a repository's id as a forge writes it: a number or a text. What is
// neither, or too long for an id, is none: a push is not refused for it.
type repoID string

// maxRepoID bounds the text of an id.
const maxRepoID = 64

// UnmarshalJSON takes any value.
func (id *repoID) UnmarshalJSON(raw []byte) error {
	*id = ""
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if len(text) <= maxRepoID {
			*id = repoID(text)
		}
		return nil
	}
	var number uint64
	if json.Unmarshal(raw, &number) == nil && number > 0 {
		*id = repoID(strconv.FormatUint(number, 10))
	}
	return nil
}
