package facts

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/host/block"
)

// Host reads facts below a root, "/" on a live host.
type Host struct {
	Root string
}

// Stable returns the facts that hardly ever change.
func (h Host) Stable() (map[string]string, error) {
	f := map[string]string{
		"kernel":           h.text("proc/sys/kernel/osrelease"),
		"architecture":     h.architecture(),
		"selinux_enforced": strconv.FormatBool(h.text("sys/fs/selinux/enforce") == "1"),
		"cpus":             strconv.Itoa(h.cpus()),
		"cpu_model":        h.cpuModel(),
		"numa_nodes":       strconv.Itoa(max(1, h.count("sys/devices/system/node/node[0-9]*"))),
	}
	f["os"], f["os_version"] = h.release()
	f["virtual"] = h.virtual()
	f["is_virtual"] = strconv.FormatBool(f["virtual"] != "physical")
	memory := h.memory()
	f["memory_total"], f["swap_total"] = kib(memory["MemTotal"]), kib(memory["SwapTotal"])
	devices, err := block.System{Root: h.Root}.Devices()
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		if d.Kind == "loop" || d.Kind == "ram" {
			continue
		}
		maps.Copy(f, deviceFacts(d))
	}
	maps.DeleteFunc(f, func(_, v string) bool { return v == "" })
	return f, nil
}

func deviceFacts(d block.Device) map[string]string {
	prefix := "device." + strings.ReplaceAll(d.Name, "!", ".") + "."
	return map[string]string{
		prefix + "model":      d.Model,
		prefix + "serial":     d.Serial,
		prefix + "wwn":        d.WWN,
		prefix + "firmware":   d.Firmware,
		prefix + "scheduler":  d.Scheduler,
		prefix + "size":       strconv.FormatUint(d.Size, 10),
		prefix + "rotational": strconv.FormatBool(d.Rotates),
	}
}

// Load returns the facts that change all the time. It reads two small files.
func (h Host) Load() map[string]string {
	f := map[string]string{}
	memory := h.memory()
	f["memory_free"], f["swap_free"] = kib(memory["MemAvailable"]), kib(memory["SwapFree"])
	maps.DeleteFunc(f, func(_, v string) bool { return v == "" })

	var one, five, fifteen float64
	if _, err := fmt.Sscan(h.text("proc/loadavg"), &one, &five, &fifteen); err != nil {
		return f
	}
	cpus := float64(h.cpus())
	for minutes, load := range map[string]float64{"1": one, "5": five, "10": (five + fifteen) / 2, "15": fifteen} {
		f["system_load_"+minutes+"min"] = percent(load / cpus)
		f["system_overload_"+minutes+"min"] = percent(max(0, load-cpus) / cpus)
	}
	return f
}

func percent(share float64) string { return fmt.Sprintf("%02d", int(share*100+0.5)) }

func (h Host) path(elem string) string {
	if h.Root == "" {
		return "/" + elem
	}
	return filepath.Join(h.Root, elem)
}

func (h Host) text(path string) string {
	b, err := os.ReadFile(h.path(path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
}

func (h Host) count(pattern string) int {
	found, err := filepath.Glob(h.path(pattern))
	if err != nil {
		return 0
	}
	return len(found)
}

// architecture is the machine name of uname, as the kernel's own build says
// it, so that a recorded tree tells too.
func (h Host) architecture() string {
	if arch := h.text("proc/sys/kernel/arch"); arch != "" { // since Linux 6.1
		return arch
	}
	return machine()
}

// CPUs is how many are online.
func (h Host) CPUs() int { return h.cpus() }

// MemoryMiB is the memory in all.
func (h Host) MemoryMiB() int64 { return int64(h.memory()["MemTotal"] >> 10) } //nolint:gosec // a host has less

// cpus counts those online: "0-3,8" is five.
func (h Host) cpus() int {
	total := 0
	for part := range strings.SplitSeq(h.text("sys/devices/system/cpu/online"), ",") {
		first, last, isRange := strings.Cut(part, "-")
		low, err := strconv.Atoi(first)
		if err != nil {
			continue
		}
		high := low
		if isRange {
			if high, err = strconv.Atoi(last); err != nil {
				continue
			}
		}
		total += max(0, high-low+1)
	}
	return max(1, total)
}

// release reads os-release: ID and VERSION_ID.
func (h Host) release() (id, version string) {
	text := h.text("etc/os-release")
	if text == "" {
		text = h.text("usr/lib/os-release")
	}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			id = value
		case "VERSION_ID":
			version = value
		}
	}
	return id, version
}

// memory is /proc/meminfo in KiB.
func (h Host) memory() map[string]uint64 {
	m := map[string]uint64{}
	for line := range strings.Lines(h.text("proc/meminfo")) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		if v, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
			m[strings.TrimSuffix(fields[0], ":")] = v
		}
	}
	return m
}

func kib(v uint64) string { return strconv.FormatUint(v<<10, 10) }

// virtual names what the host runs on, as Facter does. A container counts for
// more than the machine below it: what is measured is what fio sees.
func (h Host) virtual() string {
	if kind := h.container(); kind != "" {
		return kind
	}
	if strings.HasSuffix(h.text("sys/class/dmi/id/product_name"), ".metal") || strings.Contains(h.text("sys/class/dmi/id/product_name"), ".metal-") {
		return "physical" // Amazon's: the vendor is that of its virtual ones
	}
	product := strings.ToLower(h.text("sys/class/dmi/id/sys_vendor") + " " + h.text("sys/class/dmi/id/product_name") + " " + h.text("sys/class/dmi/id/bios_vendor"))
	for _, known := range []struct{ part, name string }{
		{"vmware", "vmware"}, {"virtualbox", "virtualbox"}, {"innotek", "virtualbox"},
		{"amazon ec2", "kvm"}, {"google", "gce"}, {"microsoft corporation virtual machine", "hyperv"},
		{"openstack", "kvm"}, {"qemu", "kvm"}, {"kvm", "kvm"}, {"xen", "xenu"}, {"parallels", "parallels"},
		{"firecracker", "kvm"}, {"bhyve", "bhyve"},
	} {
		if strings.Contains(product, known.part) {
			return known.name
		}
	}
	switch {
	case h.text("sys/hypervisor/type") == "xen":
		return "xenu"
	case strings.Contains(h.text("proc/cpuinfo"), " hypervisor "):
		return "kvm" // a hypervisor without firmware tables: almost always a KVM microVM
	default:
		return "physical"
	}
}

func (h Host) container() string {
	switch {
	case h.exists(".dockerenv"):
		return "docker"
	case h.exists("run/.containerenv"):
		return "podman"
	}
	for entry := range strings.FieldsSeq(h.text("proc/1/environ")) {
		if kind, ok := strings.CutPrefix(entry, "container="); ok {
			return kind
		}
	}
	return ""
}

func (h Host) exists(path string) bool {
	_, err := os.Stat(h.path(path))
	return err == nil
}
