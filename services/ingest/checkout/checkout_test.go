package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/services/ingest/checkout"
)

func TestReadsThePushedCommitNotTheTip(t *testing.T) {
	o := newOrigin(t)
	o.write("fiord.yaml", "version: 1\n")
	o.write("jobs/deep/er/a.fio", "[a]\n")
	pushed := o.commit("Add a job\n\n[skip ci] is not in the subject")
	o.write("jobs/deep/er/a.fio", "[b]\n")
	o.commit("Change it")

	for name, url := range map[string]string{"path": o.dir, "file": "file://" + o.dir, "http": o.serve("") + "/jobs"} {
		t.Run(name, func(t *testing.T) {
			tree := open(t, newClient(t, nil), url, pushed)
			if err := tree.Prefetch(t.Context(), "fiord.yaml", "jobs/deep/er/a.fio", "missing"); err != nil {
				t.Fatal(err)
			}
			got, err := tree.ReadFile("jobs/deep/er/a.fio")
			if err != nil || string(got) != "[a]\n" {
				t.Errorf("read %q, %v", got, err)
			}
			if tree.Commit() != pushed || tree.Message() != "Add a job\n\n[skip ci] is not in the subject\n" {
				t.Errorf("commit %s, message %q", tree.Commit(), tree.Message())
			}
		})
	}
}

// A large repository is fetched without its contents, which then come one
// exchange for all that is wanted.
func TestLargeRepositoryIsFetchedLazily(t *testing.T) {
	o := newOrigin(t)
	for i := range 200 {
		o.write(fmt.Sprintf("data/%d.bin", i), noise(60<<10, i))
	}
	o.write("fiord.yaml", "version: 1\n")
	o.write("big.fio", "[big]\n"+noise(100<<10, 1))
	dir := t.TempDir()
	c := newClient(t, func(c *checkout.Config) { c.Dir, c.MaxFetch = dir, 9<<20 })
	tree := open(t, c, o.dir, o.commit("large"))
	if err := tree.Prefetch(t.Context(), "fiord.yaml", "data/7.bin", "missing"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"fiord.yaml": "version: 1\n", "data/7.bin": noise(60<<10, 7), "data/8.bin": noise(60<<10, 8)} {
		if got, err := tree.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	packs, err := filepath.Glob(filepath.Join(dir, "*", "objects", "pack", "*.pack"))
	if err != nil || len(packs) != 3 {
		t.Errorf("%d packs (%v), want the trees, the prefetch and one file read lazily", len(packs), err)
	}
}

// noise does not compress.
func noise(n, seed int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return string(b)
}

func TestServerWithoutPartialClones(t *testing.T) {
	o := newOrigin(t)
	o.git("config", "uploadpack.allowFilter", "false")
	o.write("a.fio", "[a]\n")
	tree := open(t, newClient(t, nil), o.dir, o.commit("one"))
	if err := tree.Prefetch(t.Context(), "a.fio"); err != nil {
		t.Fatal(err)
	}
	if got, err := tree.ReadFile("a.fio"); err != nil || string(got) != "[a]\n" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestSHA256Repository(t *testing.T) {
	o := newOrigin(t, "--object-format=sha256")
	o.write("a.fio", "[a]\n")
	before := o.commit("one")
	o.write("b.fio", "[b]\n")
	tree := open(t, newClient(t, nil), o.dir, o.commit("two"))
	paths, known, err := tree.Changed(t.Context(), before)
	if err != nil || !known || !cmp.Equal(paths, []string{"b.fio"}) {
		t.Errorf("changed %v, %v, %v", paths, known, err)
	}
}

func TestAnnotatedTagLeadsToItsCommit(t *testing.T) {
	o := newOrigin(t)
	o.write("a.fio", "[a]\n")
	commit := o.commit("one")
	o.git("tag", "-a", "-m", "first", "v1")
	tag := o.git("rev-parse", "v1")
	if tree := open(t, newClient(t, nil), o.dir, tag); tree.Commit() != commit {
		t.Errorf("tag %s gave commit %s, want %s", tag, tree.Commit(), commit)
	}
}

func TestWhatIsNoPlainFileIsRefused(t *testing.T) {
	o := newOrigin(t)
	o.write("jobs/a.fio", "[a]\n")
	o.write("big.fio", strings.Repeat("#", 5000))
	o.write("lfs.fio", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
	for link, target := range map[string]string{"etc.fio": "/etc/passwd", "linked": "jobs"} {
		if err := os.Symlink(target, filepath.Join(o.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	head := o.commit("base")
	o.git("update-index", "--add", "--cacheinfo", "160000,"+head+",vendor/sub")
	o.git("commit", "--quiet", "-m", "Add a submodule")
	tree := open(t, newClient(t, func(c *checkout.Config) { c.MaxFile = 4096 }), o.dir, o.git("rev-parse", "HEAD"))
	tests := []struct {
		path string
		want error
		says string
	}{
		{"etc.fio", checkout.ErrNotFile, "symbolic link"},
		{"linked/a.fio", checkout.ErrNotFile, "linked is a symbolic link"},
		{"vendor/sub", checkout.ErrNotFile, "submodule"},
		{"vendor/sub/a.fio", checkout.ErrNotFile, "vendor/sub is a submodule"},
		{"jobs", checkout.ErrNotFile, "folder"},
		{"jobs/a.fio/x", checkout.ErrNotFound, "no folder"},
		{"jobs/A.fio", checkout.ErrNotFound, `there is "a.fio"`},
		{"jobs/none.fio", checkout.ErrNotFound, "no such file"},
		{"lfs.fio", checkout.ErrLFS, "git lfs untrack"},
		{"big.fio", checkout.ErrTooLarge, "at most 4096"},
		{"../jobs/a.fio", checkout.ErrNotFound, "climbs"},
		{"/jobs/a.fio", checkout.ErrNotFound, "climbs"},
		{"jobs//a.fio", checkout.ErrNotFound, "climbs"},
		{"jobs/../jobs/a.fio", checkout.ErrNotFound, "climbs"},
		{"..", checkout.ErrNotFound, "climbs"},
		{"", checkout.ErrNotFound, "climbs"},
	}
	for _, tt := range tests {
		_, err := tree.ReadFile(tt.path)
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: error %v, want %v saying %q", tt.path, err, tt.want, tt.says)
		}
	}
	if got, err := tree.ReadFile("jobs/a.fio"); err != nil || string(got) != "[a]\n" {
		t.Errorf("the tree is unusable after refusals: %q, %v", got, err)
	}
}

func TestChangedPathsComeFromTheTrees(t *testing.T) {
	o := newOrigin(t)
	o.write("keep/a", "a")
	o.write("edit/b", "b")
	o.write("gone/deep/c", "c")
	o.write("kind", "file")
	before := o.commit("one")
	o.write("edit/b", "changed")
	o.write("new/deep/d", "d")
	o.git("rm", "--quiet", "-r", "gone", "kind")
	o.write("kind/now-a-folder", "x")
	if err := os.Chmod(filepath.Join(o.dir, "keep/a"), 0o755); err != nil {
		t.Fatal(err)
	}
	tree := open(t, newClient(t, nil), o.dir, o.commit("two"))

	want := []string{"edit/b", "gone/deep/c", "keep/a", "kind", "kind/now-a-folder", "new/deep/d"}
	paths, known, err := tree.Changed(t.Context(), before)
	if err != nil || !known {
		t.Fatalf("known %v, error %v", known, err)
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("changed paths (-want +got):\n%s", diff)
	}
	for name, before := range map[string]string{
		"new branch":  strings.Repeat("0", 40),
		"not told":    "",
		"pushed over": strings.Repeat("ab", 20),
	} {
		if paths, known, err := tree.Changed(t.Context(), before); known || err != nil {
			t.Errorf("%s: %v, known %v, error %v; everything has to count as changed", name, paths, known, err)
		}
	}
}

func TestLimits(t *testing.T) {
	o := newOrigin(t)
	o.git("config", "uploadpack.allowFilter", "false")
	o.write("big.bin", noise(8<<20, 0))
	for i := range 50 {
		o.write("many/"+string(rune('a'+i%26))+string(rune('a'+i/26)), "x")
	}
	head := o.commit("heavy")

	t.Run("bytes", func(t *testing.T) {
		c := newClient(t, func(c *checkout.Config) { c.MaxFetch = 4 << 20 })
		if _, err := c.Open(t.Context(), checkout.Request{URL: o.dir, Commit: head}); !errors.Is(err, checkout.ErrTooLarge) {
			t.Errorf("error %v, want ErrTooLarge", err)
		}
	})
	t.Run("entries", func(t *testing.T) {
		tree := open(t, newClient(t, func(c *checkout.Config) { c.MaxEntries = 10 }), o.dir, head)
		if _, err := tree.ReadFile("many/aa"); !errors.Is(err, checkout.ErrTooLarge) {
			t.Errorf("error %v, want ErrTooLarge", err)
		}
	})
	t.Run("time", func(t *testing.T) {
		c := newClient(t, func(c *checkout.Config) { c.Timeout = time.Nanosecond })
		if _, err := c.Open(t.Context(), checkout.Request{URL: o.dir, Commit: head}); !errors.Is(err, checkout.ErrUnavailable) {
			t.Errorf("error %v, want ErrUnavailable", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := newClient(t, nil).Open(ctx, checkout.Request{URL: o.dir, Commit: head}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	})
}

func TestHeads(t *testing.T) {
	o := newOrigin(t)
	head := o.commit("one")
	o.git("branch", "topic")
	o.git("tag", "-a", "-m", "first", "v1")
	o.git("update-ref", "refs/notes/x", head)
	got, err := newClient(t, nil).Heads(t.Context(), o.dir)
	want := map[string]string{"refs/heads/main": head, "refs/heads/topic": head, "refs/tags/v1": o.git("rev-parse", "v1")}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, heads (-want +got):\n%s", err, diff)
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	dir := t.TempDir()
	old, fresh := filepath.Join(dir, "commit-old"), filepath.Join(dir, "commit-fresh")
	for _, d := range []string{old, fresh} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	cfg := checkout.Defaults()
	cfg.Dir = dir
	if _, err := checkout.New(cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("old leftover is still there: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("a commit being read was removed: %v", err)
	}
}
