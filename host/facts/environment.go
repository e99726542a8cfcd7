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

	"github.com/fiord-bench/fiord/host/runner"
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
	// Siblings says whether cores run two threads: on, off, or what else the
	// kernel says of SMT.
	Siblings string `json:"smt,omitempty"`
	// Nodes are the CPUs of each NUMA node, by its number.
	Nodes map[string]string `json:"nodes,omitempty"`
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
		Boost:  h.text("sys/devices/system/cpu/cpufreq/boost"), Siblings: h.text("sys/devices/system/cpu/smt/control"),
		Nodes: map[string]string{},
	}
	for _, path := range h.glob("sys/devices/system/node/node[0-9]*/cpulist") {
		c.Nodes[strings.TrimPrefix(filepath.Base(filepath.Dir(path)), "node")] = h.text(path)
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

// class leaves out what tells one host of a kind from another (name, serial
// numbers, free memory) and keeps what makes results differ.
func (e Environment) class() string {
	return fingerprint(
		"kernel", e.Kernel.Release, "mitigations", strings.Join(pairs(e.Kernel.Mitigations), ";"),
		"cpu", e.CPU.Model, strconv.Itoa(e.CPU.Online), strconv.Itoa(e.CPU.NUMANodes), e.CPU.Siblings,
		"governor", strings.Join(e.CPU.Governors, ","), "thp", e.Kernel.HugePages,
		"memory", e.Facts["memory_total"], "virtual", e.Facts["virtual"], "arch", e.Facts["architecture"],
		"runner", e.Runs.Kind, "fio", e.Runs.FioVersion,
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
