package hostile_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
)

// attack is one thing to try on an object. versitygw takes forms from its root alone. may says whom the rights allow it: on the
// server of fiord up, and on any S3, which does not tell putting from replacing.
type attack struct {
	name string
	do   func(ctx context.Context, r artifactstest.Raw, key, version string) error
	// present attacks what is there, others a key that is free.
	present  bool
	may, any func(r artifacts.Rights, key string) bool
}

func never(artifacts.Rights, string) bool { return false }

func attacks() []attack {
	const text = "by an attacker"
	write, replace := artifacts.Rights.MayWrite, artifacts.Rights.MayReplace
	return []attack{
		{"read", func(ctx context.Context, r artifactstest.Raw, key, _ string) error {
			_, err := r.Get(ctx, key)
			return err
		}, true, artifacts.Rights.MayRead, artifacts.Rights.MayRead},
		{"put", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.Put(ctx, key, text, "") }, false, write, write},
		{"put by a signed URL", func(ctx context.Context, r artifactstest.Raw, key, _ string) error {
			return r.PutPresigned(ctx, key, text)
		}, false, write, write},
		{"put by a form", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.PutForm(ctx, key, text) }, false, never, never},
		{"put in parts", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.PutParts(ctx, key) }, false, never, write},
		{"copy to", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.Copy(ctx, readable, key) }, false, never,
			func(r artifacts.Rights, key string) bool { return r.MayWrite(key) && r.MayRead(readable) }},
		{"replace", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.Put(ctx, key, text, "") }, true, never, write},
		{"replace by a signed URL", func(ctx context.Context, r artifactstest.Raw, key, _ string) error {
			return r.PutPresigned(ctx, key, text)
		}, true, never, write},
		{"replace by a form", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.PutForm(ctx, key, text) }, true, never, never},
		{"replace in parts", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.PutParts(ctx, key) }, true, never, write},
		{"replace any version of", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.Put(ctx, key, text, "*") }, true, never, never},
		{"replace a version of", func(ctx context.Context, r artifactstest.Raw, key, version string) error {
			return r.Put(ctx, key, text, version)
		}, true, replace, write},
		{"copy over", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.Copy(ctx, readable, key) }, true, never,
			func(r artifacts.Rights, key string) bool { return r.MayWrite(key) && r.MayRead(readable) }},
		{"tag", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.Tag(ctx, key) }, true, never, never},
		{"remove", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.Remove(ctx, key) }, true, artifacts.Rights.MayDelete, artifacts.Rights.MayDelete},
		{"remove among many", func(ctx context.Context, r artifactstest.Raw, key, _ string) error { return r.RemoveMany(ctx, key) }, true, artifacts.Rights.MayDelete, artifacts.Rights.MayDelete},
	}
}

// readable is what most may read, and copy from.
const readable = artifacts.PrefixJobs + "source"

// users are all who have rights in the store, with one of each role, two hosts, and
// a site, and the server's name for each.
func users(t *testing.T) (dir string, parties []creds.Party, issued []creds.Issued) {
	t.Helper()
	dir = t.TempDir()
	grants := []creds.Grant{
		{Kind: creds.Bench, Name: "a", Pools: []string{"default"}}, {Kind: creds.Bench, Name: "b.example", Pools: []string{"default"}},
		{Kind: creds.Site, Name: "berlin", Hosts: []string{"b.example"}, Pools: []string{"default"}},
	}
	for _, role := range access.Roles() {
		grants = append(grants, creds.Grant{Kind: creds.Person, Name: "the-" + string(role), Role: role})
	}
	for _, g := range grants {
		if _, err := creds.Issue(up.Credentials(dir), g); err != nil {
			t.Fatal(err)
		}
	}
	parties, issued, err := up.Parties(dir, up.DefaultConfig(dir))
	if err != nil {
		t.Fatal(err)
	}
	return dir, slices.DeleteFunc(parties, func(p creds.Party) bool { return !p.Store }), issued
}

// targets are keys that somebody would want something to be under: below each prefix
// that anybody's rights name, and where nobody has any.
func storeTargets(parties []creds.Party) []string {
	run := events.HashID("of the former layout")
	prefixes := []string{
		artifacts.HostPrefix("c"), artifacts.HostPrefix("a.example"), artifacts.HostPrefix("ab"), artifacts.PrefixRuns + run + "/1/",
		artifacts.PrefixRuns, artifacts.PrefixRuns + "host.", "other/", "",
	}
	for _, p := range parties {
		prefixes = slices.Concat(prefixes, p.Rights.Read, p.Rights.Write, p.Rights.Replace, p.Rights.Delete)
	}
	for _, of := range []string{"a", "b.example"} {
		prefixes = append(prefixes, artifacts.RunKey(of, run, 1, ""))
	}
	slices.Sort(prefixes)
	return slices.Compact(prefixes)
}

// The rights that everything else follows from: nothing that a host writes is another's to
// write, and only pointers move.
func TestRightsInTheStoreAreEachUsersOwn(t *testing.T) {
	_, parties, _ := users(t)
	pointers := []string{"inventories/latest.json", "inventories/snapshots/latest.json", "archive/history/"}
	for _, p := range parties {
		if p.All {
			continue
		}
		_, isHost := strings.CutPrefix(p.Name, "bench-")
		if isHost && (len(p.Rights.Write) != 1 || p.Rights.Write[0] == artifacts.PrefixRuns || p.Rights.MayRead("archive/x") || p.Rights.MayRead(artifacts.HostPrefix("c"))) {
			t.Errorf("%s may %+v", p.Name, p.Rights)
		}
		if p.Name != up.Janitor && len(p.Rights.Delete) > 0 || p.Name == up.Janitor && len(p.Rights.Write) > 0 {
			t.Errorf("%s removes below %q and writes below %q", p.Name, p.Rights.Delete, p.Rights.Write)
		}
		for _, key := range p.Rights.Replace {
			if !slices.Contains(pointers, key) {
				t.Errorf("%s replaces %s", p.Name, key)
			}
		}
		for _, other := range parties {
			for _, prefix := range p.Rights.Write {
				if isHost && other.Name != p.Name && !other.All && overlaps(prefix, other.Rights.Write) {
					t.Errorf("%s writes below %s, as %s does", other.Name, prefix, p.Name)
				}
			}
		}
	}
}

func overlaps(prefix string, others []string) bool {
	return slices.ContainsFunc(others, func(o string) bool { return strings.HasPrefix(o, prefix) || strings.HasPrefix(prefix, o) })
}

// Each user tries everything everywhere, with another client than fiord's. What is
// attacked follows from the rights that the code declares.
func TestUsersOfTheStoreDoWhatTheirRightsSay(t *testing.T) {
	dir, parties, issued := users(t)
	t.Run("embedded", func(t *testing.T) {
		var list []embedded.User
		for _, p := range parties {
			if !p.All {
				list = append(list, embedded.User{AccessKey: p.Keys.AccessKey, SecretKey: p.Keys.SecretKey.Reveal(), Rights: p.Rights})
			}
		}
		(&siege{t, artifactstest.Start(t, t.TempDir(), list...).Config(), parties, true}).hold()
	})
	t.Run("versitygw", func(t *testing.T) {
		(&siege{t, startVersity(t, dir, parties, issued), parties, false}).hold()
	})
}

// siege is a server with all users and the operator's configuration of it.
type siege struct {
	t       *testing.T
	root    artifacts.Config
	parties []creds.Party
	// strict servers know what may be replaced.
	strict bool
}

func (s *siege) hold() {
	owner := artifactstest.OpenRaw(s.t, s.root)
	began, tried := time.Now(), 0
	if err := owner.Put(s.t.Context(), readable, original, ""); err != nil {
		s.t.Fatal(err)
	}
	for _, p := range s.parties {
		if p.All {
			continue
		}
		cfg := s.root
		cfg.AccessKey, cfg.SecretKey = p.Keys.AccessKey, p.Keys.SecretKey.Reveal()
		tried += s.attack(p.Name, p.Rights, owner, artifactstest.OpenRaw(s.t, cfg))
	}
	stranger, nobody := s.root, s.root
	stranger.AccessKey, stranger.SecretKey = s.parties[len(s.parties)-1].Keys.AccessKey, "guessed-by-somebody"
	nobody.AccessKey, nobody.SecretKey = "", ""
	tried += s.attack("who guesses a secret", artifacts.Rights{}, owner, artifactstest.OpenRaw(s.t, stranger))
	tried += s.attack("who has no key", artifacts.Rights{}, owner, artifactstest.OpenRaw(s.t, nobody))
	s.t.Logf("%d attacks in %v", tried, time.Since(began))
	if tried < 3000 {
		s.t.Error("too few")
	}
}

// attack has one user try everything, and looks what has come of it.
func (s *siege) attack(user string, rights artifacts.Rights, owner, as artifactstest.Raw) (tried int) {
	s.t.Helper()
	ctx := s.t.Context()
	known := len(rights.Read)+len(rights.Write)+len(rights.Delete) > 0 || user == "notify"
	for _, prefix := range storeTargets(s.parties) {
		there, free := prefix+"there", prefix+"free"
		if !strings.HasSuffix(prefix, "/") && prefix != "" {
			there, free = prefix, prefix+"-free"
		}
		s.restore(owner, there, free)
		for _, a := range attacks() {
			tried++
			key, may := free, a.any
			if a.present {
				key = there
			}
			if s.strict {
				may = a.may
			}
			version, err := owner.Version(ctx, there)
			if err != nil {
				s.t.Fatal(err)
			}
			s.expect(a.do(ctx, as, key, version), may(rights, key), user+" may "+a.name+" "+key)
			if s.changed(owner, there, free) {
				if !may(rights, key) {
					s.t.Errorf("%s could %s %s", user, a.name, key)
				}
				s.restore(owner, there, free)
			}
		}
		_, err := as.List(ctx, prefix)
		s.expect(err, known, user+" may list "+prefix)
	}
	for what, try := range as.Administer() {
		tried++
		s.expect(try(ctx), false, user+" may "+what)
	}
	return tried
}

// expect wants the server to do what is allowed, and to say no to anything else.
func (s *siege) expect(err error, may bool, what string) {
	s.t.Helper()
	refusals := []string{"AccessDenied", "PreconditionFailed", "NotImplemented", "SignatureDoesNotMatch", "MethodNotAllowed"}
	if may && err != nil || !may && !slices.Contains(refusals, artifactstest.Refusal(err)) {
		s.t.Errorf("%s: %v, and the answer was %v", what, may, err)
	}
}

const original = "as it was"

func (s *siege) restore(owner artifactstest.Raw, there, free string) {
	s.t.Helper()
	if err := owner.Put(s.t.Context(), there, original, ""); err != nil {
		s.t.Fatal(err)
	}
	if err := owner.Remove(s.t.Context(), free); err != nil {
		s.t.Fatal(err)
	}
}

func (s *siege) changed(owner artifactstest.Raw, there, free string) bool {
	_, err := owner.Version(s.t.Context(), free)
	text, gone := owner.Get(s.t.Context(), there)
	return err == nil || gone != nil || text != original
}
