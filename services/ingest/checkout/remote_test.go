package checkout_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/services/ingest/checkout"
)

const someID = "6dcb09b5b57875f334f61aebed695e2e4193db5e"

func TestAddressesAreRefusedBeforeGitSeesThem(t *testing.T) {
	strict := newClient(t, func(c *checkout.Config) { c.AllowLocal, c.AllowHTTP = false, false })
	for name, address := range map[string]string{
		"empty":               "",
		"option":              "--upload-pack=touch /tmp/pwned",
		"remote helper":       "ext::sh -c id",
		"git protocol":        "git://git.storage-lab.example/jobs",
		"ftp":                 "ftp://git.storage-lab.example/jobs",
		"clear text":          "http://git.storage-lab.example/jobs",
		"local path":          "/srv/git/jobs.git",
		"file":                "file:///srv/git/jobs.git",
		"relative path":       "../jobs.git",
		"newline":             "https://git.storage-lab.example/jobs\n--all",
		"password":            "https://bot:hunter2@git.storage-lab.example/jobs",
		"no host":             "https:///jobs",
		"host as an option":   "ssh://-oProxyCommand=id/jobs",
		"user as an option":   "ssh://-lroot@git.storage-lab.example/jobs",
		"query":               "https://git.storage-lab.example/jobs?a=b",
		"this machine":        "https://127.0.0.1/jobs",
		"this machine, IPv6":  "https://[::1]/jobs",
		"metadata service":    "https://169.254.169.254/latest/meta-data",
		"metadata, IPv6 form": "https://[::ffff:169.254.169.254]/latest",
		"any address":         "https://0.0.0.0/jobs",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := strict.Open(t.Context(), checkout.Request{URL: address, Commit: someID})
			if !errors.Is(err, checkout.ErrRefused) {
				t.Errorf("error %v, want ErrRefused", err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

func TestAbbreviatedCommitIsRefused(t *testing.T) {
	for _, commit := range []string{"", "HEAD", someID[:12], "--all", strings.ToUpper(someID)} {
		_, err := newClient(t, nil).Open(t.Context(), checkout.Request{URL: "/nowhere", Commit: commit})
		if !errors.Is(err, checkout.ErrNoCommit) {
			t.Errorf("%q: error %v, want ErrNoCommit", commit, err)
		}
	}
}

func TestTokenIsSentWhereItBelongs(t *testing.T) {
	o := newOrigin(t)
	o.write("a.fio", "[a]\n")
	head := o.commit("one")
	base := o.serve("t0ken")
	with := func(url, token string) *checkout.Client {
		return newClient(t, func(c *checkout.Config) {
			c.Credentials = func() []checkout.Credential { return []checkout.Credential{{URL: url, Token: token}} }
		})
	}
	tree := open(t, with(base+"/jobs", "t0ken"), base+"/jobs", head)
	if err := tree.Prefetch(t.Context(), "a.fio"); err != nil {
		t.Errorf("prefetch with the token: %v", err)
	}
	for name, c := range map[string]*checkout.Client{
		"none":                        newClient(t, nil),
		"for a sibling":               with(base+"/job", "t0ken"),
		"for another host":            with("https://git.storage-lab.example/", "t0ken"),
		"not valid":                   with(base, "expired"),
		"as a shorter prefix, better": with(base+"/other", "t0ken"),
	} {
		_, err := c.Open(t.Context(), checkout.Request{URL: base + "/jobs", Commit: head})
		if !errors.Is(err, checkout.ErrDenied) || !strings.Contains(err.Error(), "token") {
			t.Errorf("credential %s: error %v, want ErrDenied that speaks of the token", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "t0ken") {
			t.Errorf("the error shows the token: %v", err)
		}
	}
}

func TestServerRefusals(t *testing.T) {
	o := newOrigin(t)
	head := o.commit("one")
	base := o.serve("")
	tests := map[string]struct {
		url, commit string
		want        error
	}{
		"redirect":           {base + "/moved", head, checkout.ErrRefused},
		"no repository":      {base + "/none", head, checkout.ErrDenied},
		"collected commit":   {base + "/jobs", someID, checkout.ErrNoCommit},
		"nobody listens":     {"http://127.0.0.1:1/jobs", head, checkout.ErrUnavailable},
		"host unknown":       {"https://git.storage-lab.invalid/jobs", head, checkout.ErrUnavailable},
		"no repository here": {filepath.Join(t.TempDir(), "none"), head, checkout.ErrDenied},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, nil).Open(t.Context(), checkout.Request{URL: tt.url, Commit: tt.commit})
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// A repository on this machine can name commands in its own configuration;
// none of them may run on our behalf.
func TestConfigurationOfTheOriginRunsNothing(t *testing.T) {
	o := newOrigin(t)
	mark := filepath.Join(t.TempDir(), "ran")
	o.write("a.fio", "[a]\n")
	o.write(".gitattributes", "*.fio filter=evil\n")
	head := o.commit("one")
	for _, key := range []string{"core.fsmonitor", "filter.evil.smudge", "core.sshCommand", "uploadpack.packObjectsHook"} {
		o.git("config", key, "touch "+mark)
	}
	tree := open(t, newClient(t, nil), o.dir, head)
	if _, err := tree.ReadFile("a.fio"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mark); !os.IsNotExist(err) {
		t.Errorf("a command of the repository ran (stat: %v)", err)
	}
}

func TestTheEnvironmentOfTheOperatorDoesNotLeakIn(t *testing.T) {
	o := newOrigin(t)
	head := o.commit("one")
	mark := filepath.Join(t.TempDir(), "ran")
	t.Setenv("GIT_SSH_COMMAND", "touch "+mark)
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "uploadpack.packObjectsHook")
	t.Setenv("GIT_CONFIG_VALUE_0", "touch "+mark)
	t.Setenv("GIT_DIR", "/nowhere")
	open(t, newClient(t, nil), o.dir, head)
	if _, err := os.Stat(mark); !os.IsNotExist(err) {
		t.Errorf("a command from the environment ran (stat: %v)", err)
	}
}

func TestConfigIsValidated(t *testing.T) {
	if err := checkout.Defaults().Validate(); err == nil {
		t.Error("no folder: accepted")
	}
	for name, cred := range map[string]checkout.Credential{
		"no host":                {URL: "/srv/git", Token: "t"},
		"no token":               {URL: "https://git.storage-lab.example/"},
		"clear text":             {URL: "http://git.storage-lab.example/", Token: "t"},
		"user in the address":    {URL: "https://bot@git.storage-lab.example/", Token: "t"},
		"ssh without known host": {URL: "ssh://git@git.storage-lab.example/", KeyFile: "/k"},
	} {
		if err := cred.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if got := (checkout.Credential{URL: "https://h/", Token: "t0ken"}).LogValue().String(); strings.Contains(got, "t0ken") {
		t.Errorf("LogValue shows the token: %s", got)
	}
}
