package checkout

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const tempPrefix = "commit-"

// Client fetches commits. It is safe for concurrent use; every Tree has a
// folder of its own.
type Client struct {
	cfg  Config
	away away
}

// New makes the scratch folder and clears it of leftovers.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if _, err := exec.LookPath(cfg.Git); err != nil {
		return nil, fmt.Errorf("checkout: %w: install git, which reads the pushed commits", err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("checkout: %w", err)
	}
	if err := sweep(cfg.Dir, time.Hour); err != nil {
		return nil, fmt.Errorf("checkout: clear leftovers: %w", err)
	}
	return &Client{cfg: cfg}, nil
}

// Request names a commit.
type Request struct {
	// URL to clone from.
	URL string
	// Commit is the full id that was pushed; a tag object's id is followed to
	// its commit.
	Commit string
	// Ref leads to the commit on servers that give out tips alone; may be empty.
	Ref string
}

// Open fetches a commit. The caller closes the Tree; the end of ctx ends it too,
// whatever is being read.
func (c *Client) Open(ctx context.Context, req Request) (t *Tree, err error) {
	err = c.ask(req.URL, func(to remote) error {
		r, err := c.prepare(ctx, to, req.Commit)
		if err != nil {
			return err
		}
		t = &Tree{repo: r}
		if err := t.open(ctx, req); err != nil {
			return errors.Join(err, t.Close())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// ask does something with a remote repository, unless its host is known to be
// away.
func (c *Client) ask(address string, do func(remote) error) error {
	to, err := c.cfg.parseRemote(address)
	if err != nil {
		return err
	}
	if to.scheme == "file" {
		return do(to)
	}
	if err := c.away.enter(to.url.Host); err != nil {
		return err
	}
	err = do(to)
	c.away.leave(to.url.Host, !errors.Is(err, ErrUnavailable))
	return err
}

// prepare makes an empty repository with the remote set.
func (c *Client) prepare(ctx context.Context, to remote, commit string) (*repo, error) {
	resolve := func(host string) ([]net.IP, error) { return net.DefaultResolver.LookupIP(ctx, "ip", host) }
	if err := c.cfg.checkAddress(&to, resolve); err != nil {
		return nil, err
	}
	format, err := objectFormat(commit)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(c.cfg.Dir, tempPrefix)
	if err != nil {
		return nil, fmt.Errorf("checkout: %w", err)
	}
	if err := initBare(dir, format); err != nil {
		return nil, errors.Join(fmt.Errorf("checkout: %w", err), os.RemoveAll(dir))
	}
	return &repo{cfg: c.cfg, dir: dir, format: format, env: environ(c.cfg, dir, to), most: c.cfg.MaxFetch}, nil
}

// initBare writes what "git init --bare" would, without two processes: their
// time would come between every push and its measurement.
func initBare(dir, format string) error {
	config := "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = " + format + "\n"
	return errors.Join(
		os.MkdirAll(filepath.Join(dir, "objects", "pack"), 0o700),
		os.MkdirAll(filepath.Join(dir, "refs", "heads"), 0o700),
		os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/heads/none\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600),
	)
}

func objectFormat(commit string) (string, error) {
	if strings.Trim(commit, "0123456789abcdef") == "" {
		switch len(commit) {
		case 40:
			return "sha1", nil
		case 64:
			return "sha256", nil
		}
	}
	return "", fmt.Errorf("%w: %q is no full commit id", ErrNoCommit, commit)
}

// What a fetch brings besides the commit and its trees.
const (
	smallFiles = "blob:limit=64k"
	noFiles    = "blob:none"
	// eager is how much may come uninvited before we ask for less, in bytes.
	eager = 8 << 20
)

// fetch brings one object and what it needs, if the server can with no more
// file contents than the filter says.
func (r *repo) fetch(ctx context.Context, depth int, filter, want string) error {
	_, err := r.run(ctx, nil, "fetch", "--quiet", fmt.Sprintf("--depth=%d", depth), "--no-tags",
		"--no-write-fetch-head", "--filter="+filter, "--end-of-options", "origin", want)
	return classify(err)
}

// fetchCommit brings the commit with its small files: one exchange with the
// server for most repositories. Where those are too many, it starts again
// without any, and lazy tells that contents have to be asked for later.
func (r *repo) fetchCommit(ctx context.Context, req Request) (lazy bool, err error) {
	r.most = min(eager, r.cfg.MaxFetch)
	err = r.fetchAny(ctx, req, smallFiles)
	r.most = r.cfg.MaxFetch
	if !errors.Is(err, ErrTooLarge) || r.cfg.MaxFetch <= eager {
		return false, err
	}
	// The killed git left locks and half a pack behind.
	if err := errors.Join(os.RemoveAll(r.dir), initBare(r.dir, r.format)); err != nil {
		return false, err
	}
	return true, r.fetchAny(ctx, req, noFiles)
}

// fetchAny asks for the commit itself. A server that only gives out the tips
// of its refs is asked for the ref, and for some of its history, in case the
// ref has moved on since.
func (r *repo) fetchAny(ctx context.Context, req Request, filter string) error {
	err := r.fetch(ctx, 1, filter, req.Commit)
	if !errors.Is(err, ErrNoCommit) || req.Ref == "" {
		return err
	}
	const history = 50
	for _, depth := range []int{1, history} {
		if refErr := r.fetch(ctx, depth, filter, req.Ref); refErr != nil {
			return errors.Join(err, refErr)
		}
		if _, missing := r.run(ctx, nil, "cat-file", "-e", req.Commit); missing == nil {
			return nil
		}
	}
	return err
}

// Heads lists the branches and tags of a repository with the ids they point
// at; annotated tags with the id of the tag object, as forges tell them.
func (c *Client) Heads(ctx context.Context, address string) (heads map[string]string, err error) {
	err = c.ask(address, func(to remote) error {
		r, err := c.prepare(ctx, to, strings.Repeat("0", 40))
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(r.dir) }() // the next start sweeps what is left
		heads, err = r.heads(ctx)
		return err
	})
	return heads, err
}

// Head is the commit that a branch or tag points at, or "" if there is none of
// this name.
func (c *Client) Head(ctx context.Context, address, ref string) (string, error) {
	heads, err := c.Heads(ctx, address)
	return heads[ref], err
}

func (r *repo) heads(ctx context.Context) (map[string]string, error) {
	out, err := r.run(ctx, nil, "ls-remote", "--heads", "--tags", "--refs", "--end-of-options", "origin")
	if err != nil {
		return nil, classify(err)
	}
	heads := map[string]string{}
	for line := range strings.Lines(out) {
		if id, ref, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			heads[ref] = id
		}
	}
	return heads, nil
}
