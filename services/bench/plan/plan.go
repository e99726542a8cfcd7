package plan

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/volume"
	"github.com/fiord-bench/fiord/services/bench/measure"
)

// logPrefix begins the names of all logs: logs/fio_bw.1.log.
const logPrefix = "fio"

// Plan is a job ready to run: what fio is given, and what it may touch.
type Plan struct {
	Job     []byte
	Dir     string // of the invocation: its logs go below it
	Grant   guard.Grant
	WorkDir string
	Volumes []runner.Volume
	User    *runner.User
	Limits  runner.Limits

	// Fill is the plan that writes all that this one measures, to be run before
	// the first sample; nil if the bench does not want that.
	Fill *Plan

	file    *job.File
	targets []string // paths in the container that volumes are mounted at
}

// Written returns the folders whose file systems the plan writes to: what it
// measures, and dir, where its logs go.
func (p *Plan) Written(dir string) []string {
	dirs := []string{dir}
	for _, s := range p.Grant.Space {
		dirs = append(dirs, s.Dir)
	}
	for _, m := range p.Grant.Mounts {
		dirs = append(dirs, m.Path)
	}
	return dirs
}

// Settings are what the host's owner has decided.
type Settings struct {
	Directories  []string // that jobs may write; the first is where jobs without a directory run
	Shared       []string // what other hosts reach as well
	VolumeTarget string   // path in the container when the job names no directory
	Volumes      volume.Policy
	Logs         job.Logs // of every job; the prefix is the plan's
	DropCaches   bool     // benches may empty the page cache
	Memlock      int64    // RLIMIT_MEMLOCK of fio, bytes; 0 leaves the engine's own
	MaxMemory    uint64   // bytes that one run may have; 0 for any number
}

// Planner makes plans for one host. All fields but Leftovers are required.
type Planner struct {
	Settings
	Machine facts.Host
	Guard   *guard.Guard
	Places  volume.Places
	Runner  runner.Runner
	Remote  bool // the runner sees another file system
	// Leftovers says what earlier jobs laid out, see guard.Request.
	Leftovers func(system uint64, but map[string]bool) guard.Leftovers
}

// Request is an invocation to be planned.
type Request struct {
	List       events.RunList
	Invocation events.Invocation
	Text       []byte // the job file as its author wrote it
	Dir        string // of the attempt
}

// Make plans an invocation and has the guard judge the plan, and the filling
// before it. Problems are the author's: nothing may start then.
func (p *Planner) Make(r Request) (*Plan, []events.Problem, error) {
	file, err := p.Parse(r.Invocation.Job, r.Text)
	if err != nil {
		return nil, problemsOf(err), nil
	}
	m := r.List.Measure
	if err := errors.Join(measure.MayDrop(m, p.DropCaches, p.Remote), p.edit(file, r.Invocation.Point, m, r.Dir)); err != nil {
		return nil, problemsOf(err), nil
	}
	made, problems := p.assemble(r, file, r.Dir)
	if len(problems) > 0 {
		return nil, problems, nil
	}
	if problems, err := p.Judge(made); len(problems) > 0 || err != nil {
		return nil, problems, err
	}
	if made.Fill, problems = p.fill(r); made.Fill == nil || len(problems) > 0 {
		return made, problems, nil
	}
	problems, err = p.Judge(made.Fill)
	return made, problems, err
}

// assemble makes the plan of an edited job, but for what the guard decides.
func (p *Planner) assemble(r Request, file *job.File, dir string) (*Plan, []events.Problem) {
	made := &Plan{Job: file.Bytes(), Dir: dir, Limits: p.limits(r.List.Limits), file: file}
	var refused []events.Problem
	made.targets, made.Volumes, refused = p.mounts(r.List, r.Invocation.Run, file)
	return made, append(refused, p.limitProblems(r.List.Limits)...)
}

// aboveCeiling refuses a limit that lets fio have more than the host's owner
// gives to any.
func (p *Planner) aboveCeiling(l events.Limits) []events.Problem {
	if p.MaxMemory == 0 || uint64(l.Memory) <= p.MaxMemory {
		return nil
	}
	return []events.Problem{{
		Rule: guard.RuleCeiling, Option: "limits.memory",
		Message: fmt.Sprintf("limits.memory is %s, and this host gives a run at most %s (bench.max_memory): ask for less, or leave it out", l.Memory.Text(), events.Bytes(p.MaxMemory).Text()),
	}}
}

// Judge holds a plan against the host as it is now, and fills in what it may
// touch. It may be called again for the same plan.
func (p *Planner) Judge(made *Plan) ([]events.Problem, error) {
	grant, problems, err := p.Guard.Check(guard.Request{
		File: made.file, WorkDir: p.workDir(made.targets), Scratch: made.Dir, Volumes: made.targets, Leftovers: p.Leftovers,
	})
	if err != nil || len(problems) > 0 {
		return problems, err
	}
	made.Grant = grant
	if made.WorkDir = p.workDir(made.targets); !mounted(grant, made.targets, made.WorkDir) {
		made.WorkDir = "" // nothing is measured there: the container does not get it
	}
	made.User, err = owner(grant.Target)
	return nil, err
}

// Parse reads a job file as fio on this host will.
func (p *Planner) Parse(name string, text []byte) (*job.File, error) {
	return job.Parse(name, text, job.Config{Machine: job.Machine{
		PageSize: int64(os.Getpagesize()), MemoryMB: p.Machine.MemoryMiB(), CPUs: int64(p.Machine.CPUs()),
	}})
}

// edit applies the point of the matrix and what the bench wants measured.
func (p *Planner) edit(file *job.File, point events.Point, m *events.Measure, dir string) error {
	if err := errors.Join(apply(file, point), measure.Apply(file, m), measure.WholeLatency(file)); err != nil {
		return err
	}
	logs := p.Logs
	logs.Prefix = filepath.Join(dir, runner.LogDir, logPrefix)
	_, err := file.AddLogs(logs)
	return err
}

// apply sets the options of a point.
func apply(file *job.File, point events.Point) error {
	var errs []error
	for _, option := range slices.Sorted(maps.Keys(point)) {
		_, err := file.Set(option, point[option])
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// mounts returns the volumes of a run and the paths that they are mounted at. A job that names an absolute directory of its own means the volume
// by it, as `-v volume:/directory` always did.
func (p *Planner) mounts(list events.RunList, run string, file *job.File) ([]string, []runner.Volume, []events.Problem) {
	if list.Volume == "" {
		return nil, nil, volume.Request{Driver: list.Driver, Options: list.Options}.Static()
	}
	target := p.VolumeTarget
	for _, j := range file.Jobs() {
		dir := path.Clean(j.Value("directory"))
		if path.IsAbs(dir) && !slices.Contains(reserved, "/"+strings.Split(dir, "/")[1]) {
			target = dir
			break
		}
	}
	v, problems := p.volume(list, run, target)
	return []string{target}, []runner.Volume{v}, problems
}

// reserved are top folders of the image that a volume must not cover.
var reserved = []string{"/", "/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/tmp", "/usr", "/var"}

// workDir is where paths without a folder lead.
func (p *Planner) workDir(targets []string) string {
	switch {
	case len(targets) > 0:
		return targets[0]
	case len(p.Directories) > 0:
		return p.Directories[0]
	default:
		return ""
	}
}

func mounted(g guard.Grant, targets []string, dir string) bool {
	return slices.Contains(targets, dir) || slices.ContainsFunc(g.Mounts, func(m runner.Mount) bool { return m.Path == dir })
}

// owner is who fio runs as: who owns what it measures, if that is a directory
// of this host.
func owner(target string) (*runner.User, error) {
	info, err := os.Stat(target)
	if err != nil || !info.IsDir() {
		return nil, nil //nolint:nilerr,nilnil // a device, a volume or nothing: the runner's own user
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, nil //nolint:nilnil // not a file system with owners
	}
	if me := os.Geteuid(); me != 0 && me != int(st.Uid) {
		return nil, fmt.Errorf("%w: %s belongs to user %d, and this worker runs as %d: only root can run fio as another",
			runner.ErrUnsupported, target, st.Uid, me)
	}
	return &runner.User{UID: int(st.Uid), GID: int(st.Gid)}, nil
}

func (p *Planner) limits(l events.Limits) runner.Limits {
	bps := func(m map[string]events.Bytes) map[string]uint64 {
		if len(m) == 0 {
			return nil
		}
		out := map[string]uint64{}
		for k, v := range m {
			out[k] = uint64(v)
		}
		return out
	}
	return runner.Limits{
		CPUs: l.CPUs, Memory: int64(min(l.Memory, 1<<62)), PIDs: int64(l.Pids), //nolint:gosec // bounded
		Memlock: p.Memlock,
		ReadBPS: bps(l.DeviceReadBPS), WriteBPS: bps(l.DeviceWriteBPS),
		ReadIOPS: l.DeviceReadIOPS, WriteIOPS: l.DeviceWriteIOPS,
	}
}
