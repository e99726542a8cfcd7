package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// Names of the files in an invocation's directory.
const (
	JobFile    = "job.fio"
	OutputFile = "fio.json"
	StdoutFile = "stdout.txt"
	StderrFile = "stderr.txt"
	LogDir     = "logs"
)

// Grace is how long fio may take to write its report after SIGINT before it is
// killed. It leaves half a second of the promised two for the kill itself.
const Grace = 1500 * time.Millisecond

// Errors a caller can act on. Everything else is the runner's own failure and
// may be tried again.
var (
	// ErrImageMissing: the engine has no such image and may not pull it.
	ErrImageMissing = errors.New("image is missing")
	// ErrRefused: the engine answered, and will not do what it was asked, however
	// often.
	ErrRefused = errors.New("the container engine refuses")
	// ErrUnsupported: the invocation asks for something this runner, or the
	// host it runs on, cannot give. The text names the option.
	ErrUnsupported = errors.New("not supported here")
	// ErrUnavailable: the engine does not answer.
	ErrUnavailable = errors.New("engine is unavailable")
	// ErrLeft: Wait has left fio running, as its context's cause asked for.
	ErrLeft = errors.New("fio was left running")
	// ErrHook: an adapter of the host's operator refused or broke the request.
	ErrHook = errors.New("hook refused")
)

// Leave is the cause with which to end the context of a Wait that should let
// fio be, if it can do without this process.
var Leave = errors.New("the worker stops, fio goes on") //nolint:staticcheck,revive // a cause, not a failure

// AtOnce is wrapped by a cause with which fio is not asked to end but killed.
// What it would still report is lost.
var AtOnce = errors.New("without delay") //nolint:staticcheck,revive // a cause, not a failure

// GraceOf is how long fio may take to end once ctx has.
func GraceOf(ctx context.Context) time.Duration {
	if errors.Is(context.Cause(ctx), AtOnce) {
		return 0
	}
	return Grace
}

// Key names one start of fio: attempts of a run are counted by starts.
type Key struct {
	Run     string
	Attempt int
}

// Runner starts fio and finds again what an earlier worker has left behind.
type Runner interface {
	// Start begins one invocation and returns once fio is executing.
	Start(ctx context.Context, inv Invocation) (Process, error)
	// Leftovers lists invocations of this host that an earlier worker started
	// and that nobody waits for. The caller waits for each, or ends it.
	Leftovers(ctx context.Context) ([]Process, error)
	// Describe says what fio runs in, for facts and environment.json.
	Describe(ctx context.Context) (Description, error)
}

// Process is one fio, running or ended.
type Process interface {
	Key() Key
	// Wait returns when fio has ended and nothing of it is left: no process,
	// no container. It reports progress to seen (which may be nil) from one
	// goroutine. When ctx ends first, Wait stops fio as the package says and
	// returns an Exit with Stopped set; the error stays nil. With [Leave] as the
	// cause a fio that can outlive its worker goes on instead, for Leftovers of
	// the next, and Wait returns ErrLeft.
	Wait(ctx context.Context, seen func(Progress)) (Exit, error)
}

// Doubtful reports whether a leftover bears a former mark of its host, which
// others on the machine may bear as well. Only a caller that knows its run by
// other means may wait for it or end it.
func Doubtful(p Process) bool {
	d, ok := p.(interface{ Doubtful() bool })
	return ok && d.Doubtful()
}

// Description is what fio runs in.
type Description struct {
	Kind       string `json:"kind"`             // "docker" or "process"
	Engine     string `json:"engine,omitempty"` // engine's name and version
	API        string `json:"api,omitempty"`    // negotiated API version
	Image      string `json:"image,omitempty"`  // reference as configured
	ImageID    string `json:"image_id,omitempty"`
	FioVersion string `json:"fio_version,omitempty"` // "fio-3.33"
	// VolumeDrivers are the engine's volume plugins, "local" included.
	VolumeDrivers []string `json:"volume_drivers,omitempty"`
	// Sandbox is what confines a fio that runs as a plain process; nil in a
	// container.
	Sandbox *Sandbox `json:"sandbox,omitempty"`
}

// Sandbox is what a plain process is confined by.
type Sandbox struct {
	Layers  []string `json:"layers,omitempty"`  // "landlock 7", "seccomp", …
	Missing []string `json:"missing,omitempty"` // what this kernel cannot give, or the owner has switched off
}

// Whole are the layers that there are; nil in a container.
func (s *Sandbox) Whole() []string {
	if s == nil {
		return nil
	}
	return s.Layers
}

// Lacks are what is missing; nil in a container.
func (s *Sandbox) Lacks() []string {
	if s == nil {
		return nil
	}
	return s.Missing
}

// Exit is how fio ended.
type Exit struct {
	Code      int           // exit status; -1 when a signal ended it, or when it is unknown
	Signal    string        // "SIGKILL", …, when a signal ended it
	Unknown   string        // why the exit status was not seen, "" if it was; what fio wrote decides then
	Stopped   bool          // the caller's context ended and fio was stopped
	OutOfMem  bool          // the kernel killed it, or one of its jobs, for its memory limit
	Memory    int64         // that limit in bytes; 0 for none
	Started   time.Time     // when fio began
	Ended     time.Time     // when it was gone
	Overheads time.Duration // what the engine took to create, start and remove
}

// OK reports whether fio ended by itself with status 0, and whole: when the
// kernel kills one of its jobs for memory, fio itself still says 0.
func (e Exit) OK() bool {
	return e.Code == 0 && e.Signal == "" && e.Unknown == "" && !e.Stopped && !e.OutOfMem
}

// Lost returns e for a fio whose exit status was not seen, because of why.
func (e Exit) Lost(why string) Exit {
	e.Code, e.Signal, e.Unknown = -1, "", why
	return e
}

// Invocation is one start of fio.
type Invocation struct {
	Key  Key
	Host string // token of the host, for labels

	// Dir is the absolute directory described in the package comment.
	Dir string
	// WorkDir is fio's working directory: where a job without filename and
	// directory puts its files. It must be one of Mounts or the target of a
	// volume; empty means Dir.
	WorkDir string

	Args []string // further fio arguments, before the job file
	Env  []string // "K=V", for ${VAR} in the job file

	Mounts  []Mount
	Volumes []Volume
	Devices []Device
	User    *User // nil: the runner's own user
	Limits  Limits

	// Hold are open files that fio inherits, so that a lock on one lasts as
	// long as any process of fio does, even past the worker's death. A
	// container inherits nothing: there the container itself is the lock.
	Hold []*os.File

	// Leash, if set, has a supervisor end fio at a deadline.
	Leash *Leash
}

// Leash is for a device that is leased: package supervise ends fio at the
// deadline in a file, which the caller puts off by replacing the file.
type Leash struct {
	Program  string // fiord-supervisor: a static program, as the engine's host sees it
	Deadline string // the file; it has a folder of its own, which fio may not write
}

// Command is argv on its leash.
func (l *Leash) Command(argv []string) []string {
	if l == nil {
		return argv
	}
	return append([]string{l.Program, l.Deadline}, argv...)
}

// Mount is a directory of the host that fio may see, under the same path.
type Mount struct {
	Path     string
	ReadOnly bool
}

// Volume is an engine volume; it is created if it does not exist.
type Volume struct {
	Name    string            // name in the driver, "data@gold" as given
	Driver  string            // empty: the engine's default
	Options map[string]string // driver options
	Target  string            // absolute path inside the container
	Fresh   bool              // made for this start of fio, and removed after it
}

// Device is a device node that fio may open, under the same path.
type Device struct {
	Path  string
	Write bool
}

// User is who fio runs as.
type User struct {
	UID int
	GID int
}

// Limits bound one invocation; the zero value of each means no limit.
type Limits struct {
	CPUs    float64 // in cores
	CPUSet  string  // "0-3,6"
	Memory  int64   // bytes, swap included
	PIDs    int64
	Memlock int64 // bytes; RLIMIT_MEMLOCK
	// Per device path, in bytes or operations per second.
	ReadBPS, WriteBPS, ReadIOPS, WriteIOPS map[string]uint64
}

// Argv is fio's command line for an invocation whose directory fio sees as
// dir. The report goes to a file, so nothing else can get between its lines.
func Argv(dir string, inv Invocation) []string {
	argv := []string{
		"fio",
		"--output=" + filepath.Join(dir, OutputFile),
		"--output-format=json+",
		"--eta=always", "--eta-newline=100ms",
		"--aux-path=" + dir,
	}
	argv = append(argv, inv.Args...)
	return append(argv, filepath.Join(dir, JobFile))
}
