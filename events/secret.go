package events

import (
	"net/url"
	"regexp"
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

// userAtHost is the short form of ssh, user@host:path, which has no place for a
// password.
var userAtHost = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9._-]+:[^@:]+$`)

// CloneAddress is a repository's address as it may be published: scheme, host and
// path, and the user of ssh. What git would also take, such as a query, a fragment
// or an @ in a path, may be a token and is left out; what cannot be read for certain
// is "".
func CloneAddress(address string) string {
	address = WithoutSecret(strings.TrimSpace(address))
	if !strings.Contains(address, "://") {
		local := strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") || strings.HasPrefix(address, ".")
		if local && !strings.Contains(address, "@") || userAtHost.MatchString(address) {
			return address
		}
		return ""
	}
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || u.Host == "" && u.Scheme != "file" || strings.Contains(u.Path, "@") {
		return ""
	}
	u.RawQuery, u.Fragment, u.RawFragment, u.ForceQuery = "", "", "", false
	return u.String()
}
