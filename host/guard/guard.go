package guard

import (
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/runner"
)

// Rules that problems name, beside those of fio/job's findings.
const (
	RuleDirectory = "directory" // outside the directories the owner allows
	RuleDevice    = "device"    // a device the owner has not allowed
	RuleWrite     = "write"     // a device that may be read only
	RuleInUse     = "in_use"    // a device with something on it
	RuleSpecial   = "special"   // a pipe, socket or character device
	RuleCommand   = "command"   // runs a program
	RuleLibrary   = "library"   // loads code into fio
	RuleNetwork   = "network"   // connects or listens
	RuleSystem    = "system"    // changes the machine
	RuleSpace     = "space"     // would not leave enough space free
	RuleCeiling   = "ceiling"   // would take more of the machine than its owner allows
)

// Guard judges jobs for one host.
type Guard struct {
	policy Policy
	sys    block.System
	room   func(dir string) (Room, error)
}

// New makes a guard; sys is where device facts are read.
func New(p Policy, sys block.System) (*Guard, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return &Guard{policy: p, sys: sys, room: RoomOf}, nil
}

// Request is a job and where it is to run.
type Request struct {
	File *job.File
	// WorkDir is fio's working directory, which relative paths start from.
	WorkDir string
	// Scratch is the invocation's own directory, for logs.
	Scratch string
	// Volumes are paths inside the container that volumes are mounted at.
	// What lies below is the bench's own.
	Volumes []string
	// Leftovers says what earlier jobs laid out on a file system (by its number)
	// and could be removed, but for the files named, which this one reuses; nil
	// for nothing.
	Leftovers func(system uint64, but map[string]bool) Leftovers
}

// Leftovers are files that earlier jobs laid out.
type Leftovers struct {
	Bytes, Inodes uint64
	// Removable says that the caller removes as much of it as Grant.Short says.
	Removable bool
	// Remedy is for whoever reads the refusal: how to get rid of it.
	Remedy string
}

// Grant is what the container, or process, must be given: no more than the
// job reaches for.
type Grant struct {
	Mounts  []runner.Mount
	Devices []runner.Device
	// Target is the first directory or device that the load goes to, for
	// environment.json; "" when it goes nowhere (the null engine).
	Target string
	// Touched are all block devices that are measured, by kernel name, those
	// under directories included: what must not be measured by two at once.
	Touched []string
	// Space is what is written at most, by file system.
	Space []Space
	// Files are those that the jobs make or reuse, by where they really are.
	Files map[string]bool
	// Short is what must be removed of Leftovers before the jobs fit.
	Short []Shortage
	// Holds are devices that will be written, to be held by Hold.
	Holds []string
}

// Check judges every job of a file. Problems mean that nothing may start.
func (g *Guard) Check(r Request) (Grant, []events.Problem, error) {
	c := checker{guard: g, request: r, mounts: map[string]bool{}, devices: map[string]bool{}, touched: map[string]bool{}, made: map[string]bool{}}
	for _, j := range r.File.Jobs() {
		touches, findings := j.Touches()
		for _, f := range findings {
			c.refuse(f.Pos, f.Option, f.Rule, "%s (%s)", f.Message, f.Remedy)
		}
		for _, t := range touches {
			if err := c.touch(t); err != nil {
				return Grant{}, nil, fmt.Errorf("check %s: %w", t.Path, err)
			}
		}
	}
	c.ceilings()
	if len(c.problems) == 0 {
		if err := c.space(); err != nil {
			return Grant{}, nil, err
		}
	}
	return c.grant(), c.problems, nil
}

// maxProblems is what one event carries.
const maxProblems = 50

type checker struct {
	guard    *Guard
	request  Request
	problems []events.Problem
	seen     map[string]bool // problems, once each

	mounts  map[string]bool // allowed directories that are touched
	devices map[string]bool // paths of allowed devices; true when written
	touched map[string]bool // kernel names
	target  string
	spaces  []Space
	made    map[string]bool
	short   []Shortage
}

func (c *checker) refuse(at job.Pos, option, rule, format string, args ...any) {
	p := events.Problem{
		File: at.File, Line: at.Line, Column: at.Col, Option: option, Rule: rule,
		Message: truncate(fmt.Sprintf(format, args...), 1024),
	}
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	if key := fmt.Sprint(p); !c.seen[key] && len(c.problems) < maxProblems {
		c.seen[key] = true
		c.problems = append(c.problems, p)
	}
}

func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-3], "") + "…"
}

// touch judges one thing a job reaches for.
func (c *checker) touch(t job.Touch) error {
	for _, never := range []struct {
		access     job.Access
		rule, what string
	}{
		{job.Execute, RuleCommand, "runs the command %q, which is not measured and not allowed"},
		{job.Load, RuleLibrary, "loads %q into fio, which could do anything"},
		{job.Connect, RuleNetwork, "reaches %q over the network, and a run has none"},
		{job.System, RuleSystem, "changes %q of the whole machine"},
	} {
		if t.Access.Has(never.access) {
			c.refuse(t.Pos, t.Option, never.rule, never.what, t.Path)
			return nil
		}
	}
	return c.path(t)
}

// path judges a file, directory or device.
func (c *checker) path(t job.Touch) error {
	at := c.absolute(t.Path, t.Aux)
	if within(at, c.request.Scratch) {
		return nil // fio's logs
	}
	for _, v := range c.request.Volumes {
		if within(at, v) {
			c.aim(v)
			return nil
		}
	}
	where, err := locate(c.guard.sys, at)
	if leadsNowhere(err) {
		c.refuse(t.Pos, t.Option, RuleDirectory, "%s leads nowhere (%s): name a file in a directory that this host allows", at, errors.Unwrap(err))
		return nil
	}
	if err != nil {
		return err
	}
	switch where.kind {
	case kindBlock:
		return c.device(t, at, where)
	case kindSpecial:
		c.refuse(t.Pos, t.Option, RuleSpecial, "%s is a %s: only files, directories and block devices are measured", at, where.what)
		return nil
	case kindMissing, kindFile, kindDir:
		if t.IfSpecial {
			return nil // fio does not open it
		}
		return c.file(t, at, where)
	}
	return nil
}

// file judges a file or directory by the directory it really is in.
func (c *checker) file(t job.Touch, at string, where location) error {
	for _, allowed := range c.guard.policy.Directories {
		real, err := filepath.EvalSymlinks(allowed)
		if err != nil {
			continue // not there: nothing is in it
		}
		// The path must be allowed as written, because that is what a
		// container sees mounted, and where it leads.
		if within(at, allowed) && within(where.real, real) {
			c.mounts[allowed] = true
			c.aim(allowed)
			_, dev, err := c.guard.sys.Under(real)
			if err != nil {
				return err
			}
			c.touchedDevice(dev)
			return nil
		}
	}
	what := at
	if where.real != at {
		what += ", which leads to " + where.real + ","
	}
	c.refuse(t.Pos, t.Option, RuleDirectory, "%s is outside the directories that this host allows (%s); it would be opened to %s",
		what, list(c.guard.policy.Directories), t.Access)
	return nil
}

// device judges a block device: its identity against the policy, and what is
// on it.
func (c *checker) device(t job.Touch, at string, where location) error {
	dev := where.device
	allowed, destructive := false, false
	for _, d := range c.guard.policy.Devices {
		match, err := d.Matches(c.guard.sys, dev)
		if err != nil {
			return err
		}
		allowed = allowed || match
		destructive = destructive || match && d.Destructive
	}
	// Create lays a file out; a device is as large as it is.
	writes := t.Access&job.Destructive != 0
	switch {
	case !allowed:
		c.refuse(t.Pos, t.Option, RuleDevice, "%s (%s) is not among the devices that this host allows", at, describe(dev))
		return nil
	case writes && !destructive:
		c.refuse(t.Pos, t.Option, RuleWrite, "%s (%s) may be read only: the host's owner has not allowed it to be overwritten", at, describe(dev))
		return nil
	case writes:
		if err := c.free(t, at, dev); err != nil {
			return err
		}
	}
	c.devices[at] = c.devices[at] || writes
	c.touchedDevice(dev)
	c.aim(at)
	return nil
}

// builtOn are kinds of devices that others are part of: writing to them is
// never only about one disk.
var builtOn = map[string]string{
	"lvm": "an LVM volume", "raid": "a RAID", "mpath": "a multipath device",
	"crypt": "an encrypted volume", "dm": "a device-mapper device",
}

// free refuses devices with something on them, whatever the policy says.
func (c *checker) free(t job.Touch, at string, dev block.Device) error {
	if kind, never := builtOn[dev.Kind]; never {
		c.refuse(t.Pos, t.Option, RuleInUse, "%s is %s, which is never written", at, kind)
	}
	if dev.ReadOnly {
		c.refuse(t.Pos, t.Option, RuleInUse, "%s is set read-only", at)
	}
	uses, err := c.guard.sys.Uses(dev)
	if err != nil {
		return err
	}
	for _, u := range uses {
		c.refuse(t.Pos, t.Option, RuleInUse, "%s is never written while %s", at, u.Detail)
	}
	return nil
}

// aim remembers the first thing the load goes to.
func (c *checker) aim(at string) {
	if c.target == "" {
		c.target = at
	}
}

// touchedDevice notes a disk under its own name, whichever part is measured.
func (c *checker) touchedDevice(dev block.Device) {
	for _, name := range c.guard.sys.Disks(dev) {
		c.touched[name] = true
	}
}

func (c *checker) grant() Grant {
	g := Grant{Target: c.target, Touched: keys(c.touched), Space: c.spaces, Files: c.made, Short: c.short}
	for _, dir := range keys(c.mounts) {
		g.Mounts = append(g.Mounts, runner.Mount{Path: dir})
	}
	for _, path := range keys(c.devices) {
		g.Devices = append(g.Devices, runner.Device{Path: path, Write: c.devices[path]})
		if c.devices[path] {
			g.Holds = append(g.Holds, path)
		}
	}
	return g
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func list(dirs []string) string {
	if len(dirs) == 0 {
		return "it allows none"
	}
	return strings.Join(dirs, ", ")
}

func describe(d block.Device) string {
	parts := []string{d.Path()}
	for _, p := range []string{d.Model, d.Serial, d.WWN} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

func within(p, dir string) bool {
	return dir != "" && (p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/"))
}
