package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/internal/proof"
	"github.com/fiord-bench/fiord/services/plot/archive"
)

func (p *program) checkCommand() *cobra.Command {
	var grant string
	c := &cobra.Command{
		Use:   "check [DIR]",
		Short: "Check that kept events prove who made them",
		Long: `Check that events prove who made them, long after they were made.

Without DIR, every event of the event stream and of the archive in the store of
the running fiord is checked; a stream that was restored from a backup too.

With DIR, the archived events in a copy of the bucket are checked, without a
server: DIR is the copy, or its folder archive/. The installation's authority is
the one of this connection, or that of the grant in --grant FILE (nats.grant, from
the data folder or a bundle).

Exit code 0: all prove who made them, or were stored before events were signed.
1: some do not, each with its reason. 4: of some nothing can be said, because
they were archived without a proof.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return p.checkCopy(args[0], grant)
			}
			if grant != "" {
				return badInput(errors.New("--grant is for a copy in a folder: name DIR"))
			}
			return p.checkRunning(c.Context())
		},
	}
	c.Flags().StringVar(&grant, "grant", "", "file with a grant of the installation's authority")
	return c
}

// mostRefused is how many events that prove nothing are listed for people; --json has them all.
const mostRefused = 50

// checking counts what events of one place prove.
type checking struct {
	Place string `json:"place"`
	// Proven events, and those of before events were signed.
	Proven int `json:"proven"`
	Before int `json:"before_signing"`
	// Unsaid events were archived without a proof.
	Unsaid int `json:"without_proof"`
	// Refused are events that prove nothing.
	Refused []refusal `json:"refused"`
}

type refusal struct {
	At     string `json:"at"`
	Reason string `json:"reason"`
}

func (c *checking) add(at string, by *proof.Grant, err error) {
	switch {
	case errors.Is(err, archive.ErrNoProof):
		c.Unsaid++
	case err != nil:
		c.Refused = append(c.Refused, refusal{at, err.Error()})
	case by == nil:
		c.Before++
	default:
		c.Proven++
	}
}

func (p *program) checkRunning(ctx context.Context) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	stream := &checking{Place: "event stream", Refused: []refusal{}}
	for c, err := range client.Bus.CheckStream(ctx) {
		if err != nil {
			return err
		}
		stream.add(fmt.Sprintf("event %d on %s", c.Sequence, c.Subject), c.By, c.Err)
	}
	kept, err := checkStore(ctx, client)
	if err != nil {
		return err
	}
	return p.concludeCheck(stream, kept)
}

func checkStore(ctx context.Context, client *connection.Client) (*checking, error) {
	found := &checking{Place: "archive", Refused: []refusal{}}
	for info, err := range client.Store.List(ctx, artifacts.PrefixArchive) {
		if err != nil {
			return nil, fmt.Errorf("list archive: %w", err)
		}
		if !archive.IsEvent(info.Key) {
			continue
		}
		claim, err := client.Store.Claim(ctx, info.Key)
		if errors.Is(err, artifacts.ErrNotFound) {
			continue // removed meanwhile
		}
		var raw []byte
		if err == nil {
			raw, err = client.Store.ReadAll(ctx, claim, archive.MaxDocument)
		}
		if errors.Is(err, artifacts.ErrCorrupt) {
			found.add(info.Key, nil, err)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", info.Key, err)
		}
		by, err := archive.Check(client.Verifier, info.Key, raw)
		found.add(info.Key, by, err)
	}
	return found, nil
}

// checkCopy checks a copy of the bucket, or of its archive.
func (p *program) checkCopy(dir, grant string) error {
	verifier, err := p.authority(grant)
	if err != nil {
		return badInput(err)
	}
	root := dir
	if _, err := os.Stat(filepath.Join(dir, artifacts.PrefixArchive)); err == nil {
		root = filepath.Join(dir, artifacts.PrefixArchive)
	}
	found := &checking{Place: root, Refused: []refusal{}}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		rest, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		key := artifacts.PrefixArchive + filepath.ToSlash(rest)
		if !archive.IsEvent(key) {
			return nil
		}
		raw, err := os.ReadFile(path) //nolint:gosec // below the folder that the caller named
		if err != nil {
			return err
		}
		by, err := archive.Check(verifier, key, raw)
		found.add(key, by, err)
		return nil
	})
	if err != nil {
		return badInput(fmt.Errorf("read copy: %w", err))
	}
	if found.Proven+found.Before+found.Unsaid+len(found.Refused) == 0 {
		return badInput(fmt.Errorf("%s holds no archived event: want a copy of the bucket, or of its folder %s", dir, artifacts.PrefixArchive))
	}
	return p.concludeCheck(found)
}

// authority is what verifies a copy: by a grant in a file, or by that of the connection.
func (p *program) authority(file string) (*proof.Verifier, error) {
	if file == "" {
		dir, err := p.dataDir()
		if err != nil {
			return nil, err
		}
		c, err := connection.Find(p.connection, dir, p.environ)
		if err != nil {
			return nil, fmt.Errorf("%w, or name a grant of the installation's authority with --grant", err)
		}
		proving, err := c.NATS.Proving()
		if err == nil && (proving.Verifier == nil || proving.Mode == proof.Off) {
			err = errors.New("this connection has no grant, so that the installation's authority is not known: name one with --grant")
		}
		return proving.Verifier, err
	}
	text, err := os.ReadFile(file) //nolint:gosec // the caller's own choice
	if err != nil {
		return nil, fmt.Errorf("read grant: %w", err)
	}
	issued, err := proof.Read(string(text))
	if err != nil {
		return nil, fmt.Errorf("read grant %s: %w", file, err)
	}
	return proof.NewVerifier(issued, proof.Required, issued.Since)
}

// concludeCheck prints what was found and sets the exit code.
func (p *program) concludeCheck(places ...*checking) error {
	refused, unsaid := 0, 0
	for _, c := range places {
		refused, unsaid = refused+len(c.Refused), unsaid+c.Unsaid
	}
	if p.json {
		if err := p.printJSON(places); err != nil {
			return err
		}
	} else if err := p.printChecks(places); err != nil {
		return err
	}
	switch {
	case refused > 0:
		return &exitError{follow.RunsFailed, fmt.Errorf("%s with no proof of who made it", screen.Plural(refused, "event"))}
	case unsaid > 0:
		return &exitError{follow.Inconclusive, nil}
	}
	return nil
}

func (p *program) printChecks(places []*checking) error {
	var b strings.Builder
	for _, c := range places {
		fmt.Fprintf(&b, "%s: %s of which it is proven who made them", screen.Clean(c.Place), screen.Plural(c.Proven, "event"))
		if c.Before > 0 {
			fmt.Fprintf(&b, ", %d of before events were signed", c.Before)
		}
		if c.Unsaid > 0 {
			fmt.Fprintf(&b, ", %d kept without a proof", c.Unsaid)
		}
		fmt.Fprintf(&b, ", %d that prove nothing\n", len(c.Refused))
		for _, r := range c.Refused[:min(len(c.Refused), mostRefused)] {
			fmt.Fprintf(&b, "  %s: %s\n", screen.Clean(r.At), screen.Clean(r.Reason))
		}
		if more := len(c.Refused) - mostRefused; more > 0 {
			fmt.Fprintf(&b, "  %d more (--json lists all)\n", more)
		}
	}
	_, err := fmt.Fprint(p.stdout, b.String())
	return err
}
