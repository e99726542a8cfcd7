package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/host/sandbox"
)

// minFree is the free space below which a data folder is a warning.
const minFree = 1 << 30

// Machine examines what this machine offers a bench host, and the folder that a
// fiord here would use. It returns the gravest state.
func Machine(ctx context.Context, dataDir, engine string, report func(Finding)) State {
	x := &examination{report: report, worst: OK}
	x.engine(ctx, engine)
	x.fio(ctx)
	x.kernel()
	x.space(dataDir)
	return x.worst
}

// engine asks the container engine for its version.
func (x *examination) engine(ctx context.Context, address string) {
	const check = "container engine"
	socket, local := strings.CutPrefix(address, "unix://")
	if !local {
		x.skip(check, "%s is not on this machine", address)
		return
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	var version string
	err := within(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/_ping", nil)
		if err != nil {
			return err
		}
		resp, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<10))
		version = resp.Header.Get("Server")
		return nil
	})
	switch {
	case errors.Is(err, os.ErrPermission):
		x.warn(check, "add the user to the engine's group, or run bench as its own service", "%s may not be opened by this user", socket)
	case err != nil:
		x.warn(check, "install one (apt install docker.io) and start it, or set bench.runner to process", "nothing answers at %s", socket)
	default:
		x.ok(check, "%s", version)
	}
}

// fio looks for the program itself, which plain processes and fiord lint use.
func (x *examination) fio(ctx context.Context) {
	const check = "fio"
	path, err := exec.LookPath("fio")
	if err != nil {
		x.warn(check, "apt install fio; containers bring their own", "not installed: plain processes cannot run it, and fiord lint cannot ask it")
		return
	}
	var out []byte
	err = within(ctx, func(ctx context.Context) error {
		var err error
		out, err = exec.CommandContext(ctx, path, "--version").Output() // #nosec G204 -- the fio of the PATH
		return err
	})
	if err != nil {
		x.problem(check, "reinstall it", fmt.Errorf("%s does not run: %w", path, err))
		return
	}
	x.ok(check, "%s at %s", strings.TrimSpace(string(out)), path)
}

// kernel says which layers would confine a plain process.
func (x *examination) kernel() {
	const check = "confinement"
	f := sandbox.Probe()
	if missing := f.Missing(); len(missing) > 0 {
		x.warn(check, "plain processes need bench.process.sandbox to allow that; containers are not concerned", "this kernel has no %s", strings.Join(missing, ", "))
		return
	}
	text := strings.Join(f.Layers(), ", ")
	if gaps := f.Gaps(); len(gaps) > 0 {
		text += "; left open: " + strings.Join(gaps, ", ")
	}
	x.ok(check, "%s", text)
}

// space looks at the file system that would hold the data folder.
func (x *examination) space(dir string) {
	const check = "space"
	at, err := filepath.Abs(dir)
	if err != nil {
		x.problem(check, "", err)
		return
	}
	for {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		at = filepath.Dir(at)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(at, &fs); err != nil {
		x.problem(check, "", fmt.Errorf("statfs %s: %w", at, err))
		return
	}
	free := fs.Bavail * uint64(fs.Bsize) //nolint:gosec // sizes of blocks are positive
	text := fmt.Sprintf("%.1f GiB free for %s", float64(free)/(1<<30), dir)
	if free < minFree || fs.Files > 0 && fs.Ffree < 1000 {
		x.warn(check, "NATS and S3 stop taking what does not fit: make room, or move the data folder with --data", "%s, %d inodes", text, fs.Ffree)
		return
	}
	x.ok(check, "%s", text)
}
