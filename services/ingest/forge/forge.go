package forge

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The sentinels of the package. ErrUnsigned and ErrSignature are for the
// sender's administrator, ErrMalformed for the sender's author.
var (
	// ErrUnknown says that no forge recognises the headers.
	ErrUnknown = errors.New("unknown forge")
	// ErrUnsigned says that the delivery has no signature, or an empty one.
	ErrUnsigned = errors.New("delivery is not signed")
	// ErrSignature says that no valid key made the signature.
	ErrSignature = errors.New("signature does not match")
	// ErrStale says that a signed timestamp is too far from now: a replay, or
	// a clock that is wrong.
	ErrStale = errors.New("signed timestamp is out of range")
	// ErrMalformed says that the body is not what the forge's event promises.
	ErrMalformed = errors.New("malformed payload")
)

// Delivery is one webhook as it arrived.
type Delivery struct {
	// Header is as net/http canonicalised it.
	Header http.Header
	// Body is the raw body; signatures are computed over these bytes.
	Body []byte
}

// Forge is one kind of sender.
type Forge interface {
	// Name is the forge's name in events, URLs and configuration.
	Name() string
	// Sent tells from the headers alone whether this forge sent the delivery.
	// Some forges also send the headers of those they descend from, so the
	// answer is right only in the order of All.
	Sent(http.Header) bool
	// Verify returns the key that signed the delivery, ErrUnsigned,
	// ErrSignature or ErrStale.
	Verify(d Delivery, keys []Key, now time.Time) (Key, error)
	// Parse reads a verified delivery. Errors wrap ErrMalformed.
	Parse(Delivery) (Message, error)
}

// All lists the forges in the order of detection: Forgejo sends Gitea's, Gogs'
// and GitHub's headers as well as its own, Gitea those of Gogs and GitHub, Gogs
// those of GitHub; both kinds of Bitbucket are told apart by their event keys.
func All() []Forge {
	return []Forge{Forgejo{}, Gitea{}, Gogs{}, GitHub{}, GitLab{}, SoftServe{}, BitbucketDC{}, Bitbucket{}, Git{}}
}

// Detect finds the forge that sent a delivery.
func Detect(h http.Header) (Forge, error) {
	for _, f := range All() {
		if f.Sent(h) {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%w: none of the headers X-Forgejo-Event, X-Gitea-Event, X-Gogs-Event, X-GitHub-Event, "+
		"X-Gitlab-Event, X-SoftServe-Event, X-Event-Key, X-Fiord-Event is present: post what a forge or the post-receive hook sends", ErrUnknown)
}

// Named finds a forge by its name.
func Named(name string) (Forge, error) {
	names := make([]string, 0, 9)
	for _, f := range All() {
		if f.Name() == name {
			return f, nil
		}
		names = append(names, f.Name())
	}
	return nil, fmt.Errorf("%w %q: known are %s", ErrUnknown, name, strings.Join(names, ", "))
}
