package creds

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/internal/natsd"
)

// Party is one user of servers of the operator's own, with all its rights.
type Party struct {
	Name string
	Keys keys.User
	// Permissions on NATS; nil for every right. Account and Answers as in natsd.User.
	Permissions *server.Permissions
	Account     string
	Answers     []string
	// Bus says whether the party has business on NATS, Store whether it has on
	// S3, with these rights in the bucket. All is every right in it.
	Bus, Store bool
	Rights     artifacts.Rights
	All        bool
	// Secrets are further files of the party's own, by their names.
	Secrets map[string]string
}

// Files that [Export] writes. Users holds a folder per party, with the files that
// a program is pointed to: nats.nk, s3.access_key, s3.secret_key and its secrets.
const (
	ExportUsers     = "users"
	ExportSites     = "nats/sites"
	ExportNATS      = "nats/users.conf"
	ExportTakenBack = "users/operator/taken-back"
	ExportPolicies  = "s3/policies"
	ExportBucket    = "s3/bucket-policy.json"
	ExportAccounts  = "s3/versitygw/users.json"
	ExportRoot      = "s3/versitygw/root.env"
	LeafUsers       = "users.conf"
	LeafSeed        = "seed.conf"
)

// Export writes into the folder out what servers of the operator's own, and the
// programs that use them, are configured with:
//
//	nats/users.conf               every user's rights, by public key
//	nats/sites/SITE/users.conf    those of the site's hosts, for its leaf node
//	nats/sites/SITE/seed.conf     the seed by which the leaf node connects
//	s3/policies/USER.json         rights in the bucket, as IAM has them
//	s3/bucket-policy.json         the same, for servers whose users are principals
//	s3/versitygw/users.json       the users themselves, for versitygw (--iam-dir)
//	s3/versitygw/root.env         the operator's keys, for versitygw's environment
//	users/USER/                   the user's keys, a file for each, and its grant
//	users/operator/taken-back     what was granted and is no longer, from the file takenBack
//
// Files that are there are replaced, so that it may run again after a change.
func Export(out string, parties []Party, issued []Issued, bucket, takenBack string) error {
	var users []natsd.User
	for _, p := range parties {
		if p.Bus {
			users = append(users, natsd.User{NKey: p.Keys.NKey, Permissions: p.Permissions, Account: p.Account, Answers: p.Answers})
		}
	}
	var errs []error
	for _, i := range issued {
		if i.Kind == Site {
			users = append(users, User(i))
			errs = append(errs, exportSite(filepath.Join(out, ExportSites, i.Name), i, issued))
		}
	}
	entries, err := TakenBack(takenBack)
	errs = append(errs, err, exportFile(filepath.Join(out, ExportTakenBack), []byte(strings.Join(append(entries, ""), "\n"))))
	errs = append(errs, exportServer(filepath.Join(out, ExportNATS), users))
	for _, p := range parties {
		errs = append(errs, exportParty(out, p, bucket))
	}
	return errors.Join(append(errs,
		exportJSON(filepath.Join(out, ExportBucket), bucketPolicy(parties, bucket)),
		exportJSON(filepath.Join(out, ExportAccounts), accountsOf(parties)))...)
}

func exportServer(path string, users []natsd.User) error {
	var text bytes.Buffer
	if err := ServerConfig(&text, users); err != nil {
		return err
	}
	return exportFile(path, text.Bytes())
}

func exportLeaf(path string, users []natsd.User) error {
	text, err := natsd.LeafConfig(users)
	if err != nil {
		return err
	}
	return exportFile(path, append([]byte("# Hosts of the site and their rights, by public key.\n"), text...))
}

// exportSite lets a site's hosts in at its leaf node, each to what is its own.
// The hub holds the leaf node to what all of them may, whatever stands here.
func exportSite(dir string, site Issued, issued []Issued) error {
	var users []natsd.User
	hosts := site.Of(issued)
	for _, host := range hosts {
		users = append(users, natsd.User{NKey: host.Keys.NKey, Permissions: User(host).Permissions})
	}
	for _, name := range site.Hosts {
		if !slices.ContainsFunc(hosts, func(i Issued) bool { return i.Name == name }) {
			return fmt.Errorf("export site %s: host %s was not let in: fiord creds bench %s", site.Name, name, name)
		}
	}
	return errors.Join(exportLeaf(filepath.Join(dir, LeafUsers), users), exportSeed(filepath.Join(dir, LeafSeed), site.Keys.NKeyFile))
}

// exportSeed writes a seed as a variable of nats-server's configuration, which
// takes seeds of leaf nodes by value only.
func exportSeed(path, from string) error {
	seed, err := os.ReadFile(from) //nolint:gosec // a file of the data folder
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return exportFile(path, fmt.Appendf(nil, "# Secret: who has it may what the hosts of this site may.\nNATS_SEED: %q\n", bytes.TrimSpace(seed)))
}

func exportParty(out string, p Party, bucket string) error {
	dir := filepath.Join(out, ExportUsers, p.Name)
	files := map[string]string{}
	if p.Bus {
		files["nats.nk"] = p.Keys.NKeyFile
	}
	if _, err := os.Stat(p.Keys.GrantFile); p.Bus && err == nil { // the operator makes no events
		files["nats.grant"] = p.Keys.GrantFile
	}
	if p.Store {
		files["s3.access_key"], files["s3.secret_key"] = p.Keys.AccessKeyFile, p.Keys.SecretKeyFile
	}
	var errs []error
	for name, from := range files {
		errs = append(errs, exportCopy(filepath.Join(dir, name), from))
	}
	for name, value := range p.Secrets {
		errs = append(errs, exportFile(filepath.Join(dir, name), []byte(value+"\n")))
	}
	if p.Store && p.All {
		root := fmt.Appendf(nil, "ROOT_ACCESS_KEY=%s\nROOT_SECRET_KEY=%s\n", p.Keys.AccessKey, p.Keys.SecretKey.Reveal())
		errs = append(errs, exportFile(filepath.Join(out, ExportRoot), root))
	}
	if p.Store {
		errs = append(errs, exportJSON(filepath.Join(out, ExportPolicies, p.Name+".json"), policy{artifacts.PolicyVersion, statements(p, bucket)}))
	}
	return errors.Join(errs...)
}

func exportCopy(path, from string) error {
	text, err := os.ReadFile(from) //nolint:gosec // a file of the data folder
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return exportFile(path, text)
}

func exportJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return exportFile(path, append(text, '\n'))
}

func exportFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return replace(path, text)
}
