// Package keys is the secrets that let somebody in: what forges sign webhooks
// with and what scripts show when they post events.
//
// They stand in one file that nobody else can read, or, on a machine of one's
// own, in a single setting. The file is read again when it changes, so that a
// secret is rotated by adding the new one, changing the forge, and removing the
// old one, without a restart and without a push lost between.
//
//	version: 1
//	webhooks:
//	  - id: github-lab
//	    forges: [github]
//	    repositories: ["storage-lab/*"]
//	    secret_file: /run/secrets/github
//	events:
//	  - id: nightly
//	    token_file: /run/secrets/nightly
//	    types: [bench.requested, cancel.requested]
//	git:
//	  - url: https://github.com/storage-lab/
//	    token_file: /run/secrets/github-read
package keys

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest/checkout"
	"github.com/fiord-bench/fiord/services/ingest/forge"
)

// Webhook is a secret that forges sign with.
type Webhook struct {
	// ID names the key in logs and in the operator's policy.
	ID string `yaml:"id"`
	// Forges that may use it; empty for all.
	Forges []string `yaml:"forges,omitempty"`
	// Repositories that it may speak for, by glob; empty for all.
	Repositories []string `yaml:"repositories,omitempty"`
	// Secret, or SecretFile that holds it.
	Secret     string `yaml:"secret,omitempty"`
	SecretFile string `yaml:"secret_file,omitempty"`
}

// Sender is somebody who may post events.
type Sender struct {
	// ID names the sender in logs.
	ID string `yaml:"id"`
	// Token, or TokenFile that holds it: a bearer token, and the key of signatures.
	Token     string `yaml:"token,omitempty"`
	TokenFile string `yaml:"token_file,omitempty"`
	// Types that may be posted, in their short form; empty for all of Grantable.
	Types []string `yaml:"types,omitempty"`
}

// LogValue shows the sender's name alone.
func (s Sender) LogValue() slog.Value { return slog.StringValue(s.ID) }

// Grantable are the types that anybody outside may be allowed to post: those
// that the catalogue gives to people, and what clouds tell of their instances.
// The rest is said by services alone: an end of a run that nobody ran would be
// believed.
func Grantable() []events.Type {
	return slices.DeleteFunc(events.Types(), func(t events.Type) bool {
		return t != events.TypeInstanceChanged && !slices.Contains(t.Publishers(), events.People)
	})
}

// Ring is all keys that are valid at one moment. It is immutable.
type Ring struct {
	webhooks []Webhook
	senders  []Sender
	git      []checkout.Credential
}

// shortest is the least length of a secret: shorter ones can be guessed at the
// rate that a receiver has to answer at.
const shortest = 16

// Simple makes a ring of secrets that are good for everything: one per line.
func Simple(webhookSecrets, eventTokens string) (*Ring, error) {
	r := &Ring{}
	for i, secret := range strings.Fields(webhookSecrets) {
		r.webhooks = append(r.webhooks, Webhook{ID: fmt.Sprintf("webhook-%d", i+1), Secret: secret})
	}
	for i, token := range strings.Fields(eventTokens) {
		r.senders = append(r.senders, Sender{ID: fmt.Sprintf("token-%d", i+1), Token: token})
	}
	return r, r.validate()
}

// With adds the keys of another ring.
func (r *Ring) With(other *Ring) *Ring {
	return &Ring{
		webhooks: slices.Concat(r.webhooks, other.webhooks),
		senders:  slices.Concat(r.senders, other.senders),
		git:      slices.Concat(r.git, other.git),
	}
}

func (r *Ring) validate() error {
	var errs []error
	for _, w := range r.webhooks {
		if w.ID == "" {
			errs = append(errs, errors.New("webhooks: an id is missing"))
		}
		if len(w.Secret) < shortest {
			errs = append(errs, fmt.Errorf("webhook %q: the secret has %d characters, at least %d are wanted (openssl rand -hex 32 makes one)", w.ID, len(w.Secret), shortest))
		}
		for _, name := range w.Forges {
			if _, err := forge.Named(name); err != nil {
				errs = append(errs, fmt.Errorf("webhook %q: %w", w.ID, err))
			}
		}
		for _, g := range w.Repositories {
			if !doublestar.ValidatePattern(g) {
				errs = append(errs, fmt.Errorf("webhook %q: %q is no glob", w.ID, g))
			}
		}
	}
	for _, s := range r.senders {
		errs = append(errs, s.validate())
	}
	for _, c := range r.git {
		errs = append(errs, c.Validate())
	}
	return errors.Join(errs...)
}

func (s Sender) validate() error {
	var errs []error
	if s.ID == "" {
		errs = append(errs, errors.New("events: an id is missing"))
	}
	if len(s.Token) < shortest {
		errs = append(errs, fmt.Errorf("sender %q: the token has %d characters, at least %d are wanted (openssl rand -hex 32 makes one)", s.ID, len(s.Token), shortest))
	}
	for _, t := range s.Types {
		if !slices.Contains(Grantable(), events.Type(events.Long(t))) {
			errs = append(errs, fmt.Errorf("sender %q: type %q cannot be granted: possible are %s", s.ID, t, short(Grantable())))
		}
	}
	return errors.Join(errs...)
}

func short(types []events.Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Short()
	}
	return strings.Join(names, ", ")
}

// Webhooks are the keys that a forge may sign with.
func (r *Ring) Webhooks(name string) []forge.Key {
	var keys []forge.Key
	for _, w := range r.webhooks {
		if len(w.Forges) == 0 || slices.Contains(w.Forges, name) {
			keys = append(keys, forge.Key{ID: w.ID, Secret: []byte(w.Secret)})
		}
	}
	return keys
}

// MaySpeakFor tells whether a webhook key is meant for a repository.
func (r *Ring) MaySpeakFor(id, repo string) bool {
	return slices.ContainsFunc(r.webhooks, func(w Webhook) bool {
		if w.ID != id {
			return false
		}
		return len(w.Repositories) == 0 || slices.ContainsFunc(w.Repositories, func(g string) bool {
			ok, err := doublestar.Match(strings.ToLower(g), strings.ToLower(repo))
			return ok && err == nil
		})
	})
}

// Sender finds whose bearer token it is. All are compared, in constant time.
func (r *Ring) Sender(token string) (Sender, bool) {
	got := sha256.Sum256([]byte(token))
	found := -1
	for i, s := range r.senders {
		want := sha256.Sum256([]byte(s.Token))
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(want[:], got[:]), i, found)
	}
	if found < 0 || token == "" {
		return Sender{}, false
	}
	return r.senders[found], true
}

// Signers are the senders' tokens as keys of signatures.
func (r *Ring) Signers() []forge.Key {
	keys := make([]forge.Key, len(r.senders))
	for i, s := range r.senders {
		keys[i] = forge.Key{ID: s.ID, Secret: []byte(s.Token)}
	}
	return keys
}

// SenderByID finds a sender that signed.
func (r *Ring) SenderByID(id string) (Sender, bool) {
	i := slices.IndexFunc(r.senders, func(s Sender) bool { return s.ID == id })
	if i < 0 {
		return Sender{}, false
	}
	return r.senders[i], true
}

// May tells whether the sender may post events of a type.
func (s Sender) May(t events.Type) bool {
	if len(s.Types) == 0 {
		return slices.Contains(Grantable(), t)
	}
	return slices.ContainsFunc(s.Types, func(name string) bool { return events.Type(events.Long(name)) == t })
}

// Git are the credentials for reading repositories.
func (r *Ring) Git() []checkout.Credential { return slices.Clone(r.git) }
