package dropin

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/guard"
)

// Logs that are added to what a job asks for, as fiord's worker adds them.
const (
	histogramEvery      = time.Second
	histogramCoarseness = 2
)

// errRefused says that a job file may not run, or cannot.
var errRefused = errors.New("refused")

// planned is a job file ready to run.
type planned struct {
	Name  string // as given
	Stem  string // that its result, and logs that it did not ask for, are named by
	Text  []byte // what fio is given
	Grant guard.Grant
	Files []string // it and what it includes, as absolute paths
}

// planner makes plans of all job files before anything is deleted or started.
type planner struct {
	data   string
	remote map[string][]byte
	window time.Duration
	env    map[string]string // all that fio will see
	guard  *guard.Guard
	sys    block.System

	stems    []string
	prefixes []string // of logs, taken by an earlier file
}

// plan reads, edits and judges one job file. scratch is where fio's report goes.
func (p *planner) plan(name, scratch string) (planned, error) {
	out := planned{Name: name, Stem: p.stem(name), Files: []string{p.absolute(name)}}
	text, err := p.read(name)
	if err != nil {
		return out, err
	}
	file, err := p.edited(name, text, out.Stem)
	if err != nil {
		return out, fmt.Errorf("%w: %w", errRefused, err)
	}
	for _, i := range file.Includes {
		out.Files = append(out.Files, p.absolute(i.Name))
	}
	grant, problems, err := p.guard.Check(guard.Request{File: file, WorkDir: p.data, Scratch: scratch})
	if err != nil {
		return out, err
	}
	if len(problems) > 0 {
		return out, refusal(problems)
	}
	out.Text, out.Grant = file.Bytes(), grant
	return out, nil
}

// read returns a file by its name in a job file or in JOBFILES: one that was
// downloaded, or else one on disk. When files are downloaded, those of the data
// folder are about to be deleted.
func (p *planner) read(name string) ([]byte, error) {
	at := p.absolute(name)
	if rel, err := filepath.Rel(p.data, at); err == nil && p.remote != nil && below(at, p.data) {
		if content, ok := p.remote[rel]; ok {
			return content, nil
		}
		return nil, fmt.Errorf("%s: %w among the files that %s names (%s)", name, os.ErrNotExist, varRemote, strings.Join(sorted(p.remote), ", "))
	}
	info, err := os.Stat(at)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > job.MaxBytes {
		return nil, fmt.Errorf("%s is no job file: want a text of at most %d bytes", at, job.MaxBytes)
	}
	return os.ReadFile(at)
}

func (p *planner) absolute(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(p.data, name)
}

// edited parses a job file and adds the logs. A job's own logs keep their names,
// unless an earlier job file uses them: fio would overwrite its logs.
func (p *planner) edited(name string, text []byte, stem string) (*job.File, error) {
	host := facts.Host{Root: p.sys.Root}
	parse := func() (*job.File, error) {
		return job.Parse(name, text, job.Config{Open: p.read, Env: p.env, Machine: job.Machine{
			PageSize: int64(os.Getpagesize()), MemoryMB: host.MemoryMiB(), CPUs: int64(host.CPUs()),
		}})
	}
	file, err := parse()
	if err != nil {
		return nil, err
	}
	logs := job.Logs{
		Prefix: stem, AvgMsec: int(p.window.Milliseconds()), Keep: true,
		HistMsec: int(histogramEvery.Milliseconds()), HistCoarseness: histogramCoarseness,
	}
	used := prefixesOf(file)
	if slices.ContainsFunc(used, func(u string) bool { return slices.Contains(p.prefixes, u) }) {
		logs.Keep = false
		used = nil
	}
	p.prefixes = append(p.prefixes, append(used, stem)...)
	if _, err := file.AddLogs(logs); err == nil {
		return file, nil
	}
	// Histograms and compressed logs exclude each other: the job's wish counts.
	if file, err = parse(); err != nil {
		return nil, err
	}
	logs.HistMsec = 0
	_, err = file.AddLogs(logs)
	return file, err
}

// prefixesOf lists what the names of the logs that a file asks for begin with.
func prefixesOf(file *job.File) []string {
	var out []string
	for _, j := range file.Jobs() {
		for _, option := range []string{"write_bw_log", "write_iops_log", "write_lat_log", "write_hist_log"} {
			if o := j.Get(option); o != nil {
				out = append(out, cmp.Or(o.Value, j.Name))
			}
		}
	}
	return out
}

// stem makes a name for a job file's result that no other has and that job files
// and file systems can hold.
func (p *planner) stem(name string) string {
	clean := strings.TrimSuffix(filepath.Base(name), ".fio")
	clean = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`;#$\:,"'`, r) || r < ' ' {
			return '-'
		}
		return r
	}, clean)
	clean = cmp.Or(strings.Trim(clean, " .-"), "job")
	unique := clean
	for n := 2; slices.Contains(p.stems, unique); n++ {
		unique = fmt.Sprintf("%s-%d", clean, n)
	}
	p.stems = append(p.stems, unique)
	return unique
}

// refusal tells what the guard found, a line each.
func refusal(problems []events.Problem) error {
	lines := make([]string, len(problems))
	for i, problem := range problems {
		lines[i] = problem.String()
	}
	return fmt.Errorf("%w: %s", errRefused, strings.Join(lines, "\n"))
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
