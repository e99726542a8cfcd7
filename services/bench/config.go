package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/process"
	"github.com/fiord-bench/fiord/internal/volume"
	"github.com/fiord-bench/fiord/services/bench/attempt"
	"github.com/fiord-bench/fiord/services/bench/docker"
	"github.com/fiord-bench/fiord/services/bench/laidout"
	"github.com/fiord-bench/fiord/services/bench/lease"
	"github.com/fiord-bench/fiord/services/bench/plan"
)

//go:generate go run ./cmd/bench --write-config-table README.md

// Values of the setting runner.
const (
	runnerAuto    = "auto"
	runnerDocker  = "docker"
	runnerProcess = "process"
)

// Config is a worker's settings.
type Config struct {
	Host     string   `config:"host" help:"name of this host in events and the inventory; empty for the system's host name"`
	Pools    []string `config:"pools" help:"pools whose work this host takes"`
	Capacity int      `config:"capacity" help:"lists of runs worked on at once; runs on the same disk never overlap"`

	StateDir   string       `config:"state_dir" help:"folder for the spool and locks"`
	SpoolLimit events.Bytes `config:"spool_limit" help:"start no run while the spool holds more than this"`
	RunLimit   events.Bytes `config:"run_limit" help:"end a run whose logs grow beyond this"`
	Gate       string       `config:"gate" help:"file of the host's measurement gate, shared with plot on the same host; for programs of different users make it beforehand, with mode 0660"`

	Directories []string      `config:"directories" help:"folders that jobs may write; the first is where jobs without a directory run"`
	Devices     []Device      `config:"devices" help:"block devices that jobs may use"`
	Shared      []string      `config:"shared" help:"what other hosts reach as well, leased for each run: devices as in devices.id, folders, volume:NAME; what the network brings is known without"`
	MinFree     events.Bytes  `config:"min_free" help:"bytes that stay free on every file system"`
	MinInodes   uint64        `config:"min_free_inodes" help:"files that can still be made, at least, on every file system that counts them"`
	Leftovers   string        `config:"leftovers" help:"files that jobs laid out: reclaim (reused by name, removed when another job needs the space), remove (after each list of runs) or keep"`
	MaxJobs     int64         `config:"max_jobs" help:"jobs of fio at once, copies included; 0 for any number"`
	MaxMemory   events.Bytes  `config:"max_memory" help:"memory that one run may have: what a job file's options may ask for (buffers, tables of what is verified, logs), and the limit of its container, page cache included; 0 for half of the host's"`
	MaxOpen     int64         `config:"max_open_files" help:"files that a job file may have open at once; 0 for any number"`
	MaxDuration time.Duration `config:"max_duration" help:"longest time a job file may say that it takes, and longest timeout that a bench gets; 0 for any"`
	FactsDir    string        `config:"facts_dir" help:"folder of custom facts"`
	Addresses   []string      `config:"addresses" help:"addresses the host is known by; empty for those of its interfaces"`

	Runner     string        `config:"runner" help:"docker, process, or auto: docker, or process where no engine answers at the start and process.fallback allows it"`
	Process    Process       `config:"process"`
	Fio        string        `config:"fio" help:"fio binary of the process runner"`
	Docker     Docker        `config:"docker"`
	Volumes    Volumes       `config:"volumes"`
	Hooks      []Hook        `config:"hooks" help:"adapters called around container create and start, in order"`
	Timeout    time.Duration `config:"timeout" help:"longest time one fio may take when its bench names none"`
	Starts     int           `config:"starts" help:"starts of fio for one run before it is given up"`
	StopWait   time.Duration `config:"stop_wait" help:"time a running fio gets to end by itself when the worker stops"`
	AckWait    time.Duration `config:"ack_wait" help:"after this long without a sign of life another worker gets a list"`
	Logs       Logs          `config:"logs"`
	DropCaches bool          `config:"drop_caches" help:"let benches empty the page cache before each sample: it slows down everything on the host"`
	Others     float64       `config:"others" help:"percent of the CPUs that others may take while fio measures and none is idle, before the run is suspect; 0 for any"`

	LeaveRunning bool `config:"leave_running" help:"when the worker stops, leave containers of runs meant for this host measuring, for its next start; otherwise end them and hand the runs back"`

	LeaseTTL   time.Duration `config:"lease_ttl" help:"a shared device is free for other hosts this long after its worker fell silent"`
	Supervisor string        `config:"supervisor" help:"path of fiord-supervisor, for shared devices; empty for the one beside this program or in PATH"`
}

// Device allows one block device.
type Device struct {
	ID          string `config:"id" help:"/dev/disk/by-id/…, serial:… or wwn:…"`
	Destructive bool   `config:"destructive" help:"allow writes and trims: all data may be lost"`
}

// Process is what the owner decides about fio as a plain process.
type Process struct {
	Fallback bool   `config:"fallback" help:"with runner auto: run fio as a plain process when no container engine answers at the start"`
	Sandbox  string `config:"sandbox" help:"required: no plain process where the kernel lacks Landlock or seccomp; best-effort: with what the kernel has; off: the guard alone stands between a job and the host"`
	User     string `config:"user" help:"who fio runs as where the worker is root and the measured folder is root's: a user's name or number, or root; empty for the user fiord if there is one, else number 65530. It gets the folder"`
}

// Docker says which engine runs fio.
type Docker struct {
	Address string       `config:"address" help:"unix:///path, tcp://host:2376 or ssh://user@host"`
	CertDir string       `config:"cert_dir" help:"folder with ca.pem, cert.pem and key.pem for a tcp address"`
	Image   string       `config:"image" help:"image that holds fio"`
	Pull    bool         `config:"pull" help:"pull the image when the engine lacks it"`
	Memlock events.Bytes `config:"memlock" help:"RLIMIT_MEMLOCK of fio; 0 leaves the engine's own"`
}

// Volumes say which volumes of the engine a bench may use, and how its volume:
// name@profile becomes one. See package volume for what is allowed.
type Volumes struct {
	Driver   string                  `config:"driver" help:"volume driver when a bench names none, without options"`
	Target   string                  `config:"target" help:"path in the container when the job names no directory"`
	Names    []string                `config:"names" help:"globs of the volumes that benches may name; empty for every plain name"`
	Existing []string                `config:"existing" help:"globs of volumes that fiord did not make and benches may use all the same: what is in them may be overwritten"`
	Drivers  map[string]VolumeDriver `config:"drivers" help:"drivers that benches may name, and the options that they may give"`
	Profiles map[string]Profile      `config:"profiles" help:"driver and options by the part behind the @"`
}

// VolumeDriver is one that benches may name.
type VolumeDriver struct {
	Options map[string][]string `config:"options" help:"globs of the values that each option may have, part by part between commas; a path that a wildcard admits is judged like a path"`
}

// Profile is what name@profile asks the driver for.
type Profile struct {
	Driver  string            `config:"driver" help:"volume driver"`
	Options map[string]string `config:"options" help:"driver options; {name} stands for the part before the @, {run} for the run"`
	// Fresh is for volumes that the driver makes of a snapshot or a template.
	Fresh bool `config:"fresh" help:"make a volume for each start of fio, and remove it afterwards"`
}

// Hook is one adapter.
type Hook struct {
	URL     string        `config:"url" help:"where the adapter listens"`
	Timeout time.Duration `config:"timeout" help:"longest time for one call"`
}

// Logs are what every job writes besides what it asks for itself.
type Logs struct {
	Average    time.Duration `config:"average" help:"window of the bandwidth, IOPS and latency logs; 0 for none"`
	Latency    bool          `config:"latency" help:"average latencies too, submission and total ones apart: the dearest of the logs, some 70 ns of CPU for each I/O"`
	Histogram  time.Duration `config:"histogram" help:"interval of the latency histograms; 0 for none"`
	Coarseness int           `config:"coarseness" help:"merge 2^n neighbouring histogram bins, 0 to 6"`
}

// DefaultConfig suits a host on its own: one folder, one run at a time.
func DefaultConfig() Config {
	return Config{
		Pools:       []string{"default"},
		Capacity:    1,
		StateDir:    "/var/lib/fiord/bench",
		SpoolLimit:  16 << 30,
		RunLimit:    4 << 30,
		Gate:        "/var/lib/fiord/gate",
		Directories: []string{"/var/lib/fiord/data"},
		MinFree:     1 << 30,
		MinInodes:   1000,
		Leftovers:   string(laidout.Reclaim),
		MaxJobs:     1024,
		MaxOpen:     65536,
		MaxDuration: 24 * time.Hour,
		FactsDir:    "/etc/fiord/facts.d",
		Runner:      runnerAuto,
		Process:     Process{Sandbox: string(process.Required)},
		Fio:         "fio",
		Docker:      Docker{Address: "unix:///var/run/docker.sock", Image: "fiord-fio:latest"},
		Volumes:     Volumes{Driver: "local", Target: "/data"},
		Timeout:     time.Hour,
		Starts:      3,
		StopWait:    10 * time.Second,
		AckWait:     30 * time.Second,
		LeaseTTL:    30 * time.Second,
		Logs:        Logs{Average: 500 * time.Millisecond, Histogram: time.Second, Coarseness: 2},
		Others:      20,

		LeaveRunning: true,
	}
}

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	errs := []error{c.policy().Validate(), c.Volumes.policy().Validate()}
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains([]string{runnerAuto, runnerDocker, runnerProcess}, c.Runner) {
		fail("runner is %q: want auto, docker or process", c.Runner)
	}
	if !slices.Contains([]process.Sandboxed{process.Required, process.BestEffort, process.Off}, process.Sandboxed(c.Process.Sandbox)) {
		fail("process.sandbox is %q: want required, best-effort or off", c.Process.Sandbox)
	}
	if !slices.Contains(laidout.Policies(), laidout.Policy(c.Leftovers)) {
		fail("leftovers is %q: want reclaim, remove or keep", c.Leftovers)
	}
	if c.Capacity < 1 || c.Starts < 1 {
		fail("capacity and starts must be at least 1")
	}
	if !filepath.IsAbs(c.StateDir) {
		fail("state_dir %q: want an absolute path, which the engine can mount", c.StateDir)
	}
	if c.MaxJobs < 0 || c.MaxOpen < 0 || c.MaxDuration < 0 {
		fail("max_jobs, max_open_files and max_duration must not be negative")
	}
	for name, d := range map[string]time.Duration{"timeout": c.Timeout, "ack_wait": c.AckWait} {
		if d <= 0 {
			fail("%s is %s: want more than 0", name, d)
		}
	}
	if c.StopWait < 0 || c.Logs.Average < 0 || c.Logs.Histogram < 0 {
		fail("stop_wait, logs.average and logs.histogram must not be negative")
	}
	if c.Others < 0 || c.Others > 100 {
		fail("others is %g: want 0 to 100 percent", c.Others)
	}
	if c.Logs.Coarseness < 0 || c.Logs.Coarseness > 6 {
		fail("logs.coarseness is %d: want 0 to 6", c.Logs.Coarseness)
	}
	if c.LeaseTTL < lease.MinTTL {
		fail("lease_ttl is %s: want at least %s", c.LeaseTTL, lease.MinTTL)
	}
	for _, name := range c.Shared {
		if err := plan.ValidShared(name); err != nil {
			errs = append(errs, err)
		}
	}
	for _, h := range c.Hooks {
		if h.URL == "" {
			fail("hooks: an adapter has no url")
		}
	}
	if c.Docker.Image == "" && c.Runner != runnerProcess {
		fail("docker.image is empty")
	}
	return errors.Join(errs...)
}

// policy is what the host's owner allows.
func (c Config) policy() guard.Policy {
	p := guard.Policy{Directories: c.Directories, MinFree: uint64(c.MinFree), MinFreeInodes: c.MinInodes, Ceilings: guard.Ceilings{
		Jobs: c.MaxJobs, Memory: uint64(c.MaxMemory), OpenFiles: c.MaxOpen, Duration: c.MaxDuration,
	}}
	for _, d := range c.Devices {
		p.Devices = append(p.Devices, guard.Device{ID: d.ID, Destructive: d.Destructive})
	}
	return p
}

// policy is what the host's owner allows of volumes.
func (v Volumes) policy() volume.Policy {
	p := volume.Policy{
		Driver: v.Driver, Names: v.Names, Existing: v.Existing,
		Drivers: map[string]volume.Options{}, Profiles: map[string]volume.Profile{},
	}
	for name, d := range v.Drivers {
		p.Drivers[name] = d.Options
	}
	for name, f := range v.Profiles {
		p.Profiles[name] = volume.Profile{Driver: f.Driver, Options: f.Options, Fresh: f.Fresh}
	}
	return p
}

// attempts are what attempts depend on.
func (c Config) attempts() attempt.Settings {
	return attempt.Settings{
		StateDir: c.StateDir, MaxStarts: c.Starts, Timeout: c.Timeout, MaxDuration: c.MaxDuration,
		RunLimit: uint64(c.RunLimit), LeaveRunning: c.LeaveRunning, Others: c.Others,
	}
}

// plans are what plans of runs depend on.
func (c Config) plans() plan.Settings {
	return plan.Settings{
		Directories: c.Directories, Shared: c.Shared, VolumeTarget: c.Volumes.Target, Volumes: c.Volumes.policy(),
		DropCaches: c.DropCaches, Memlock: int64(min(c.Docker.Memlock, 1<<62)), //nolint:gosec // bounded
		Logs: c.Logs.options(""), MaxMemory: c.memory(),
	}
}

// options are what a job gets of them.
func (l Logs) options(prefix string) job.Logs {
	return job.Logs{
		Prefix: prefix, AvgMsec: int(l.Average.Milliseconds()), NoLatency: !l.Latency,
		HistMsec: int(l.Histogram.Milliseconds()), HistCoarseness: l.Coarseness,
	}
}

// memory is what one run may have, in bytes.
func (c Config) memory() uint64 {
	if c.MaxMemory > 0 {
		return uint64(c.MaxMemory)
	}
	return uint64(max(0, facts.Host{}.MemoryMiB())) << 19 // half of it
}

// remote reports whether the engine sees another file system than this worker.
func (c Config) remote() bool { return c.Runner != runnerProcess && docker.Remote(c.Docker.Address) }

// spoolDir is where results wait.
func (c Config) spoolDir() string { return filepath.Join(c.StateDir, "spool") }

// spoolLimit is in bytes.
func (c Config) spoolLimit() int64 { return int64(min(c.SpoolLimit, 1<<62)) } //nolint:gosec // bounded

// name is the host's name.
func (c Config) name() (string, error) {
	if c.Host != "" {
		return c.Host, nil
	}
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("find host name: %w (set host)", err)
	}
	return name, nil
}

// NATSUser is the user on NATS, whose rights are bound to the host.
func (c Config) NATSUser() (string, error) {
	name, err := c.name()
	return Needs(c, name).Name, err
}

// ledger holds what jobs laid out.
func (c Config) ledger() string { return filepath.Join(c.StateDir, ledgerFile) }

// ledgerFile stands below the state folder.
const ledgerFile = "laidout.json"
