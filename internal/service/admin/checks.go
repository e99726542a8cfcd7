package admin

import (
	"context"
	"maps"
	"sync"
	"time"
)

// checkTimeout bounds one check: a probe must not hang on what it probes.
const checkTimeout = 2 * time.Second

// A Check returns nil when its subject can do its work, else the reason.
type Check func(ctx context.Context) error

// Checks are the named conditions of readiness. Its methods may be called at
// any time by any goroutine; the zero value has no checks and is ready.
type Checks struct {
	mu    sync.RWMutex
	named map[string]Check
	notes map[string]string
}

// Note says something of a program that is ready all the same, such as a protection
// that is switched off; an empty text removes it.
func (c *Checks) Note(name, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if text == "" {
		delete(c.notes, name)
		return
	}
	if c.notes == nil {
		c.notes = map[string]string{}
	}
	c.notes[name] = text
}

// Set adds a check or replaces the one of the same name; nil removes it.
func (c *Checks) Set(name string, check Check) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if check == nil {
		delete(c.named, name)
		return
	}
	if c.named == nil {
		c.named = map[string]Check{}
	}
	c.named[name] = check
}

// A Report is what /readyz answers.
type Report struct {
	Ready  bool              `json:"ready"`
	Checks map[string]string `json:"checks"` // name → "ok" or the reason
	// Notes are what an operator should know all the same, by name.
	Notes map[string]string `json:"notes,omitempty"`
}

// Report runs all checks side by side.
func (c *Checks) Report(ctx context.Context) Report {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	report := Report{Ready: true, Checks: map[string]string{}}
	var (
		mu   sync.Mutex
		done sync.WaitGroup
	)
	for name, check := range c.snapshot() {
		done.Go(func() {
			err := check(ctx)
			mu.Lock()
			defer mu.Unlock()
			report.Checks[name] = "ok"
			if err != nil {
				report.Ready, report.Checks[name] = false, err.Error()
			}
		})
	}
	done.Wait()
	c.mu.RLock()
	defer c.mu.RUnlock()
	report.Notes = maps.Clone(c.notes)
	return report
}

func (c *Checks) snapshot() map[string]Check {
	c.mu.RLock()
	defer c.mu.RUnlock()
	named := make(map[string]Check, len(c.named))
	for name, check := range c.named {
		named[name] = check
	}
	return named
}
