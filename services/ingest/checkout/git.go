package checkout

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// repo is a bare repository of our own, for one commit, thrown away after use.
type repo struct {
	cfg Config
	dir string
	// format of its object ids: sha1 or sha256.
	format string
	env    []string
	// most is how far the folder may grow at present, in bytes.
	most int64
}

// environ is all that git sees of the world. Secrets travel here because
// arguments are readable by everybody on the machine.
func environ(cfg Config, home string, r remote) []string {
	env := []string{
		"HOME=" + home,
		"LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_NO_REPLACE_OBJECTS=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_ASKPASS=false",
		"SSH_ASKPASS=false",
		"GIT_PROTOCOL_FROM_USER=0",
		"GIT_ALLOW_PROTOCOL=" + r.scheme,
	}
	for _, name := range []string{"PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "http_proxy", "NO_PROXY", "no_proxy"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	settings := [][2]string{
		{"remote.origin.url", r.text},
		{"core.hooksPath", "/dev/null"},
		{"core.fsmonitor", "false"},
		{"core.askPass", "false"},
		{"credential.helper", ""},
		{"gc.auto", "0"},
		{"maintenance.auto", "false"},
		{"fetch.recurseSubmodules", "false"},
		{"transfer.bundleURI", "false"},
		{"protocol.version", "2"},
		{"http.followRedirects", "false"},
		{"http.lowSpeedLimit", "1000"},
		{"http.lowSpeedTime", "30"},
	}
	if pin := r.pin(); pin != "" {
		settings = append(settings, [2]string{"http.curloptResolve", pin})
	}
	cred, ok := cfg.credential(r)
	switch {
	case ok && r.scheme == "ssh":
		env = append(env, "GIT_SSH_VARIANT=ssh", "GIT_SSH_COMMAND="+sshCommand(cred))
	case r.scheme == "ssh":
		env = append(env, "GIT_SSH_VARIANT=ssh", "GIT_SSH_COMMAND=ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes")
	case ok:
		basic := base64.StdEncoding.EncodeToString([]byte(userOf(cred) + ":" + cred.Token))
		settings = append(settings, [2]string{"http." + cred.URL + ".extraHeader", "Authorization: Basic " + basic})
	}
	env = append(env, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(settings)))
	for i, s := range settings {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s[1]))
	}
	return env
}

// userOf names a user where the forge does not care which.
func userOf(c Credential) string {
	if c.Username != "" {
		return c.Username
	}
	return "x-access-token"
}

func sshCommand(c Credential) string {
	return "ssh -F /dev/null -o BatchMode=yes -o ConnectTimeout=10 -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes" +
		" -o UserKnownHostsFile=" + shellQuote(c.KnownHostsFile) + " -i " + shellQuote(c.KeyFile)
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// command prepares git with a process group of its own, so that its helpers
// (ssh, git-remote-https) die with it.
func (r *repo) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.cfg.Git, args...)
	cmd.Dir = r.dir
	cmd.Env = r.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs git to its end and returns what it printed.
func (r *repo) run(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.cfg.Timeout, fmt.Errorf("%w: no end after %v", ErrUnavailable, r.cfg.Timeout))
	defer cancel()
	ctx, stop := r.limit(ctx)
	defer stop()
	cmd := r.command(ctx, args...)
	var out bytes.Buffer
	errs := &tail{most: 16 << 10}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, errs
	err := cmd.Run()
	if err == nil {
		return out.String(), r.tooLarge()
	}
	if cause := context.Cause(ctx); cause != nil {
		return "", fmt.Errorf("git %s: %w", args[0], cause)
	}
	return "", &gitError{args: args, stderr: errs.String(), err: err}
}

// limit ends the returned context once the repository has outgrown its bounds.
// git has no such option for fetches.
func (r *repo) limit(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := r.tooLarge(); err != nil {
					cancel(err)
				}
			}
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

func (r *repo) tooLarge() error {
	if folderSize(r.dir) > r.most {
		return fmt.Errorf("%w: the commit brings more than %d bytes", ErrTooLarge, r.most)
	}
	return nil
}

// folderSize counts what is there; files come and go under a running git.
func folderSize(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		if info, err := d.Info(); err == nil && !d.IsDir() {
			total += info.Size()
		}
		return nil
	})
	return total
}

// tail keeps the last bytes of a stream: the reason is at the end, and a
// hostile server must not fill our memory with progress.
type tail struct {
	most int
	buf  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.most; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.buf) }

// sweep removes what crashed processes left behind.
func sweep(dir string, age time.Duration) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasPrefix(e.Name(), tempPrefix) || time.Since(info.ModTime()) < age {
			continue
		}
		errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return errors.Join(errs...)
}
