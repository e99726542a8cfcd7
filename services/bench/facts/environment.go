package facts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/services/bench/block"
	"github.com/fiord-bench/fiord/services/bench/runner"
)

// Environment is what a run was measured in: environment.json.
type Environment struct {
	Taken time.Time          `json:"taken"`
	Host  string             `json:"host"`
	Facts map[string]string  `json:"facts"`
	Runs  runner.Description `json:"runner"`

	Kernel Kernel `json:"kernel"`
	CPU    CPU    `json:"cpu"`

	// Target is what the run measures; nil when it touches no file system.
	Target *Target `json:"target,omitempty"`

	// HostClass and DeviceClass are fingerprints: results with equal ones may
	// be compared.
	HostClass   string `json:"host_class"`
	DeviceClass string `json:"device_class,omitempty"`
}

// Kernel is what of the kernel bears on storage.
type Kernel struct {
	Release        string            `json:"release"`
	CommandLine    string            `json:"command_line,omitempty"`
	Mitigations    map[string]string `json:"mitigations,omitempty"`
	DirtyRatio     string            `json:"dirty_ratio,omitempty"`
	DirtyBackRatio string            `json:"dirty_background_ratio,omitempty"`
	Swappiness     string            `json:"swappiness,omitempty"`
	HugePages      string            `json:"transparent_hugepages,omitempty"`
	Cgroups        int               `json:"cgroups,omitempty"` // version; 0 where none are mounted
}

// CPU is how fast the processors may go.
type CPU struct {
	Model     string   `json:"model,omitempty"`
	Online    int      `json:"online"`
	NUMANodes int      `json:"numa_nodes"`
	Governors []string `json:"governors,omitempty"` // distinct ones
	MaxKHz    string   `json:"max_khz,omitempty"`
	Boost     string   `json:"boost,omitempty"`
}

// Target is a directory or device and what stands behind it.
type Target struct {
	Path    string `json:"path"`
	Mount   string `json:"mount,omitempty"`
	Type    string `json:"fs_type,omitempty"`
	Options string `json:"mount_options,omitempty"`

	Device   string            `json:"device,omitempty"`
	Kind     string            `json:"kind,omitempty"`
	Model    string            `json:"model,omitempty"`
	Serial   string            `json:"serial,omitempty"`
	WWN      string            `json:"wwn,omitempty"`
	Firmware string            `json:"firmware,omitempty"`
	Size     uint64            `json:"size,omitempty"`
	Rotates  bool              `json:"rotational,omitempty"`
	Slaves   []string          `json:"slaves,omitempty"`
	Queue    map[string]string `json:"queue,omitempty"`     // scheduler, nr_requests, …
	NUMANode string            `json:"numa_node,omitempty"` // that the device is attached to
	Health   *Health           `json:"health,omitempty"`
}

// queueSettings are what of a device's queue bears on results.
var queueSettings = []string{
	"scheduler", "nr_requests", "read_ahead_kb", "write_cache", "wbt_lat_usec", "nomerges",
	"rq_affinity", "io_poll", "max_sectors_kb", "logical_block_size", "physical_block_size",
}

// Environment captures the host as it is now. facts are all that is known,
// custom ones included; target is the directory or device measured, "" for none.
func (h Host) Environment(host string, all map[string]string, d runner.Description, target string) (Environment, error) {
	e := Environment{
		Taken: time.Now().UTC(), Host: host, Facts: all, Runs: d,
		Kernel: h.kernel(), CPU: h.cpu(),
	}
	if target != "" {
		t, err := h.target(target)
		if err != nil {
			return e, err
		}
		e.Target = &t
		e.DeviceClass = t.class()
	}
	e.HostClass = e.class()
	return e, nil
}

func (h Host) kernel() Kernel {
	k := Kernel{
		Release:        h.text("proc/sys/kernel/osrelease"),
		CommandLine:    redact(h.text("proc/cmdline")),
		DirtyRatio:     h.text("proc/sys/vm/dirty_ratio"),
		DirtyBackRatio: h.text("proc/sys/vm/dirty_background_ratio"),
		Swappiness:     h.text("proc/sys/vm/swappiness"),
		HugePages:      chosen(h.text("sys/kernel/mm/transparent_hugepage/enabled")),
		Mitigations:    map[string]string{},
	}
	switch {
	case h.exists("sys/fs/cgroup/cgroup.controllers"):
		k.Cgroups = 2
	case h.exists("sys/fs/cgroup/cpu"):
		k.Cgroups = 1
	}
	for _, path := range h.glob("sys/devices/system/cpu/vulnerabilities/*") {
		k.Mitigations[filepath.Base(path)] = h.text(path)
	}
	return k
}

// secret finds parameters that an installer may have left a password in.
var secret = regexp.MustCompile(`(?i)(\S*(?:pass|secret|token|auth|key)\S*=)\S+`)

func redact(commandLine string) string { return secret.ReplaceAllString(commandLine, "${1}…") }

func (h Host) cpu() CPU {
	c := CPU{
		Model: h.cpuModel(), Online: h.cpus(), NUMANodes: max(1, h.count("sys/devices/system/node/node[0-9]*")),
		MaxKHz: h.text("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"),
		Boost:  h.text("sys/devices/system/cpu/cpufreq/boost"),
	}
	distinct := map[string]bool{}
	for _, path := range h.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor") {
		distinct[h.text(path)] = true
	}
	c.Governors = slices.Sorted(maps.Keys(distinct))
	return c
}

// glob returns paths relative to the root.
func (h Host) glob(pattern string) []string {
	found, err := filepath.Glob(h.path(pattern))
	if err != nil {
		return nil
	}
	base := h.path("")
	for i, f := range found {
		found[i] = strings.TrimPrefix(strings.TrimPrefix(f, base), "/")
	}
	return found
}

func chosen(s string) string {
	_, rest, found := strings.Cut(s, "[")
	if name, _, closed := strings.Cut(rest, "]"); found && closed {
		return name
	}
	return s
}

func (h Host) target(path string) (Target, error) {
	sys := block.System{Root: h.Root}
	t := Target{Path: path}
	d, err := sys.Resolve(path)
	if err != nil { // a directory
		var m block.Mount
		if m, d, err = sys.Under(path); err != nil {
			return t, fmt.Errorf("find device under %s: %w", path, err)
		}
		t.Mount, t.Type, t.Options = m.Point, m.Type, m.Options
	}
	if d.Name == "" {
		return t, nil
	}
	t.Device, t.Kind, t.Model, t.Serial, t.WWN = d.Path(), d.Kind, d.Model, d.Serial, d.WWN
	t.Firmware, t.Size, t.Rotates, t.Slaves = d.Firmware, d.Size, d.Rotates, d.Slaves
	disk := d.Name
	if d.Parent != "" {
		disk = d.Parent
	}
	t.Queue = map[string]string{}
	for _, name := range queueSettings {
		if v := h.text("sys/block/" + disk + "/queue/" + name); v != "" {
			t.Queue[name] = chosen(v)
		}
	}
	if node := h.text("sys/block/" + disk + "/device/numa_node"); node != "-1" { // -1: there is one node
		t.NUMANode = node
	}
	t.Health = h.health(disk)
	return t, nil
}

// class leaves out what tells one host of a kind from another (name, serial
// numbers, free memory) and keeps what makes results differ.
func (e Environment) class() string {
	return fingerprint(
		"kernel", e.Kernel.Release, "mitigations", strings.Join(pairs(e.Kernel.Mitigations), ";"),
		"cpu", e.CPU.Model, strconv.Itoa(e.CPU.Online), strconv.Itoa(e.CPU.NUMANodes),
		"governor", strings.Join(e.CPU.Governors, ","), "thp", e.Kernel.HugePages,
		"memory", e.Facts["memory_total"], "virtual", e.Facts["virtual"], "arch", e.Facts["architecture"],
		"runner", e.Runs.Kind, "fio", e.Runs.FioVersion,
	)
}

func (t Target) class() string {
	return fingerprint(
		"model", t.Model, "firmware", t.Firmware, "size", strconv.FormatUint(t.Size, 10), "kind", t.Kind,
		"fs", t.Type, t.Options, "queue", strings.Join(pairs(t.Queue), ";"),
	)
}

func pairs(m map[string]string) []string {
	var out []string
	for k, v := range m {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return out
}

// fingerprint hashes parts so that no two lists of parts read the same.
func fingerprint(parts ...string) string {
	sum := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(sum, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}
