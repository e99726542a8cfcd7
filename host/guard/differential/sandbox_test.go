package differential

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// sandboxed marks the process that runs jobs: this test's own program, started
// again in namespaces of its own.
const sandboxed = "FIORD_DIFFERENTIAL_SANDBOX"

func TestMain(m *testing.M) {
	if os.Getenv(sandboxed) != "" {
		if err := serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "sandbox:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// sandbox is the other end of such a process. It is used by one goroutine.
type sandbox struct {
	cmd  *exec.Cmd
	to   *json.Encoder
	in   io.Closer
	from *json.Decoder
	runs int
}

// renewAfter is after how many jobs a sandbox is made anew, with whatever fio
// left in its shared memory.
const renewAfter = 500

// startSandbox starts this program again, as nobody, where it can do no harm.
func startSandbox() (*sandbox, error) {
	cmd := exec.Command("/proc/self/exe") //nolint:gosec // itself
	cmd.Env = []string{sandboxed + "=1", "PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.Stderr = os.Stderr
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 {
		uid, gid = 65534, 65534 // root is who must not run this
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}},
		Credential:  &syscall.Credential{NoSetGroups: true}, // who those ids are inside
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	return &sandbox{cmd: cmd, to: json.NewEncoder(in), in: in, from: json.NewDecoder(bufio.NewReader(out))}, nil
}

// run has a job judged, and run if the guard lets it through.
func (s *sandbox) run(text string) (outcome, error) {
	if s.runs >= renewAfter {
		s.close()
		fresh, err := startSandbox()
		if err != nil {
			return outcome{}, err
		}
		*s = *fresh
	}
	s.runs++
	var got outcome
	err := errors.Join(s.to.Encode(text), s.from.Decode(&got))
	return got, err
}

func (s *sandbox) close() {
	_ = s.in.Close()
	_ = s.cmd.Wait()
}

// Places in the sandbox.
const (
	dataDir    = "/tmp/data"    // what jobs measure
	scratchDir = "/tmp/scratch" // an attempt's own folder
	workDir    = "/tmp/work"    // the job file and the trace
)

// serve judges and runs the jobs that come in, as the first process of its
// namespaces.
func serve(in io.Reader, out io.Writer) error {
	runtime.LockOSThread()
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 19); err != nil {
		return err
	}
	// fio signals its whole group now and then, which it is not to be part of.
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGHUP)
	if err := closeOff(); err != nil {
		return err
	}
	jobs, results := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var text string
		if err := jobs.Decode(&text); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		got, err := try(text)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, text)
		}
		if err := results.Encode(got); err != nil {
			return err
		}
	}
}

// closeOff makes everything read-only but a few file systems in memory, and
// leaves no device but those that hold nothing.
func closeOff() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	harmless := map[string]int{}
	for _, name := range []string{"null", "zero", "full", "random", "urandom"} {
		fd, err := unix.Open("/dev/"+name, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open /dev/%s: %w", name, err)
		}
		harmless[name] = fd
	}
	all := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, all); err != nil {
		return fmt.Errorf("make everything read-only: %w", err)
	}
	if err := unix.Mount("dev", "/dev", "tmpfs", unix.MS_NOSUID, "size=1m,mode=755"); err != nil {
		return fmt.Errorf("cover /dev: %w", err)
	}
	for name, fd := range harmless {
		if err := os.WriteFile("/dev/"+name, nil, 0o600); err != nil {
			return err
		}
		if err := unix.Mount("/proc/self/fd/"+strconv.Itoa(fd), "/dev/"+name, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind /dev/%s: %w", name, err)
		}
	}
	if err := os.Mkdir("/dev/shm", 0o700); err != nil {
		return err
	}
	if err := unix.Mount("tmp", "/tmp", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=64m,mode=755"); err != nil {
		return fmt.Errorf("cover /tmp: %w", err)
	}
	for _, dir := range []string{dataDir, scratchDir, workDir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// roomy is the size of the file systems while the guard looks at them.
const roomy = "size=64m,nr_inodes=20k"

// furnish mounts fresh file systems and lays out what jobs may come upon.
func furnish() error {
	for _, dir := range []string{dataDir, scratchDir} {
		_ = unix.Unmount(dir, unix.MNT_DETACH) // none yet, the first time
		if err := unix.Mount("sandbox", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, roomy); err != nil {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
	}
	var errs []error
	for _, dir := range []string{"d1", "d2", "full"} {
		errs = append(errs, os.Mkdir(filepath.Join(dataDir, dir), 0o700))
	}
	for file, size := range map[string]int{"seed": 8192, "full/one": 8192, "full/two": 3000, "old": 65536} {
		errs = append(errs, os.WriteFile(filepath.Join(dataDir, file), make([]byte, size), 0o600))
	}
	errs = append(errs,
		os.WriteFile(filepath.Join(dataDir, "sparse"), nil, 0o600),
		os.Truncate(filepath.Join(dataDir, "sparse"), 256<<10),
		os.Symlink("d1", filepath.Join(dataDir, "ln")))
	return errors.Join(errs...)
}

// narrow leaves a file system as much room as was counted.
func narrow(dir string, bytes, inodes uint64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return err
	}
	used := (st.Blocks - st.Bfree) * uint64(st.Bsize) //nolint:gosec // block sizes are positive
	options := fmt.Sprintf("size=%d,nr_inodes=%d", max(used+bytes, 4096), st.Files-st.Ffree+inodes)
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("narrow %s to %s: %w", dir, options, err)
	}
	return nil
}

// killAll ends everything in the sandbox but this, its first process.
func killAll() {
	for range 100 {
		_ = unix.Kill(-1, unix.SIGKILL)
		for {
			if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
		if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); errors.Is(err, unix.ECHILD) {
			return
		}
	}
}
