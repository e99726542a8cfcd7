package forge_test

import (
	"errors"
	"testing"

	"github.com/fiord-bench/fiord/services/ingest/forge"
)

// fuzzParse feeds a forge with changed bodies of its own corpus. Whatever comes
// in, it either errs with ErrMalformed or gives a message that can be acted on.
func fuzzParse(f *testing.F, name string) {
	target, err := forge.Named(name)
	if err != nil {
		f.Fatal(err)
	}
	headers := corpus(f)
	for i, s := range headers {
		if s.forge == name {
			f.Add(i, s.Body)
		}
	}
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		if i < 0 || i >= len(headers) || headers[i].forge != name {
			t.Skip()
		}
		m, err := target.Parse(forge.Delivery{Header: headers[i].Header, Body: body})
		if err != nil {
			if !errors.Is(err, forge.ErrMalformed) {
				t.Fatalf("error %v is not ErrMalformed", err)
			}
			return
		}
		oneOutcome(t, m)
	})
}

func oneOutcome(t *testing.T, m forge.Message) {
	t.Helper()
	n := 0
	for _, set := range []bool{len(m.Pushes) > 0, m.Pull != nil, m.Ping, m.Ignored != ""} {
		if set {
			n++
		}
	}
	if n != 1 {
		t.Fatalf("%d outcomes in %+v, want exactly one", n, m)
	}
	for _, p := range m.Pushes {
		if p.Ref == "" || len(p.After) != 40 && len(p.After) != 64 {
			t.Fatalf("push cannot be acted on: %+v", p)
		}
	}
}

func FuzzGitHub(f *testing.F)      { fuzzParse(f, "github") }
func FuzzGitLab(f *testing.F)      { fuzzParse(f, "gitlab") }
func FuzzGitea(f *testing.F)       { fuzzParse(f, "gitea") }
func FuzzForgejo(f *testing.F)     { fuzzParse(f, "forgejo") }
func FuzzGogs(f *testing.F)        { fuzzParse(f, "gogs") }
func FuzzBitbucket(f *testing.F)   { fuzzParse(f, "bitbucket") }
func FuzzBitbucketDC(f *testing.F) { fuzzParse(f, "bitbucket-dc") }
func FuzzSoftServe(f *testing.F)   { fuzzParse(f, "soft-serve") }
func FuzzGit(f *testing.F)         { fuzzParse(f, "git") }

// FuzzVerify looks for a signature header that passes without the key.
func FuzzVerify(f *testing.F) {
	for i, s := range corpus(f) {
		f.Add(i, "sha256=", "1773480413")
		f.Add(i, sign(s, "other").Header.Get("X-Hub-Signature-256"), "")
	}
	samples := corpus(f)
	keys := []forge.Key{key("a", "unguessable-9f3b"), key("empty", "")}
	f.Fuzz(func(t *testing.T, i int, signature, stamp string) {
		if i < 0 || i >= len(samples) {
			t.Skip()
		}
		target, err := forge.Detect(samples[i].Header)
		if err != nil {
			t.Fatal(err)
		}
		d := forge.Delivery{Header: samples[i].Header.Clone(), Body: samples[i].Body}
		for _, h := range []string{"X-Hub-Signature", "X-Hub-Signature-256", "X-Gitea-Signature", "X-Forgejo-Signature",
			"X-Gogs-Signature", "X-SoftServe-Signature", "X-Fiord-Signature", "Webhook-Signature", "X-Gitlab-Token"} {
			d.Header.Set(h, signature)
		}
		d.Header.Set("Webhook-Timestamp", stamp)
		if k, err := target.Verify(d, keys, now); err == nil {
			t.Fatalf("forged: key %q accepted %q", k.ID, signature)
		}
	})
}
