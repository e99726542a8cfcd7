package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// see asks the page as whoever holds the token in a file; "" for no one.
func see(t *testing.T, url, tokenFile string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if tokenFile != "" {
		token, err := os.ReadFile(tokenFile)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// A page that others reach asks who they are, without a setting; whoever was let in
// has a token for it, as long as they are.
func TestPeopleWhoWereLetInSignInToThePage(t *testing.T) {
	dir, bundle := t.TempDir(), t.TempDir()
	f := startUp(t, dir, "--plot.listen=0.0.0.0:0", "--allow_plaintext")
	owner := filepath.Join(dir, "credentials", "people", "page.token")
	contains(t, f.out.String(), owner)
	for name, in := range map[string]struct {
		file string
		want int
	}{"no one": {"", http.StatusUnauthorized}, "the owner": {owner, http.StatusOK}} {
		if status := see(t, f.conn.WebURL, in.file); status != in.want {
			t.Errorf("%s: status %d, want %d", name, status, in.want)
		}
	}
	if code, _, _ := f.command("creds", "person", "ana", "--role", "viewer", "--out", bundle, "--at", bundle); code != 0 {
		t.Fatal(code)
	}
	token := filepath.Join(bundle, "page.token")
	eventually(t, "ana to be let in", func() bool { return see(t, f.conn.WebURL, token) == http.StatusOK })
	if code, _, _ := f.command("creds", "revoke", "person", "ana"); code != 0 {
		t.Error(code)
	}
	eventually(t, "ana to be shut out", func() bool { return see(t, f.conn.WebURL, token) == http.StatusUnauthorized })
}

func TestThePageOfThisMachineAloneNeedsNoLogin(t *testing.T) {
	f := startUp(t, t.TempDir())
	if status := see(t, f.conn.WebURL, ""); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}
