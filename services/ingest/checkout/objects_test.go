package checkout

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// tree is a tree object in raw form.
func tree(entries ...string) []byte {
	var b strings.Builder
	for _, e := range entries {
		b.WriteString(e + "\x00" + strings.Repeat("\xab", 20))
	}
	return []byte(b.String())
}

func TestParseTree(t *testing.T) {
	got, err := parseTree(tree("100644 a.fio", "40000 jobs", "040000 old", "120000 link", "160000 sub"), 20)
	if err != nil || len(got) != 5 {
		t.Fatalf("%v, %v", got, err)
	}
	for i, want := range []mode{"100644", modeTree, modeTree, modeSymlink, modeSubmodule} {
		if got[i].mode != want || got[i].id != strings.Repeat("ab", 20) {
			t.Errorf("entry %d: %+v, want mode %s", i, got[i], want)
		}
	}
}

func TestDamagedTreesAreRefused(t *testing.T) {
	good := tree("100644 a.fio")
	for name, raw := range map[string][]byte{
		"cut in the id": good[:len(good)-1], "cut in the name": good[:8], "no mode": tree("a.fio"),
		"no name": tree("100644 "), "a path for a name": tree("100644 a/b"), "rubbish": []byte("\x00"),
	} {
		if got, err := parseTree(raw, 20); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func FuzzParseTree(f *testing.F) {
	f.Add(tree("100644 a.fio", "40000 jobs"), true)
	f.Add(tree("100644 a"), false)
	f.Fuzz(func(t *testing.T, raw []byte, short bool) {
		idLen := 32
		if short {
			idLen = 20
		}
		entries, err := parseTree(raw, idLen)
		size := 0
		for _, e := range entries {
			if e.name == "" || strings.ContainsAny(e.name, "/\x00") || len(e.id) != 2*idLen {
				t.Fatalf("entry %+v", e)
			}
			size += len(e.name) + idLen
		}
		if err == nil && size > len(raw) {
			t.Fatalf("%d bytes became entries of %d", len(raw), size)
		}
	})
}

// What git says decides whether a push is retried or given back to its author.
func TestClassify(t *testing.T) {
	tests := map[string]error{
		"fatal: unable to access 'https://h/': The requested URL returned error: 403":                           ErrDenied,
		"fatal: unable to access 'https://h/': The requested URL returned error: 301":                           ErrRefused,
		"fatal: unable to access 'https://h/': The requested URL returned error: 502":                           ErrUnavailable,
		"fatal: unable to access 'https://h/': Could not resolve host: h":                                       ErrUnavailable,
		"git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.":                  ErrDenied,
		"Host key verification failed.\nfatal: Could not read from remote repository.":                          ErrDenied,
		"ssh: connect to host h port 22: Connection refused\nfatal: Could not read from remote repository.":     ErrUnavailable,
		"fatal: remote error: upload-pack: not our ref 6dcb09b5b57875f334f61aebed695e2e4193db5e":                ErrNoCommit,
		"error: Server does not allow request for unadvertised object 6dcb09b5b57875f334f61aebed695e2e4193db5e": ErrNoCommit,
		"fatal: transport 'file' not allowed":                                                                   ErrRefused,
		"fatal: detected dubious ownership in repository at '/srv/git/jobs.git'":                                ErrDenied,
		"fatal: could not read Username for 'https://h': terminal prompts disabled":                             ErrDenied,
		"something new that git says": ErrUnavailable,
	}
	for stderr, want := range tests {
		err := classify(&gitError{args: []string{"fetch"}, stderr: stderr, err: exec.ErrNotFound})
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", stderr, err, want)
		}
	}
	if err := classify(nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}

func TestLastLine(t *testing.T) {
	tests := map[string]string{
		"":             "",
		"warning: x\n": "",
		"remote: Counting objects\nfatal: gone\n":                  "gone",
		"git@h: Permission denied (publickey).\nhint: try again\n": "git@h: Permission denied (publickey)",
		strings.Repeat("ä", 1000):                                  strings.Repeat("ä", 150) + "…",
	}
	for stderr, want := range tests {
		if got := lastLine(stderr); got != want {
			t.Errorf("%.40q: %.80q, want %.80q", stderr, got, want)
		}
	}
}
