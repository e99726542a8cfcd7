package checkout

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// objects is a running "git cat-file --batch": one process for all that is
// read of a commit.
type objects struct {
	ctx    context.Context // of the process; tells why it was ended
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *tail
	cancel func()
}

// openObjects starts the process. Reading can fetch what a partial clone left
// out, so that the limits of fetching hold here too.
func (r *repo) openObjects(ctx context.Context) (*objects, error) {
	ctx, cancel := r.limit(ctx)
	cmd := r.command(ctx, "cat-file", "--batch")
	o := &objects{ctx: ctx, cmd: cmd, stderr: &tail{most: 16 << 10}, cancel: cancel}
	cmd.Stderr = o.stderr
	in, err := cmd.StdinPipe()
	if err == nil {
		var out io.ReadCloser
		out, err = cmd.StdoutPipe()
		o.in, o.out = in, bufio.NewReader(out)
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	return o, nil
}

// get reads one object, of at most so many bytes, by its id or an expression
// such as <id>^{commit}.
func (o *objects) get(name string, most int64) (id, kind string, content []byte, err error) {
	if _, err := io.WriteString(o.in, name+"\n"); err != nil {
		return "", "", nil, o.broken(err)
	}
	head, err := o.out.ReadString('\n')
	if err != nil {
		return "", "", nil, o.broken(err)
	}
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return "", "", nil, fmt.Errorf("%w: object %s: %s", ErrNoCommit, name, strings.TrimSpace(head))
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return "", "", nil, o.broken(err)
	}
	if size > most {
		if _, err := io.CopyN(io.Discard, o.out, size+1); err != nil {
			return "", "", nil, o.broken(err)
		}
		return "", "", nil, tooLong(size, most)
	}
	content = make([]byte, size+1) // a newline follows
	if _, err := io.ReadFull(o.out, content); err != nil {
		return "", "", nil, o.broken(err)
	}
	return fields[0], fields[1], content[:size], nil
}

func tooLong(size, most int64) error {
	return fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, size, most)
}

func (o *objects) broken(err error) error {
	if cause := context.Cause(o.ctx); cause != nil {
		return fmt.Errorf("git cat-file: %w", cause)
	}
	return classify(&gitError{args: []string{"cat-file"}, stderr: o.stderr.String(), err: err})
}

func (o *objects) close() {
	_ = o.in.Close()
	o.cancel() // kills it, should it not have gone by itself
	var exit *exec.ExitError
	if err := o.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return // nothing is left to be done about it
	}
}

// mode is the kind of a tree entry as git stores it.
type mode string

const (
	modeTree      mode = "40000"
	modeSymlink   mode = "120000"
	modeSubmodule mode = "160000"
)

type entry struct {
	mode mode
	name string
	id   string
}

var errDamaged = errors.New("tree object is damaged")

// parseTree reads a tree object: "<mode> <name>\0<id>" again and again, the id
// in so many bytes.
func parseTree(raw []byte, idLen int) ([]entry, error) {
	var entries []entry
	for len(raw) > 0 {
		head, rest, ok := bytes.Cut(raw, []byte{0})
		m, name, spaced := strings.Cut(string(head), " ")
		if !ok || !spaced || name == "" || strings.Contains(name, "/") || len(rest) < idLen {
			return nil, errDamaged
		}
		entries = append(entries, entry{mode: mode(strings.TrimLeft(m, "0")), name: name, id: hex.EncodeToString(rest[:idLen])})
		raw = rest[idLen:]
	}
	return entries, nil
}
