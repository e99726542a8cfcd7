package forge

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// GitLab authenticates with a signature as Standard Webhooks describes it, or,
// before that was there, with the secret itself in X-Gitlab-Token.
type GitLab struct{}

// tolerance is how far a signed timestamp may be from our clock.
const tolerance = 5 * time.Minute

// Name implements [Forge].
func (GitLab) Name() string { return "gitlab" }

// Sent implements [Forge].
func (GitLab) Sent(h http.Header) bool { return h.Get("X-Gitlab-Event") != "" }

// Verify implements [Forge]. A signature that is present has to hold: falling
// back to the token would let a replay strip it.
func (GitLab) Verify(d Delivery, keys []Key, now time.Time) (Key, error) {
	if _, signed := d.Header["Webhook-Signature"]; signed {
		return verifyStandard(d, keys, now)
	}
	token := d.Header.Get("X-Gitlab-Token")
	if token == "" {
		return Key{}, fmt.Errorf("%w: neither webhook-signature nor X-Gitlab-Token is set: "+
			"give the webhook a signing token or a secret token", ErrUnsigned)
	}
	return matchToken(keys, token)
}

// verifyStandard checks a Standard Webhooks signature: "v1,<base64>" of
// HMAC-SHA256 over id.timestamp.body. Several may be listed while the sender
// rotates its key.
func verifyStandard(d Delivery, keys []Key, now time.Time) (Key, error) {
	id, stamp := d.Header.Get("Webhook-Id"), d.Header.Get("Webhook-Timestamp")
	if err := fresh(stamp, now); err != nil {
		return Key{}, err
	}
	var decoded []Key
	for _, k := range keys {
		decoded = append(decoded, Key{ID: k.ID, Secret: standardSecret(k.Secret)})
	}
	err := fmt.Errorf("%w: header webhook-signature has no v1 signature", ErrUnsigned)
	for signature := range strings.FieldsSeq(d.Header.Get("Webhook-Signature")) {
		encoded, ok := strings.CutPrefix(signature, "v1,")
		if !ok {
			continue
		}
		sum, decodeErr := base64.StdEncoding.DecodeString(encoded)
		if decodeErr != nil || len(sum) == 0 {
			continue
		}
		var k Key
		if k, err = matchMAC(decoded, sum, []byte(id+"."+stamp+"."), d.Body); err == nil {
			return byID(keys, k.ID), nil
		}
	}
	return Key{}, err
}

func byID(keys []Key, id string) Key {
	for _, k := range keys {
		if k.ID == id {
			return k
		}
	}
	return Key{}
}

// standardSecret decodes "whsec_<base64>"; any other secret is no key of this
// scheme and never matches.
func standardSecret(secret []byte) []byte {
	encoded, ok := strings.CutPrefix(string(secret), "whsec_")
	if !ok {
		return nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	return key
}

// fresh checks a timestamp in Unix seconds against our clock.
func fresh(stamp string, now time.Time) error {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: timestamp %q is not in Unix seconds", ErrStale, stamp)
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > tolerance || off < -tolerance {
		return fmt.Errorf("%w: it is %v off, at most %v are taken: check both clocks",
			ErrStale, off.Round(time.Second), tolerance)
	}
	return nil
}

type gitlabProject struct {
	ID                repoID `json:"id"`
	PathWithNamespace string `json:"path_with_namespace"`
	HTTPURL           string `json:"git_http_url"`
	SSHURL            string `json:"git_ssh_url"`
	WebURL            string `json:"web_url"`
	DefaultBranch     string `json:"default_branch"`
	Visibility        int    `json:"visibility_level"` // 0 private, 10 internal, 20 public
}

func (p gitlabProject) repo() Repo {
	return Repo{
		ID: string(p.ID), Name: p.PathWithNamespace, CloneURL: p.HTTPURL, SSHURL: p.SSHURL, WebURL: p.WebURL,
		DefaultBranch: p.DefaultBranch, Private: p.Visibility < 20,
	}
}

type gitlabHook struct {
	Kind     string        `json:"object_kind"`
	Event    string        `json:"event_name"`
	Ref      string        `json:"ref"`
	Before   string        `json:"before"`
	After    string        `json:"after"`
	Username string        `json:"user_username"`
	Project  gitlabProject `json:"project"`
	User     hubUser       `json:"user"` // merge requests
	Merge    struct {
		IID        int           `json:"iid"`
		Action     string        `json:"action"`
		OldRev     string        `json:"oldrev"`
		SourceRef  string        `json:"source_branch"`
		TargetRef  string        `json:"target_branch"`
		Source     gitlabProject `json:"source"`
		Target     gitlabProject `json:"target"`
		LastCommit struct {
			ID string `json:"id"`
		} `json:"last_commit"`
	} `json:"object_attributes"`
}

// Parse implements [Forge]. The kind is taken from the body, so that system
// hooks of an instance work as those of a project do.
func (f GitLab) Parse(d Delivery) (Message, error) {
	var h gitlabHook
	if err := decode(d.Body, &h); err != nil {
		return Message{}, err
	}
	m := Message{
		Forge:    f.Name(),
		Event:    first(h.Kind, h.Event),
		Delivery: first(d.Header.Get("Idempotency-Key"), d.Header.Get("X-Gitlab-Event-UUID")),
		Repo:     h.Project.repo(),
		Sender:   first(h.Username, h.User.name()),
	}
	switch m.Event {
	case "push", "tag_push":
		m.Pushes = []Push{{Ref: h.Ref, Before: h.Before, After: h.After}}
		return m, m.check()
	case "merge_request":
		return h.mergeRequest(m)
	default:
		return unhandled(m)
	}
}

// mergeRequest reads a merge request. An update without oldrev changed a title
// or a label and brings no commit.
func (h gitlabHook) mergeRequest(m Message) (Message, error) {
	action := PullUpdated
	switch h.Merge.Action {
	case "open", "reopen":
	case "close", "merge":
		action = PullClosed
	case "update":
		if h.Merge.OldRev == "" {
			m.Ignored = "the update of the merge request brings no new commit"
			return m, m.check()
		}
	default:
		m.Ignored = "action " + strconv.Quote(h.Merge.Action) + " of a merge request brings no new commit"
		return m, m.check()
	}
	m.Pull = &Pull{
		Number: h.Merge.IID, Action: action,
		HeadRef: h.Merge.SourceRef, Head: h.Merge.LastCommit.ID,
		HeadRepo: h.Merge.Source.PathWithNamespace, HeadCloneURL: h.Merge.Source.HTTPURL,
		BaseRef: h.Merge.TargetRef,
		Fork:    h.Merge.Source.PathWithNamespace != h.Merge.Target.PathWithNamespace,
	}
	return m, m.check()
}
