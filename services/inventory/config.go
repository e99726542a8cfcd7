package inventory

import (
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/services/inventory/place"
)

//go:generate go run ./cmd/inventory --write-config-table README.md

// Config of the service.
type Config struct {
	Pools      []string      `config:"pools" help:"pools that exist even while no worker serves them"`
	Deadline   time.Duration `config:"deadline" help:"deadline of a bench that names none, counted from its placement"`
	LongestRun time.Duration `config:"longest_run" help:"how long a run may take that names no timeout; open runs expire this long after the deadline"`
	Grace      time.Duration `config:"grace" help:"how long to wait for workers that may only not have announced themselves yet"`
	LostAfter  time.Duration `config:"lost_after" help:"how long a host may be silent before it counts as lost"`
	SweepEvery time.Duration `config:"sweep_every" help:"pause between two looks for lost hosts and expired runs"`
	StartDelay time.Duration `config:"start_delay" help:"how far ahead the common start of a synchronised bench is set"`
	MaxRuns    int           `config:"max_runs" help:"most runs of one bench"`
	Placements int           `config:"placements" help:"how many benches one replica places at once"`
	ReposFile  string        `config:"repos_file" help:"what repositories may ask for (repos.yaml), the same file that ingest has; empty allows everything but pull requests"`
	Fetch      Fetch         `config:"fetch"`

	Discovery string        `config:"discovery" help:"what to discover and how to make an inventory of it: fiord's YAML, or a configuration of Ansible's aws_ec2 plugin; empty for no discovery"`
	Reconcile time.Duration `config:"reconcile" help:"pause between two full discoveries; 0 for none but those asked for"`
	Debounce  time.Duration `config:"debounce" help:"how long to wait for further changes of instances before they are looked up together"`
}

// Fetch says where job files may be fetched from. Job files are named by people
// outside, and inventory stands inside somebody's network.
type Fetch struct {
	AllowHTTP    bool `config:"allow_http" help:"fetch job files by http:// as well as https://"`
	AllowPrivate bool `config:"allow_private" help:"fetch job files from private addresses too"`
}

// DefaultConfig suits a fleet from one host to some hundreds.
func DefaultConfig() Config {
	return Config{
		Pools:      []string{place.DefaultPool},
		Deadline:   24 * time.Hour,
		LongestRun: time.Hour,
		Grace:      10 * time.Second,
		LostAfter:  registry.LostAfter,
		SweepEvery: 5 * time.Second,
		StartDelay: 30 * time.Second,
		MaxRuns:    place.DefaultMaxRuns,
		Placements: 4,
		Reconcile:  15 * time.Minute,
		Debounce:   2 * time.Second,
	}
}

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	for name, d := range map[string]time.Duration{
		"deadline": c.Deadline, "longest_run": c.LongestRun, "lost_after": c.LostAfter, "sweep_every": c.SweepEvery,
	} {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("%s is %s: want more than 0", name, d))
		}
	}
	if c.Grace < 0 || c.StartDelay < 0 || c.Reconcile < 0 || c.Debounce < 0 {
		errs = append(errs, errors.New("grace, start_delay, reconcile and debounce must not be negative"))
	}
	if c.Reconcile > 0 && c.Reconcile < time.Minute {
		errs = append(errs, fmt.Errorf("reconcile is %s: less than a minute would only meet throttling", c.Reconcile))
	}
	if c.MaxRuns < 1 || c.Placements < 1 {
		errs = append(errs, errors.New("max_runs and placements must be at least 1"))
	}
	if c.LostAfter > 0 && c.LostAfter < 2*registry.BeatEvery {
		errs = append(errs, fmt.Errorf("lost_after is %s: hosts beat every %s, one beat may get lost", c.LostAfter, registry.BeatEvery))
	}
	return errors.Join(errs...)
}
