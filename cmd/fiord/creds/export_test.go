package creds_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/cmd/fiord/up"
)

// export makes the users of a fiord with two hosts, one of them at a site.
func export(t *testing.T) (out string, parties []creds.Party, site creds.Issued) {
	t.Helper()
	dir, out := t.TempDir(), t.TempDir()
	for _, host := range []string{"a.example", "b.example"} {
		issue(t, up.Credentials(dir), creds.Grant{Kind: creds.Bench, Name: host, Pools: []string{"nvme"}})
	}
	site = issue(t, up.Credentials(dir), creds.Grant{Kind: creds.Site, Name: "berlin", Hosts: []string{"a.example"}, Pools: []string{"nvme"}})
	parties, issued, err := up.Parties(dir, up.DefaultConfig(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := creds.Export(out, parties, issued, "lab", ""); err != nil {
		t.Fatal(err)
	}
	return out, parties, site
}

func serverUsers(t *testing.T, path string) map[string]*server.Permissions {
	t.Helper()
	read, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]*server.Permissions{}
	for _, u := range read.Nkeys {
		users[u.Nkey] = u.Permissions
	}
	return users
}

func TestAnExportLetsEverybodyInWithRightsOfTheirOwn(t *testing.T) {
	out, parties, site := export(t)
	users := serverUsers(t, filepath.Join(out, creds.ExportNATS))
	for _, p := range parties {
		if !p.Bus {
			continue
		}
		if diff := cmp.Diff(p.Permissions, users[p.Keys.NKey]); diff != "" {
			t.Errorf("rights of %s (-told, +read):\n%s", p.Name, diff)
		}
		delete(users, p.Keys.NKey)
	}
	if diff := cmp.Diff(creds.User(site).Permissions, users[site.Keys.NKey]); diff != "" {
		t.Errorf("rights of the site (-told, +read):\n%s", diff)
	}
	if len(users) != 1 {
		t.Errorf("%d users are nobody's", len(users)-1)
	}
	if slices.ContainsFunc(parties, func(p creds.Party) bool { return p.Name == "bench" }) {
		t.Error("a worker without a host was let in")
	}
}

func TestASiteKnowsItsOwnHostsAlone(t *testing.T) {
	out, parties, site := export(t)
	users := serverUsers(t, filepath.Join(out, creds.ExportSites, "berlin", creds.LeafUsers))
	for _, p := range parties {
		_, known := users[p.Keys.NKey]
		if want := p.Name == "bench-a_2eexample"; known != want {
			t.Errorf("%s is let in at the site: %v, want %v", p.Name, known, want)
		}
	}
	allow := creds.User(site).Permissions.Publish.Allow
	if own := "fiord.events.run.*.v1.end.host.a_2eexample.*"; !slices.Contains(allow, own) {
		t.Errorf("the site may not end its host's runs: %s", strings.Join(allow, " "))
	}
	if foreign := "fiord.events.run.*.v1.end.host.b_2eexample.*"; slices.Contains(allow, foreign) {
		t.Error("the site may end another host's runs")
	}
}

func TestASiteOfUnknownHostsIsRefused(t *testing.T) {
	dir := t.TempDir()
	issue(t, up.Credentials(dir), creds.Grant{Kind: creds.Site, Name: "berlin", Hosts: []string{"nobody"}})
	parties, issued, err := up.Parties(dir, up.DefaultConfig(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := creds.Export(t.TempDir(), parties, issued, "lab", ""); err == nil || !strings.Contains(err.Error(), "fiord creds bench nobody") {
		t.Errorf("err = %v, want the remedy", err)
	}
}

func TestExportedSecretsAreForTheirOwnerAlone(t *testing.T) {
	out, _, _ := export(t)
	files := 0
	err := filepath.WalkDir(out, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil || files < 20 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestPoliciesFollowThePrefixes(t *testing.T) {
	out, _, _ := export(t)
	var bucket struct {
		Statement []struct {
			Principal        map[string][]string
			Action, Resource []string
		}
	}
	text, err := os.ReadFile(filepath.Join(out, creds.ExportBucket))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &bucket); err != nil {
		t.Fatal(err)
	}
	write, remove := map[string][]string{}, []string{}
	for _, s := range bucket.Statement {
		if slices.Contains(s.Action, "s3:PutObject") {
			for _, user := range s.Principal["AWS"] {
				write[user] = append(write[user], s.Resource...)
			}
		}
		if slices.Contains(s.Action, "s3:DeleteObject") {
			remove = append(remove, s.Principal["AWS"]...)
		}
	}
	runs := []string{"arn:aws:s3:::lab/runs/host.a_2eexample/*"}
	if diff := cmp.Diff(runs, write["fiord-bench-a_2eexample"]); diff != "" {
		t.Errorf("a worker writes (-want +got):\n%s", diff)
	}
	if _, writes := write["fiord-notify"]; writes {
		t.Error("notify may write")
	}
	if diff := cmp.Diff([]string{"fiord-janitor"}, remove); diff != "" {
		t.Errorf("who removes (-want +got):\n%s", diff)
	}
}

// A policy that grew with each host by a copy of what all hosts may was too large
// for versitygw on ext4 from the fourth host on. What a host writes is its own, which
// takes a statement for each.
func TestABucketPolicyGrowsByNamesAndOnePrefix(t *testing.T) {
	size := func(hosts int) int {
		dir, out := t.TempDir(), t.TempDir()
		for i := range hosts {
			issue(t, up.Credentials(dir), creds.Grant{Kind: creds.Bench, Name: fmt.Sprintf("host-%03d", i), Pools: []string{"nvme"}})
		}
		parties, issued, err := up.Parties(dir, up.DefaultConfig(dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := creds.Export(out, parties, issued, "lab", ""); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(out, creds.ExportBucket))
		var compact bytes.Buffer
		if err := errors.Join(err, json.Compact(&compact, text)); err != nil {
			t.Fatal(err)
		}
		return compact.Len()
	}
	one, twenty := size(1), size(20)
	if one > 2100 {
		t.Errorf("the policy for one host has %d bytes", one)
	}
	if perHost := (twenty - one) / 19; perHost > 190 {
		t.Errorf("a host adds %d bytes to the policy", perHost)
	}
}
