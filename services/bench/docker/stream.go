package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/fiord-bench/fiord/host/runner"
)

// maxLog bounds what is kept of fio's standard output and error each.
const maxLog = 8 << 20

// logs copies a container's output into the invocation's directory while it
// runs, and reads progress on the way.
type logs struct {
	done   chan struct{}
	cancel context.CancelFunc
}

// follow starts from the container's first line, so that an adopted container
// yields the same files as one that was watched from its start. Losing output
// never fails a run: fio's report is elsewhere.
func (c *fio) follow(ctx context.Context, seen func(runner.Progress)) *logs {
	ctx, cancel := context.WithCancel(ctx)
	l := &logs{done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(l.done)
		if err := c.copyOutput(ctx, seen); err != nil && ctx.Err() == nil {
			c.engine.cfg.Log.Warn("output of fio is incomplete", "run_id", c.key.Run, "error", err)
		}
	}()
	return l
}

// finish waits for the last lines.
func (l *logs) finish(patience time.Duration) {
	select {
	case <-l.done:
	case <-time.After(patience):
	}
	l.cancel()
	<-l.done
}

func (c *fio) copyOutput(ctx context.Context, seen func(runner.Progress)) error {
	stdout, err := os.Create(filepath.Join(c.dir, runner.StdoutFile))
	if err != nil {
		return fmt.Errorf("create output of fio: %w", err)
	}
	defer func() { _ = stdout.Close() }()
	stderr, err := os.Create(filepath.Join(c.dir, runner.StderrFile))
	if err != nil {
		return fmt.Errorf("create error output of fio: %w", err)
	}
	defer func() { _ = stderr.Close() }()
	var out io.Writer = &bounded{w: stdout, left: maxLog}
	if seen != nil {
		out = io.MultiWriter(out, runner.NewProgressWriter(time.Now, seen))
	}
	return c.engine.copyLogs(ctx, c.id, out, &bounded{w: stderr, left: maxLog})
}

// copyLogs copies until the container has ended.
func (e *Engine) copyLogs(ctx context.Context, id string, stdout, stderr io.Writer) error {
	r, err := e.api.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
	if err != nil {
		return e.failure("read output", err)
	}
	defer func() { _ = r.Close() }()
	if _, err := stdcopy.StdCopy(stdout, stderr, r); err != nil {
		return e.failure("read output", err)
	}
	return nil
}

// bounded drops what is beyond its limit and never fails for it.
type bounded struct {
	w    io.Writer
	left int
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	keep := p[:min(len(p), b.left)]
	n, err := b.w.Write(keep)
	b.left -= n
	if err != nil {
		return n, err
	}
	return len(p), nil
}

// drainPull reads an image pull to its end. The engine reports a failed pull
// inside its progress, with status 200.
func drainPull(r io.Reader) error {
	dec := json.NewDecoder(r)
	for {
		var msg struct {
			Error string `json:"error"`
		}
		switch err := dec.Decode(&msg); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read progress: %w", err)
		case msg.Error != "":
			return errors.New(msg.Error)
		}
	}
}

// copyIn puts the invocation's directory into a remote engine's container.
func (e *Engine) copyIn(ctx context.Context, id, dir string) error {
	job, err := os.ReadFile(filepath.Join(dir, runner.JobFile)) //nolint:gosec // the caller's directory
	if err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	err = errors.Join(
		w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: runner.LogDir + "/", Mode: 0o777}),
		w.WriteHeader(&tar.Header{Name: runner.JobFile, Mode: 0o444, Size: int64(len(job))}),
		writeAll(w, job), w.Close())
	if err != nil {
		return fmt.Errorf("pack job: %w", err)
	}
	if err := e.api.CopyToContainer(ctx, id, dir, &buf, container.CopyToContainerOptions{}); err != nil {
		return e.failure("copy job", err)
	}
	return nil
}

func writeAll(w io.Writer, b []byte) error {
	_, err := w.Write(b)
	return err
}

// copyOut fetches what fio wrote in a remote engine's container. Names are
// those of fio's own files; links and anything outside dir are left alone.
func (e *Engine) copyOut(ctx context.Context, id, dir string) error {
	r, _, err := e.api.CopyFromContainer(ctx, id, dir)
	if err != nil {
		return e.failure("copy results", err)
	}
	defer func() { _ = r.Close() }()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open results: %w", err)
	}
	defer func() { _ = root.Close() }()
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read results: %w", err)
		}
		if err := unpack(root, t, h); err != nil {
			return err
		}
	}
}

// unpack writes one entry; its first path element is the directory's name.
func unpack(root *os.Root, t io.Reader, h *tar.Header) error {
	_, name, inside := strings.Cut(filepath.ToSlash(h.Name), "/")
	if !inside || name == "" || h.Typeflag != tar.TypeReg || name == runner.JobFile {
		return nil
	}
	if sub := filepath.Dir(name); sub != "." {
		if err := root.MkdirAll(sub, 0o700); err != nil {
			return fmt.Errorf("unpack results: %w", err)
		}
	}
	f, err := root.Create(name)
	if err != nil {
		return fmt.Errorf("unpack results: %w", err)
	}
	_, err = io.Copy(f, t)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	return nil
}

func signalName(n int) string { return runner.SignalName(syscall.Signal(n)) }
