package creds

import (
	"path/filepath"

	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/services/plot/login"
)

// PageToken is the file of the token by which a person signs in to the page, beside
// the person's other keys and in the bundle.
const PageToken = "page.token"

// Files of the page's own service, in its folder of an export: digests of people's
// tokens, and the key that seals sessions.
const (
	PageTokens = "page.tokens"
	SessionKey = "session_key"
)

// pageToken makes the person's token, or reads it.
func pageToken(dir, user string) (string, error) {
	_, token, err := keys.Secret(dir, user, PageToken)
	return token, err
}

// Tokens are the digests of all people's tokens below dir, and of the owner's, who
// is an administrator, in the form that the page reads.
func Tokens(dir, owner string, issued []Issued) ([]byte, error) {
	var all []login.Token
	add := func(user, name string, role access.Role) error {
		token, err := pageToken(dir, user)
		all = append(all, login.Token{Name: name, Role: role, SHA256: login.Digest(token)})
		return err
	}
	if err := add(owner, owner, access.Administrator); err != nil {
		return nil, err
	}
	for _, i := range issued {
		if i.Kind != Person {
			continue
		}
		if err := add(i.User(), i.Name, i.Grant.Role); err != nil {
			return nil, err
		}
	}
	return login.WriteTokens(all)
}

// WriteTokens writes [Tokens] into a file, whole or not at all.
func WriteTokens(file, dir, owner string, issued []Issued) error {
	text, err := Tokens(dir, owner, issued)
	if err != nil {
		return err
	}
	return replace(file, text)
}

// pageTokenFile is where the person's token lies below dir.
func pageTokenFile(i Issued) string { return filepath.Join(filepath.Dir(i.Keys.NKeyFile), PageToken) }
