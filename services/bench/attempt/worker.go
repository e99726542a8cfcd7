package attempt

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench/cancellation"
	"github.com/fiord-bench/fiord/services/bench/laidout"
	"github.com/fiord-bench/fiord/services/bench/lease"
	"github.com/fiord-bench/fiord/services/bench/locks"
	"github.com/fiord-bench/fiord/services/bench/memory"
	"github.com/fiord-bench/fiord/services/bench/outbox"
	"github.com/fiord-bench/fiord/services/bench/plan"
	"github.com/fiord-bench/fiord/services/bench/spool"
	"github.com/fiord-bench/fiord/services/bench/starts"
	"github.com/fiord-bench/fiord/services/bench/status"
)

// Settings are what the host's owner has decided about attempts.
type Settings struct {
	StateDir     string        // folder for locks, leases and memories
	MaxStarts    int           // of fio for one run, before it is given up
	Timeout      time.Duration // of one fio, when its bench names none
	MaxDuration  time.Duration // longest timeout that a bench gets; 0 for any
	RunLimit     uint64        // bytes of a run's folder; 0 for any
	LeaveRunning bool          // let containers of this host's own runs go on when the worker stops
	Others       float64       // percent of the CPUs that others may take; 0 for any
}

// Worker is what all attempts on a host share. All fields are required.
type Worker struct {
	Settings
	Host    string // its name
	Token   string // its name in subjects and labels
	Source  string // of events
	Bus     *bus.Bus
	Store   *artifacts.Store
	Log     *slog.Logger
	Machine facts.Host
	Guard   *guard.Guard
	Runner  runner.Runner
	Remote  bool // the runner sees another file system

	Plans         *plan.Planner
	Gate          *locks.Turnstile
	Cancellations *cancellation.Cancellations
	Status        *status.Status
	Spool         *spool.Spool
	LaidOut       *laidout.Ledger
	Outbox        *outbox.Outbox
	Starts        starts.Counter
	Leases        *lease.Keeper
	Barriers      jetstream.KeyValue // where hosts meet for a common start
	Metrics       Metrics

	// BarrierPatience is how long to wait for the other hosts of a synchronised
	// bench.
	BarrierPatience time.Duration
	// Supervisor returns the path of the program that ends fio with its lease.
	Supervisor func() (string, error)
	// Ended is called with each terminal event that was published.
	Ended func(e bus.Ending, as events.Type)

	// Entered, if set, is called with each phase that a run enters, before
	// anything else is done in it.
	Entered func(Phase)

	adopting adoptions
}

// Metrics of attempts.
type Metrics struct {
	Overhead prometheus.Histogram // seconds that a run took beyond fio and the engine
	Starts   prometheus.Counter   // of fio
	Running  prometheus.Gauge     // attempts between begun and their end
}

func (w *Worker) lockDir() string      { return filepath.Join(w.StateDir, "locks") }
func (w *Worker) leaseDir() string     { return filepath.Join(w.StateDir, "leases") }
func (w *Worker) memories() memory.Dir { return memory.Dir(filepath.Join(w.StateDir, MemoryDir)) }

// MemoryDir below the state folder holds what jobs were last measured in.
const MemoryDir = "environments"

func (w *Worker) attemptDir(run string, attempt int) string {
	return filepath.Join(w.Spool.Dir(), fmt.Sprintf("%s.%d", run, attempt))
}

// timeout of one fio.
func (w *Worker) timeout(l events.RunList) time.Duration {
	timeout := w.Timeout
	if l.Timeout > 0 {
		timeout = l.Timeout.Std()
	}
	if w.MaxDuration > 0 {
		timeout = min(timeout, w.MaxDuration)
	}
	return timeout
}

// Tidy removes what the jobs of a bench made, of all benches if it is "", if the
// owner wants that.
func (w *Worker) Tidy(bench string) {
	removed, err := w.LaidOut.Tidy(bench)
	if err != nil {
		w.Log.Warn("some of what jobs laid out is not removed", "bench_id", bench, "error", err)
	}
	if len(removed) > 0 {
		w.Log.Info("removed what jobs laid out", "bench_id", bench, "files", len(removed))
	}
}
