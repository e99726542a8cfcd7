package deploy_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
)

// topPrefixes are those below which everything lies, a writer each.
var topPrefixes = []string{
	artifacts.PrefixJobs, artifacts.PrefixRequests, artifacts.PrefixPlacements, artifacts.PrefixInventories,
	artifacts.PrefixRuns, artifacts.PrefixPlots, artifacts.PrefixReports, artifacts.PrefixArchive,
}

// rights wants each user of the export to write and remove where its policy says
// and nowhere else, on the versitygw that fiord provisioned with the bucket's policy.
func (s *stack) rights() {
	s.t.Helper()
	address := strings.TrimSpace(s.run(nil, patience, "docker", "inspect", "--format",
		"{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", s.container("s3")))
	files, err := filepath.Glob(filepath.Join(s.dir, "export", creds.ExportPolicies, "*.json"))
	if err != nil || len(files) < 7 {
		s.t.Fatalf("%d policies, %v", len(files), err)
	}
	owner := s.open("http://"+address+":9000", "operator")
	prefixes := append([]string{artifacts.HostPrefix("another")}, topPrefixes...)
	for _, file := range files {
		if write := policyPrefixes(s.t, file, "fiord", "s3:PutObject"); len(write) == 1 && strings.HasPrefix(write[0], artifacts.PrefixRuns) {
			prefixes = append(prefixes, write[0])
		}
	}
	for _, file := range files {
		user := strings.TrimSuffix(filepath.Base(file), ".json")
		if user != "operator" {
			for _, prefix := range prefixes { // the last may have removed it
				artifactstest.Put(s.t, owner, prefix+"there", "text/plain", "there")
			}
			s.mayOnly(user, s.open("http://"+address+":9000", user), artifacts.Rights{
				Read:  policyPrefixes(s.t, file, "fiord", "s3:GetObject"),
				Write: policyPrefixes(s.t, file, "fiord", "s3:PutObject"), Delete: policyPrefixes(s.t, file, "fiord", "s3:DeleteObject"),
			}, prefixes)
		}
	}
}

// mayOnly tries everything below every prefix.
func (s *stack) mayOnly(user string, store *artifacts.Store, may artifacts.Rights, prefixes []string) {
	s.t.Helper()
	for _, prefix := range prefixes {
		_, err := store.Put(s.t.Context(), prefix+"by-"+user, "text/plain", strings.NewReader(user))
		s.expect(err, may.MayWrite(prefix) && may.MayRead(prefix), user+" puts below "+prefix)
		_, err = store.Stat(s.t.Context(), prefix+"there")
		s.expect(err, may.MayRead(prefix), user+" reads below "+prefix)
		s.expect(store.Remove(s.t.Context(), prefix+"there"), may.MayDelete(prefix), user+" removes below "+prefix)
	}
	s.expect(store.SetPolicy(s.t.Context(), `{"Version":"2012-10-17","Statement":[]}`), false, user+" changes the policy")
}

func (s *stack) expect(err error, allowed bool, what string) {
	s.t.Helper()
	if allowed && err != nil || !allowed && !errors.Is(err, artifacts.ErrDenied) {
		s.t.Errorf("%s: error is %v, allowed is %v", what, err, allowed)
	}
}

// open opens the store as a user of the export.
func (s *stack) open(endpoint, user string) *artifacts.Store {
	s.t.Helper()
	key := func(file string) string {
		return strings.TrimSpace(string(read(s.t, filepath.Join(s.dir, "export", creds.ExportUsers, user, file))))
	}
	return artifactstest.Open(s.t, artifacts.Config{Endpoint: endpoint, Bucket: "fiord", AccessKey: key("s3.access_key"), SecretKey: key("s3.secret_key")})
}

func TestPoliciesOfTheExportNameKnownPrefixes(t *testing.T) {
	dir := t.TempDir()
	data := []string{"FIORD_DATA=" + filepath.Join(dir, "data")}
	fiord(t, data, "creds", "export", filepath.Join(dir, "out"))
	files, err := filepath.Glob(filepath.Join(dir, "out", creds.ExportPolicies, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d policies, %v", len(files), err)
	}
	written := map[string]bool{}
	for _, file := range files {
		for _, prefix := range policyPrefixes(t, file, "fiord", "s3:PutObject") {
			written[prefix] = true
			if !slices.Contains(topPrefixes, prefix) {
				t.Errorf("%s may write below %s, which no test knows", filepath.Base(file), prefix)
			}
		}
	}
	// runs/ is the hosts', requests/ people's, and none were let in
	if len(written) != len(topPrefixes)-2 {
		t.Errorf("services write below %v", written)
	}
}
