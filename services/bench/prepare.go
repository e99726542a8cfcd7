package bench

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
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/volume"
	"github.com/fiord-bench/fiord/services/bench/measure"
)

// logPrefix begins the names of all logs: logs/fio_bw.1.log.
const logPrefix = "fio"

// plan is a job ready to run: what fio is given, and what it may touch.
type plan struct {
	Job     []byte
	Grant   guard.Grant
	WorkDir string
	Volumes []runner.Volume
	User    *runner.User
	Limits  runner.Limits
}

// prepare applies the point to a job file, adds the logs and has the guard
// judge the result. dir is the attempt's folder. Problems are the author's.
func (s *Service) prepare(list events.RunList, inv events.Invocation, text []byte, dir string) (plan, []events.Problem, error) {
	file, err := s.parse(inv.Job, text)
	if err != nil {
		return plan{}, problemsOf(err), nil
	}
	if err := errors.Join(measure.MayDrop(list.Measure, s.cfg.DropCaches, s.remote), s.edit(file, inv.Point, list.Measure, dir)); err != nil {
		return plan{}, problemsOf(err), nil
	}
	p := plan{Job: file.Bytes(), Limits: s.limits(list.Limits)}
	targets, refused := s.targets(list, inv.Run, file, &p)
	if len(refused) > 0 {
		return plan{}, refused, nil
	}
	grant, problems, err := s.guard.Check(guard.Request{File: file, WorkDir: s.workDir(targets), Scratch: dir, Volumes: targets, Leftovers: s.leftoversOn})
	if err != nil || len(problems) > 0 {
		return plan{}, problems, err
	}
	p.Grant = grant
	if p.WorkDir = s.workDir(targets); !mounted(grant, targets, p.WorkDir) {
		p.WorkDir = "" // nothing is measured there: the container does not get it
	}
	p.User, err = owner(grant.Target)
	return p, nil, err
}

// parse reads a job file as fio on this host will.
func (s *Service) parse(name string, text []byte) (*job.File, error) {
	return job.Parse(name, text, job.Config{Machine: job.Machine{
		PageSize: int64(os.Getpagesize()), MemoryMB: s.machine.MemoryMiB(), CPUs: int64(s.machine.CPUs()),
	}})
}

// edit applies the point of the matrix and what the bench wants measured.
func (s *Service) edit(file *job.File, point events.Point, m *events.Measure, dir string) error {
	if err := errors.Join(s.apply(file, point), measure.Apply(file, m), measure.WholeLatency(file)); err != nil {
		return err
	}
	_, err := file.AddLogs(s.cfg.Logs.options(filepath.Join(dir, runner.LogDir, logPrefix)))
	return err
}

// options are what a job gets of them.
func (l Logs) options(prefix string) job.Logs {
	return job.Logs{
		Prefix: prefix, AvgMsec: int(l.Average.Milliseconds()), NoLatency: !l.Latency,
		HistMsec: int(l.Histogram.Milliseconds()), HistCoarseness: l.Coarseness,
	}
}

// apply sets the options of a point.
func (s *Service) apply(file *job.File, point events.Point) error {
	var errs []error
	for _, option := range slices.Sorted(maps.Keys(point)) {
		_, err := file.Set(option, point[option])
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// problemsOf turns the parser's errors into the contract's, with their places.
func problemsOf(err error) []events.Problem {
	var all job.Errors
	if errors.As(err, &all) {
		var out []events.Problem
		for _, e := range all[:min(len(all), 50)] {
			out = append(out, problemOf(e))
		}
		return out
	}
	var option *measure.Unoffered
	if errors.As(err, &option) {
		return []events.Problem{option.Problem()}
	}
	var one *job.Error
	if errors.As(err, &one) {
		return []events.Problem{problemOf(one)}
	}
	return []events.Problem{{Rule: "syntax", Message: events.Clip(err.Error(), events.MaxMessage)}}
}

func problemOf(e *job.Error) events.Problem {
	message := e.Msg
	if e.Remedy != "" {
		message += " (" + e.Remedy + ")"
	}
	return events.Problem{File: e.Pos.File, Line: e.Pos.Line, Column: e.Pos.Col, Rule: "syntax", Message: events.Clip(message, events.MaxMessage)}
}

// targets are the paths that volumes are mounted at, and fills the plan's
// volumes. A job that names an absolute directory of its own means the volume
// by it, as `-v volume:/directory` always did.
func (s *Service) targets(list events.RunList, run string, file *job.File, p *plan) ([]string, []events.Problem) {
	if list.Volume == "" {
		return nil, volume.Request{Driver: list.Driver, Options: list.Options}.Static()
	}
	target := s.cfg.Volumes.Target
	for _, j := range file.Jobs() {
		dir := path.Clean(j.Value("directory"))
		if path.IsAbs(dir) && !slices.Contains(reserved, "/"+strings.Split(dir, "/")[1]) {
			target = dir
			break
		}
	}
	v, problems := s.volume(list, run, target)
	p.Volumes = []runner.Volume{v}
	return []string{target}, problems
}

// reserved are top folders of the image that a volume must not cover.
var reserved = []string{"/", "/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/tmp", "/usr", "/var"}

// workDir is where paths without a folder lead.
func (s *Service) workDir(targets []string) string {
	switch {
	case len(targets) > 0:
		return targets[0]
	case len(s.cfg.Directories) > 0:
		return s.cfg.Directories[0]
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

func (s *Service) limits(l events.Limits) runner.Limits {
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
		Memlock: int64(min(s.cfg.Docker.Memlock, 1<<62)), //nolint:gosec // bounded
		ReadBPS: bps(l.DeviceReadBPS), WriteBPS: bps(l.DeviceWriteBPS),
		ReadIOPS: l.DeviceReadIOPS, WriteIOPS: l.DeviceWriteIOPS,
	}
}
