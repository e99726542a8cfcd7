package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// Tree is one fetched commit. It is not safe for concurrent use.
type Tree struct {
	repo    *repo
	objects *objects
	lazy    bool // file contents have to be asked for
	commit  string
	root    string
	message string
	seen    int // entries looked at, against MaxEntries
}

func (t *Tree) open(ctx context.Context, req Request) (err error) {
	if t.lazy, err = t.repo.fetchCommit(ctx, req); err != nil {
		return fmt.Errorf("fetch %s: %w", req.Commit, err)
	}
	if t.objects, err = t.repo.openObjects(ctx); err != nil {
		return err
	}
	t.commit, t.root, t.message, err = t.readCommit(req.Commit)
	return err
}

// readCommit follows an id to its commit and reads what we need of it.
func (t *Tree) readCommit(id string) (commit, root, message string, err error) {
	const most = 1 << 20
	commit, _, raw, err := t.objects.get(id+"^{commit}", most)
	if err != nil {
		return "", "", "", fmt.Errorf("read commit %s: %w", id, err)
	}
	head, body, _ := bytes.Cut(raw, []byte("\n\n"))
	for line := range strings.Lines(string(head)) {
		if tree, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "tree "); ok {
			return commit, tree, strings.ToValidUTF8(string(body), "\uFFFD"), nil
		}
	}
	return "", "", "", fmt.Errorf("%w: %s has no tree", ErrNoCommit, id)
}

// Commit is the commit's id, which differs from the one asked for when that
// was a tag's.
func (t *Tree) Commit() string { return t.commit }

// Message is the commit's message, as it was written.
func (t *Tree) Message() string { return t.message }

// Close ends the reading process and removes everything that was fetched.
func (t *Tree) Close() error {
	if t.objects != nil {
		t.objects.close()
	}
	return os.RemoveAll(t.repo.dir)
}

// ReadFile reads a file by its path from the root of the repository.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	e, err := t.find(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	_, _, content, err := t.objects.get(e.id, t.repo.cfg.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return content, checkPointer(name, content)
}

// checkPointer refuses what Git LFS leaves in git in place of a file.
func checkPointer(name string, content []byte) error {
	if bytes.HasPrefix(content, []byte("version https://git-lfs.github.com/spec/")) {
		return fmt.Errorf("%s: %w: commit the file itself (git lfs untrack %q)", name, ErrLFS, name)
	}
	return nil
}

// checkPath refuses what leads out of the repository.
func checkPath(name string) error {
	if name == "" || path.IsAbs(name) || path.Clean(name) != name || name == ".." || strings.HasPrefix(name, "../") {
		return fmt.Errorf("%w: a path in the repository starts at its root and climbs nowhere", ErrNotFound)
	}
	return nil
}

// Prefetch brings the contents of several files in one exchange with the
// server. What it cannot find is left for ReadFile to report.
func (t *Tree) Prefetch(ctx context.Context, names ...string) error {
	if !t.lazy {
		return nil
	}
	var ids []string
	for _, name := range names {
		if e, err := t.find(name); err == nil && !slices.Contains(ids, e.id) {
			ids = append(ids, e.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := t.repo.run(ctx, strings.NewReader(strings.Join(ids, "\n")+"\n"), "fetch", "--quiet", "--no-tags",
		"--no-write-fetch-head", "--filter=blob:none", "--stdin", "--end-of-options", "origin")
	return classify(err)
}

// find walks from the root to a plain file, looking at each step.
func (t *Tree) find(name string) (entry, error) {
	if err := checkPath(name); err != nil {
		return entry{}, err
	}
	at := entry{mode: modeTree, id: t.root}
	parts := strings.Split(name, "/")
	for i, part := range parts {
		entries, err := t.entries(at.id)
		if err != nil {
			return entry{}, err
		}
		j := slices.IndexFunc(entries, func(e entry) bool { return e.name == part })
		if j < 0 {
			return entry{}, fmt.Errorf("%w%s", ErrNotFound, near(entries, part))
		}
		at = entries[j]
		if err := at.check(strings.Join(parts[:i+1], "/"), i == len(parts)-1); err != nil {
			return entry{}, err
		}
	}
	return at, nil
}

// check refuses what is no file at the end, and no folder before it.
func (e entry) check(at string, last bool) error {
	switch {
	case e.mode == modeSymlink:
		return fmt.Errorf("%w: %s is a symbolic link, which is not followed: name the file it points at", ErrNotFile, at)
	case e.mode == modeSubmodule:
		return fmt.Errorf("%w: %s is a submodule, which is not fetched: copy the file, or give its URL", ErrNotFile, at)
	case last && e.mode == modeTree:
		return fmt.Errorf("%w: %s is a folder: name the files in it", ErrNotFile, at)
	case !last && e.mode != modeTree:
		return fmt.Errorf("%w: %s is no folder", ErrNotFound, at)
	}
	return nil
}

// near suggests a name that differs in case alone, the commonest mistake of
// people whose file system does not care.
func near(entries []entry, part string) string {
	for _, e := range entries {
		if strings.EqualFold(e.name, part) {
			return fmt.Sprintf(": there is %q, and git minds the case", e.name)
		}
	}
	return ""
}

// entries reads a tree object.
func (t *Tree) entries(id string) ([]entry, error) {
	const most = 64 << 20
	_, kind, raw, err := t.objects.get(id, most)
	if err != nil {
		return nil, err
	}
	if kind != "tree" {
		return nil, fmt.Errorf("%w: object %s is a %s, not a tree", ErrNoCommit, id, kind)
	}
	entries, err := parseTree(raw, len(id)/2)
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", id, err)
	}
	if t.seen += len(entries); t.seen > t.repo.cfg.MaxEntries {
		return nil, fmt.Errorf("%w: more than %d entries of the commit's folders", ErrTooLarge, t.repo.cfg.MaxEntries)
	}
	return entries, nil
}

// Changed lists the paths that differ from another commit, sorted. Known is
// false when that commit cannot be had (a new branch, or one that was pushed
// over and collected): everything has to be taken for changed then.
func (t *Tree) Changed(ctx context.Context, before string) (paths []string, known bool, err error) {
	if strings.Trim(before, "0") == "" {
		return nil, false, nil
	}
	if err := t.repo.fetch(ctx, 1, noFiles, before); err != nil {
		if errors.Is(err, ErrNoCommit) {
			return nil, false, nil
		}
		return nil, false, fmt.Errorf("fetch %s: %w", before, err)
	}
	_, old, _, err := t.readCommit(before)
	if err != nil {
		return nil, false, err
	}
	if err := t.diff("", old, t.root, &paths); err != nil {
		return nil, false, err
	}
	slices.Sort(paths)
	return paths, true, nil
}

// diff collects the paths below dir at which two trees differ; an empty id
// stands for a folder that is not there.
func (t *Tree) diff(dir, a, b string, paths *[]string) error {
	if a == b {
		return nil
	}
	was, err := t.index(a)
	if err != nil {
		return err
	}
	is, err := t.index(b)
	if err != nil {
		return err
	}
	for name, e := range is {
		if err := t.diffEntry(path.Join(dir, name), was[name], e, paths); err != nil {
			return err
		}
		delete(was, name)
	}
	for name, e := range was {
		if err := t.diffEntry(path.Join(dir, name), e, entry{}, paths); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) diffEntry(at string, was, is entry, paths *[]string) error {
	if was.id == is.id && was.mode == is.mode {
		return nil
	}
	var a, b string
	if was.mode == modeTree {
		a = was.id
	}
	if is.mode == modeTree {
		b = is.id
	}
	if was.mode != modeTree && was.mode != "" || is.mode != modeTree && is.mode != "" {
		*paths = append(*paths, at)
	}
	return t.diff(at, a, b, paths)
}

func (t *Tree) index(id string) (map[string]entry, error) {
	if id == "" {
		return map[string]entry{}, nil
	}
	entries, err := t.entries(id)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]entry, len(entries))
	for _, e := range entries {
		byName[e.name] = e
	}
	return byName, nil
}
