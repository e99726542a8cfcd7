package forge_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/services/ingest/forge"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// now is the moment at which every delivery of the corpus arrives.
var now = time.Unix(1773480413, 0)

// sample is one delivery of the corpus: header lines, an empty line, the body.
type sample struct {
	name  string // <forge>/<case>
	forge string
	path  string
	forge.Delivery
}

func corpus(tb testing.TB) []sample {
	tb.Helper()
	paths, err := filepath.Glob("testdata/*/*.http")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no corpus in testdata: %v", err)
	}
	var samples []sample
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		head, body, ok := bytes.Cut(raw, []byte("\n\n"))
		if !ok {
			tb.Fatalf("%s: no empty line between headers and body", path)
		}
		dir := filepath.Base(filepath.Dir(path))
		s := sample{name: dir + "/" + filepath.Base(path), forge: dir, path: path, Delivery: forge.Delivery{Header: http.Header{}, Body: body}}
		for line := range strings.Lines(string(head)) {
			k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			s.Header.Set(k, v)
		}
		samples = append(samples, s)
	}
	return samples
}

func mac(secret string, parts ...string) string {
	h := hmac.New(sha256.New, []byte(secret))
	for _, p := range parts {
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sign signs a delivery as its forge would. Forges that carry the headers of
// their ancestors get valid signatures in all of them, as on the wire.
func sign(s sample, secret string) forge.Delivery {
	d := forge.Delivery{Header: s.Header.Clone(), Body: s.Body}
	body, doc := string(s.Body), string(s.Body)
	if form, err := url.ParseQuery(body); err == nil && strings.HasPrefix(s.Header.Get("Content-Type"), "application/x-www-form") {
		doc = form.Get("payload")
	}
	switch s.forge {
	case "github":
		d.Header.Set("X-Hub-Signature-256", "sha256="+mac(secret, body))
	case "gitlab":
		d.Header.Set("X-Gitlab-Token", secret)
	case "forgejo", "gitea", "gogs":
		d.Header.Set("X-Gogs-Signature", mac(secret, doc))
		if s.forge != "gogs" {
			d.Header.Set("X-Gitea-Signature", mac(secret, doc))
			d.Header.Set("X-Hub-Signature-256", "sha256="+mac(secret, doc))
		}
		if s.forge == "forgejo" {
			d.Header.Set("X-Forgejo-Signature", mac(secret, doc))
		}
	case "bitbucket", "bitbucket-dc":
		d.Header.Set("X-Hub-Signature", "sha256="+mac(secret, body))
	case "soft-serve":
		d.Header.Set("X-SoftServe-Signature", "sha256="+mac(secret, body))
	case "git":
		d.Header.Set("X-Fiord-Signature", "sha256="+mac(secret, s.Header.Get("X-Fiord-Timestamp"), ".", body))
	}
	return d
}

func key(id, secret string) forge.Key { return forge.Key{ID: id, Secret: []byte(secret)} }

// TestEveryForge holds each delivery of the corpus to what all forges owe.
func TestEveryForge(t *testing.T) {
	for _, s := range corpus(t) {
		t.Run(s.name, func(t *testing.T) {
			f, err := forge.Detect(s.Header)
			if err != nil || f.Name() != s.forge {
				t.Fatalf("Detect: %v, %v, want %s", f, err, s.forge)
			}
			signed := sign(s, "s3cret")
			t.Run("rotated key is accepted and named", func(t *testing.T) {
				got, err := f.Verify(signed, []forge.Key{key("new", "another"), key("old", "s3cret")}, now)
				if err != nil || got.ID != "old" {
					t.Fatalf("got key %q, error %v", got.ID, err)
				}
			})
			refuse(t, f, "no signature", s.Delivery, "s3cret", forge.ErrUnsigned)
			refuse(t, f, "another key", signed, "other", forge.ErrSignature)
			refuse(t, f, "an empty key signs nothing", sign(s, ""), "", refusal(s.forge))
			refuse(t, f, "no key at all", signed, "", forge.ErrSignature)
			if s.forge != "gitlab" { // its token does not depend on the body
				tampered := forge.Delivery{Header: signed.Header, Body: append(bytes.Clone(s.Body), ' ')}
				refuse(t, f, "one byte more", tampered, "s3cret", forge.ErrSignature)
			}
			golden(t, s, f)
		})
	}
}

// refusal is what an empty secret leads to: no token for GitLab, a signature
// nobody made for the others.
func refusal(name string) error {
	if name == "gitlab" {
		return forge.ErrUnsigned
	}
	return forge.ErrSignature
}

func refuse(t *testing.T, f forge.Forge, why string, d forge.Delivery, secret string, want error) {
	t.Helper()
	t.Run(why, func(t *testing.T) {
		if k, err := f.Verify(d, []forge.Key{key("k", secret)}, now); !errors.Is(err, want) {
			t.Errorf("verified by %q with error %v, want %v", k.ID, err, want)
		}
	})
}

func golden(t *testing.T, s sample, f forge.Forge) {
	t.Helper()
	m, err := f.Parse(s.Delivery)
	var got []byte
	if err != nil {
		got = []byte(err.Error() + "\n")
	} else if got, err = json.MarshalIndent(m, "", "  "); err != nil {
		t.Fatal(err)
	} else {
		got = append(got, '\n')
	}
	path := strings.TrimSuffix(s.path, ".http") + ".golden.json"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("message differs (-want +got):\n%s", diff)
	}
}

func TestEmptyDigestIsRefused(t *testing.T) {
	for header, forgeHeader := range map[string]string{
		"X-Hub-Signature-256":   "X-GitHub-Event",
		"X-Gitea-Signature":     "X-Gitea-Event",
		"X-Forgejo-Signature":   "X-Forgejo-Event",
		"X-Gogs-Signature":      "X-Gogs-Event",
		"X-SoftServe-Signature": "X-SoftServe-Event",
		"X-Hub-Signature":       "X-Event-Key",
		"X-Fiord-Signature":     "X-Fiord-Event",
	} {
		for _, value := range []string{"", "sha256=", "sha256=00", "sha1=" + strings.Repeat("0", 40)} {
			h := http.Header{}
			h.Set(forgeHeader, "push")
			h.Set(header, value)
			f, err := forge.Detect(h)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.Verify(forge.Delivery{Header: h, Body: []byte("{}")}, []forge.Key{key("k", "s")}, now)
			if !errors.Is(err, forge.ErrUnsigned) && !errors.Is(err, forge.ErrSignature) {
				t.Errorf("%s: %q: error %v", header, value, err)
			}
		}
	}
}
