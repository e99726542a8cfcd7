// Package status knows what a worker is doing and what it has found out about
// its host: the worker announces it to the registry, runs are measured in it.
package status

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/registry"
)

// Status is safe for concurrent use.
type Status struct {
	host        string
	machine     facts.Host
	incarnation string
	started     time.Time
	changed     chan struct{}

	mu      sync.Mutex
	running map[string]registry.Running // by run
	waiting int
	stable  map[string]string // facts that rarely change, custom ones included
	runner  runner.Description
}

// New returns the status of a worker that was just started on a machine. host is
// its name in events.
func New(host string, machine facts.Host) *Status {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return &Status{
		host: host, machine: machine, incarnation: hex.EncodeToString(id), started: time.Now().UTC(),
		changed: make(chan struct{}, 1), running: map[string]registry.Running{},
	}
}

func (s *Status) change(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Changed receives a value after what the worker is doing has changed.
func (s *Status) Changed() <-chan struct{} { return s.changed }

// Runs notes a run in progress until done is called.
func (s *Status) Runs(bench, run string) (done func()) {
	s.change(func() { s.running[run] = registry.Running{Bench: bench, Run: run} })
	return func() { s.change(func() { delete(s.running, run) }) }
}

// Waits notes a list in hand that has not started until done is called.
func (s *Status) Waits() (done func()) {
	s.change(func() { s.waiting++ })
	return func() { s.change(func() { s.waiting-- }) }
}

// Idle reports that nothing is measured on this host now.
func (s *Status) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.running) == 0
}

// Learn replaces what is known of the host: its facts, but for the load, and
// what its runner says of itself.
func (s *Status) Learn(stable map[string]string, d runner.Description) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stable, s.runner = stable, d
}

// Facts returns the facts as they are known, with the load as it is now.
func (s *Status) Facts() map[string]string {
	all := s.machine.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range s.stable {
		if _, changing := all[k]; !changing {
			all[k] = v
		}
	}
	all["host"] = s.host
	return all
}

// Environment describes the host, and the device below target, a path on it; ""
// for none.
func (s *Status) Environment(target string) (facts.Environment, error) {
	known := s.Facts()
	s.mu.Lock()
	d := s.runner
	s.mu.Unlock()
	return s.machine.Environment(s.host, known, d, target)
}

// Fill writes what the worker is doing, and what it knows of its host, into its
// record in the registry.
func (s *Status) Fill(record *registry.Host) {
	load := s.machine.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	record.Name, record.Incarnation, record.Started, record.Load = s.host, s.incarnation, s.started, load
	record.Running = slices.SortedFunc(maps.Values(s.running), func(a, b registry.Running) int { return strings.Compare(a.Run, b.Run) })
	record.Waiting, record.Facts = s.waiting, s.stable
}
