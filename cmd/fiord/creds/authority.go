package creds

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/internal/proof"
)

// The authority's files, in a folder of its own among the users': its seed, since
// when events are signed, and what it has taken back.
const (
	authorityFolder = "authority"
	authoritySeed   = "authority.nk"
	authoritySince  = "since"
	takenBackFile   = "taken-back"
)

// Authority is the installation's authority, which issues grants. It is made when
// there is none: events that were stored before need no signature.
func Authority(dir string) (*proof.Authority, error) {
	since, err := keys.Fixed(dir, authorityFolder, authoritySince, func() (string, error) {
		return time.Now().Add(time.Second).UTC().Format(time.RFC3339), nil // seconds are cut off
	})
	if err != nil {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339, since)
	if err != nil {
		return nil, fmt.Errorf("read since when events are signed: %w", err)
	}
	seed, err := keys.Fixed(dir, authorityFolder, authoritySeed, proof.NewAuthoritySeed)
	if err != nil {
		return nil, err
	}
	return proof.OpenAuthority(seed, at)
}

// Prove issues what a user proves its events by, into the file beside the user's
// seed. What was issued before stays if it says the same, and is taken back if it
// allows more.
func Prove(a *proof.Authority, dir string, u keys.User, g proof.Grant) error {
	g.Key = u.NKey
	old, err := readGrant(u.GrantFile)
	if err != nil {
		return err
	}
	if old.Authority == a.Public() && old.Key == g.Key && old.Covers(g) && g.Covers(old.Grant) {
		return nil
	}
	at := time.Now()
	if old.Key == g.Key && !g.Covers(old.Grant) {
		// The new one is younger than what is void, by the second.
		if soonest := old.At.Add(time.Second); at.Before(soonest) {
			at = soonest
		}
		if err := takeBack(a, dir, g.Key, at); err != nil {
			return err
		}
	}
	text, err := a.Issue(g, at)
	if err != nil {
		return err
	}
	return replace(u.GrantFile, []byte(text+"\n"))
}

// readGrant reads a grant; without a file it is the zero one.
func readGrant(path string) (proof.Issued, error) {
	text, err := os.ReadFile(path) //nolint:gosec // a file of the data folder
	if errors.Is(err, fs.ErrNotExist) {
		return proof.Issued{}, nil
	}
	if err != nil {
		return proof.Issued{}, fmt.Errorf("read grant: %w", err)
	}
	return proof.Read(string(text))
}

// ProveIssued issues what somebody who was let in proves events by. A site's server
// makes no events.
func ProveIssued(a *proof.Authority, dir string, i Issued) error {
	g := proof.Grant{Name: i.Name}
	switch i.Kind {
	case Bench:
		g.Kind, g.Pools = proof.Host, i.Pools
	case Person:
		g.Kind, g.Role = proof.Person, string(i.Role)
	default:
		return nil
	}
	return Prove(a, dir, i.Keys, g)
}

// takeBack writes an entry for the list that verifiers read: what was granted to a
// key before a time is void.
func takeBack(a *proof.Authority, dir, key string, before time.Time) error {
	entry, err := a.Void(key, before)
	if err != nil {
		return fmt.Errorf("take back what was granted: %w", err)
	}
	entries, err := TakenBack(filepath.Join(dir, authorityFolder, takenBackFile))
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e string) bool { return KeyOf(e) == key })
	text := strings.Join(append(entries, entry), "\n") + "\n"
	return replace(filepath.Join(dir, authorityFolder, takenBackFile), []byte(text))
}

// TakenBackFile is the list of what was taken back, in a folder of credentials.
func TakenBackFile(dir string) string { return filepath.Join(dir, authorityFolder, takenBackFile) }

// TakenBack reads such a list: an entry a line, each signed. Without a file it is
// empty.
func TakenBack(path string) ([]string, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what was taken back: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	var entries []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			entries = append(entries, line)
		}
	}
	return entries, nil
}

// KeyOf is the key that an entry of the list is about.
func KeyOf(entry string) string { key, _, _ := strings.Cut(entry, ";"); return key }
