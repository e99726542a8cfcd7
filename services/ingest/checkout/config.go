package checkout

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// Config says how repositories may be read.
type Config struct {
	// Git is the command; version 2.36 at least.
	Git string
	// Dir is where fetched objects are kept while a commit is read. Everything
	// in it that is older than an hour is a leftover and removed.
	Dir string
	// AllowHTTP permits http:// as well as https:// and ssh://.
	AllowHTTP bool
	// AllowLocal permits paths, file:// and addresses of this machine.
	AllowLocal bool
	// Timeout bounds one fetch.
	Timeout time.Duration
	// MaxFetch bounds what one commit may bring, in bytes on disk.
	MaxFetch int64
	// MaxFile bounds one file that is read, in bytes.
	MaxFile int64
	// MaxEntries bounds the tree entries that one commit makes us look at.
	MaxEntries int
	// Credentials that are valid at the moment; the longest prefix that fits an
	// address is used. It is asked for every commit. Nil means none.
	Credentials func() []Credential
}

// Credential opens the repositories below one address.
type Credential struct {
	// URL is the prefix of the clone addresses it is for, with a host at least:
	// https://git.example.org/lab/, ssh://git@git.example.org.
	URL string `yaml:"url"`
	// Username goes with Token; forges accept any where they ignore it.
	Username string `yaml:"username,omitempty"`
	// Token is a password or access token, for https.
	Token string `yaml:"token,omitempty"`
	// KeyFile is the private deploy key, for ssh.
	KeyFile string `yaml:"key_file,omitempty"`
	// KnownHostsFile holds the host's public key, for ssh. Required: a host
	// that nobody vouched for is not connected to.
	KnownHostsFile string `yaml:"known_hosts_file,omitempty"`
}

// LogValue hides the token.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.URL) }

// Defaults returns the limits that suit repositories of job files.
func Defaults() Config {
	return Config{
		Git:        "git",
		Timeout:    2 * time.Minute,
		MaxFetch:   256 << 20,
		MaxFile:    1 << 20,
		MaxEntries: 200_000,
	}
}

// Validate reports what is wrong.
func (c Config) Validate() error {
	var errs []error
	if c.Git == "" || c.Dir == "" {
		errs = append(errs, errors.New("checkout: git and dir must be set"))
	}
	if c.Timeout <= 0 || c.MaxFetch <= 0 || c.MaxFile <= 0 || c.MaxEntries <= 0 {
		errs = append(errs, errors.New("checkout: timeout, max_fetch, max_file and max_entries must be positive"))
	}
	return errors.Join(errs...)
}

// Validate reports a credential that could not be used, or would leak.
func (c Credential) Validate() error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" {
		return fmt.Errorf("credential url %q must be an address with a host, such as https://git.example.org/lab/", c.URL)
	}
	switch {
	case u.Scheme == "ssh" && (c.KeyFile == "" || c.KnownHostsFile == ""):
		return fmt.Errorf("credential for %s needs key_file and known_hosts_file", c.URL)
	case u.Scheme != "ssh" && c.Token == "":
		return fmt.Errorf("credential for %s needs a token", c.URL)
	case u.Scheme == "http" && !strings.HasPrefix(u.Host, "127.") && !strings.HasPrefix(u.Host, "localhost"):
		return fmt.Errorf("credential for %s would send a token in the clear: use https", c.URL)
	case u.User != nil && c.Token != "":
		return fmt.Errorf("credential url for %s must not hold a user: set username", u.Host)
	}
	return nil
}

// credential finds the one with the longest prefix that ends at a slash or at
// the end of the host, so that https://git.example.org/lab is none for
// https://git.example.org/laboratory.
func (c Config) credential(r remote) (Credential, bool) {
	best, found := Credential{}, false
	if c.Credentials == nil {
		return best, false
	}
	for _, cred := range c.Credentials() {
		if r.under(cred.URL) && len(cred.URL) > len(best.URL) {
			best, found = cred, true
		}
	}
	return best, found
}
