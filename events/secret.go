package events

import (
	"net/url"
	"strings"
)

// WithoutSecret takes the user and password off a clone URL: whoever may read
// events, artifacts and logs must not learn them. The user of ssh, which is no
// secret, stays. How a repository is read is for ingest's own credentials.
func WithoutSecret(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address // a path, or user@host:path, which has no place for a password
	}
	authority, path, slash := strings.Cut(rest, "/")
	at := strings.LastIndex(authority, "@")
	if at < 0 {
		return address
	}
	user, _, _ := strings.Cut(authority[:at], ":")
	authority = authority[at+1:]
	if strings.Contains(strings.ToLower(scheme), "ssh") && user != "" {
		authority = user + "@" + authority
	}
	if slash {
		authority += "/"
	}
	return scheme + "://" + authority + path
}

// CarriesSecret tells whether an address has a user or password that
// [WithoutSecret] would take off.
func CarriesSecret(address string) bool { return WithoutSecret(address) != address }

// secretless refuses an address with a password, which it does not repeat.
func (c *check) secretless(field, value string) {
	c.that(!CarriesSecret(value), field, "carries a user or a password: leave it out, and give ingest the credential (git: in its keys file)")
}

// shown is an address for an error message, without what may be a secret.
func shown(address string) string {
	if strings.Contains(address, "@") {
		if u, err := url.Parse(address); err == nil {
			return u.Redacted()
		}
		return "an address with a user"
	}
	return address
}
