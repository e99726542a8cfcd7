package sandbox_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/host/sandbox"
)

// TestMain lets the test binary be the program in the sandbox.
func TestMain(m *testing.M) {
	if name := os.Getenv("TEST_ACT"); name != "" {
		if err := acts[name].do(os.Getenv("TEST_AT")); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// act is what a program may try.
type act struct {
	allowed bool
	do      func(at string) error
}

// at is a folder with in/, which the program may write, and out/, which it may
// not even read; each has a file of the name file.
var acts = map[string]act{
	"make a file":              {true, func(at string) error { return os.WriteFile(at+"/in/new", []byte("x"), 0o600) }},
	"overwrite a file":         {true, func(at string) error { return os.WriteFile(at+"/in/file", []byte("x"), 0o600) }},
	"rename in a folder":       {true, func(at string) error { return os.Rename(at+"/in/file", at+"/in/other") }},
	"remove a file":            {true, func(at string) error { return os.Remove(at + "/in/file") }},
	"make a folder":            {true, func(at string) error { return os.Mkdir(at+"/in/folder", 0o700) }},
	"read the system":          {true, func(string) error { _, err := os.ReadFile("/usr/lib/os-release"); return err }},
	"ask for io_uring":         {true, func(string) error { return ring() }},
	"share memory":             {true, func(string) error { _, err := unix.SysvShmGet(0, 4096, 0o600|unix.IPC_CREAT); return err }},
	"read a file outside":      {false, func(at string) error { _, err := os.ReadFile(at + "/out/file"); return err }},
	"list a folder outside":    {false, func(at string) error { _, err := os.ReadDir(at + "/out"); return err }},
	"write a file outside":     {false, func(at string) error { return os.WriteFile(at+"/out/file", []byte("x"), 0o600) }},
	"make a file outside":      {false, func(at string) error { return os.WriteFile(at+"/out/new", []byte("x"), 0o600) }},
	"truncate a file outside":  {false, func(at string) error { return os.Truncate(at+"/out/file", 0) }},
	"remove a file outside":    {false, func(at string) error { return os.Remove(at + "/out/file") }},
	"move a file out":          {false, func(at string) error { return os.Rename(at+"/in/file", at+"/out/moved") }},
	"move a file in":           {false, func(at string) error { return os.Rename(at+"/out/file", at+"/in/moved") }},
	"link a file in":           {false, func(at string) error { return os.Link(at+"/out/file", at+"/in/linked") }},
	"climb out":                {false, func(at string) error { return os.WriteFile(at+"/in/../out/file", []byte("x"), 0o600) }},
	"follow a link out":        {false, func(at string) error { return os.WriteFile(at+"/in/link", []byte("x"), 0o600) }},
	"plant a link":             {false, func(at string) error { return os.Symlink("/etc/passwd", at+"/in/planted") }},
	"make a device":            {false, func(at string) error { return unix.Mknod(at+"/in/disk", unix.S_IFBLK|0o600, 7<<8) }},
	"write to /tmp":            {false, func(string) error { return os.WriteFile("/tmp/fiord-sandbox-escape", nil, 0o600) }},
	"read passwords":           {false, func(string) error { _, err := os.ReadFile("/etc/shadow"); return err }},
	"change the kernel":        {false, func(string) error { return os.WriteFile("/proc/sys/vm/swappiness", []byte("60"), 0o600) }},
	"read its parent":          {false, func(string) error { _, err := os.ReadFile(parent("environ")); return err }},
	"read its parent's memory": {false, func(string) error { _, err := os.Open(parent("mem")); return err }},
	"open its parent's files":  {false, func(string) error { _, err := os.Readlink(parent("fd/0")); return err }},
	"signal its parent":        {false, func(string) error { return syscall.Kill(os.Getppid(), syscall.SIGURG) }},
	"trace its parent":         {false, func(string) error { return unix.PtraceSeize(os.Getppid()) }},
	"run a shell":              {false, func(string) error { return exec.Command("/bin/sh", "-c", "true").Run() }},
	"run what it wrote":        {false, runOwn},
	"connect to a port":        {false, func(at string) error { return dial("tcp", at+"/in/port") }},
	"connect to a socket":      {false, func(at string) error { _, err := net.Dial("unix", at+"/in/socket"); return err }},
	"mount":                    {false, func(at string) error { return unix.Mount("none", at+"/in", "tmpfs", 0, "") }},
	"take new namespaces":      {false, func(string) error { return unix.Unshare(unix.CLONE_NEWUSER) }},
	"load a program of eBPF":   {false, func(string) error { _, _, e := unix.Syscall(unix.SYS_BPF, 0, 0, 0); return number(e) }},
	"keep a privilege":         {false, privileged},
}

func parent(file string) string { return filepath.Join("/proc", strconv.Itoa(os.Getppid()), file) }

func number(e syscall.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}

func ring() error {
	var params [120]byte
	fd, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(addr(&params)), 0)
	if e == 0 {
		_ = unix.Close(int(fd))
	}
	return number(e)
}

func dial(network, file string) error {
	port, err := os.ReadFile(file)
	if err != nil {
		return nil // the test notices: this was to fail
	}
	_, err = net.Dial(network, string(port))
	return err
}

func runOwn(at string) error {
	if err := os.WriteFile(at+"/in/tool", []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // to be executed
		return nil
	}
	return exec.Command(at + "/in/tool").Run()
}

// privileged succeeds when anything is left of root's powers.
func privileged(string) error {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(text), "\n") {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if strings.HasPrefix(name, "Cap") && name != "CapBnd" && strings.Trim(value, "0") != "" ||
			name == "NoNewPrivs" && value != "1" || name == "Seccomp" && value != "2" {
			return nil
		}
	}
	return errors.New("no privileges")
}

// world makes the folder that acts are tried in.
func world(t *testing.T, a *sandbox.Account) string {
	t.Helper()
	at := t.TempDir()
	for _, dir := range []string{"in", "out"} {
		if err := errors.Join(os.Mkdir(filepath.Join(at, dir), 0o700), os.WriteFile(filepath.Join(at, dir, "file"), []byte("kept"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", at+"/in/socket")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = listener.Close(), socket.Close() })
	if err := errors.Join(os.Symlink(at+"/out/file", at+"/in/link"), os.WriteFile(at+"/in/port", []byte(listener.Addr().String()), 0o600)); err != nil {
		t.Fatal(err)
	}
	if a == nil {
		return at
	}
	for _, name := range []string{"in", "in/file", "in/port", "in/socket", "out", "out/file"} { // the sandbox alone keeps it out
		if err := os.Chown(filepath.Join(at, name), a.UID, a.GID); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

// run does one act under rules.
func run(t *testing.T, name, at string, rules sandbox.Rules) (said string, ok bool) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"TEST_ACT=" + name, "TEST_AT=" + at}
	cmd.Dir, cmd.Stdout, cmd.Stderr = at+"/in", &out, &out
	if err := sandbox.Start(cmd, syscall.SIGKILL, rules); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	return out.String(), err == nil
}

func rules(t *testing.T, at string) sandbox.Rules {
	t.Helper()
	me, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	return sandbox.Rules{
		Required: true, Write: []string{at + "/in"}, Read: []string{"/usr", "/lib", "/lib64", "/proc", "/sys"}, Execute: []string{me, "/lib64/ld-linux-x86-64.so.2"},
		Devices: []sandbox.Device{{Path: "/dev/null", Write: true}},
	}
}

// What a program of the sandbox can do, it can do as another user and as this
// one; what it cannot, root cannot either.
func TestAProgramTouchesNothingButWhatItWasGiven(t *testing.T) {
	if missing := sandbox.Probe().Missing(); len(missing) > 0 {
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skipf("this kernel lacks %v: boot one of 2021 or later, with lsm=landlock", missing)
	}
	accounts := map[string]*sandbox.Account{"this user": nil}
	if os.Geteuid() == 0 {
		accounts["another user"] = &sandbox.Account{UID: 65530, GID: 65530}
	}
	for who, account := range accounts {
		for name, a := range acts {
			t.Run(who+"/"+name, func(t *testing.T) {
				at := world(t, account)
				r := rules(t, at)
				r.Account = account
				if said, ok := run(t, name, at, r); ok != a.allowed {
					t.Errorf("allowed: %v, want %v: %s", ok, a.allowed, said)
				}
				if kept, err := os.ReadFile(at + "/out/file"); err != nil || string(kept) != "kept" {
					t.Errorf("the file outside: %q, %v", kept, err)
				}
			})
		}
	}
}

// Each act that is refused would work without the sandbox, unless the system
// refuses it anyway: a test of something impossible shows nothing.
func TestTheActsWorkWithoutTheSandbox(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("as root: who is not is refused much of this anyway")
	}
	anyway := []string{"read its parent's memory", "trace its parent", "load a program of eBPF", "mount", "take new namespaces", "write to /tmp", "change the kernel", "make a device"}
	for name := range acts {
		if slices.Contains(anyway, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			at := world(t, nil)
			cmd := exec.Command(os.Args[0])
			cmd.Env = []string{"TEST_ACT=" + name, "TEST_AT=" + at}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// This process is as free afterwards as it was: the rules are one thread's.
func TestTheStarterStaysFree(t *testing.T) {
	at := world(t, nil)
	if _, ok := run(t, "make a file", at, rules(t, at)); !ok {
		t.Fatal("not started")
	}
	for range 100 { // on whatever thread
		done := make(chan error)
		go func() {
			_, err := os.ReadFile(at + "/out/file")
			done <- err
		}()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	} else {
		_ = l.Close()
	}
}
