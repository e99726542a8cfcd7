package facts

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/host/block"
)

// Target is a directory or device and what stands behind it.
type Target struct {
	Path    string `json:"path"`
	Mount   string `json:"mount,omitempty"`
	Type    string `json:"fs_type,omitempty"`
	Options string `json:"mount_options,omitempty"`

	Disk

	Slaves []string `json:"slaves,omitempty"`
	// Layers and Disks are what a device is made of that is made of others (LVM,
	// RAID, encryption, multipath): first what lies between, from the top down,
	// then the disks.
	Layers []Disk `json:"layers,omitempty"`
	Disks  []Disk `json:"disks,omitempty"`
}

// Disk is one block device.
type Disk struct {
	Device   string            `json:"device,omitempty"`
	Kind     string            `json:"kind,omitempty"`
	Model    string            `json:"model,omitempty"`
	Serial   string            `json:"serial,omitempty"`
	WWN      string            `json:"wwn,omitempty"`
	Firmware string            `json:"firmware,omitempty"`
	Size     uint64            `json:"size,omitempty"`
	Rotates  bool              `json:"rotational,omitempty"`
	Queue    map[string]string `json:"queue,omitempty"`     // scheduler, nr_requests, …
	RAID     map[string]string `json:"raid,omitempty"`      // level, chunk_size, degraded, …
	Link     string            `json:"link,omitempty"`      // to the host, as negotiated: "8.0 GT/s PCIe x4"
	Paths    []string          `json:"paths,omitempty"`     // of an NVMe namespace with several: "nvme0 tcp live"
	Policy   string            `json:"io_policy,omitempty"` // how I/O is spread over them
	NUMANode string            `json:"numa_node,omitempty"` // that the device is attached to
	Health   *Health           `json:"health,omitempty"`
}

// queueSettings are what of a device's queue bears on results.
var queueSettings = []string{
	"scheduler", "nr_requests", "read_ahead_kb", "write_cache", "wbt_lat_usec", "nomerges",
	"rq_affinity", "io_poll", "max_sectors_kb", "logical_block_size", "physical_block_size",
}

// raidSettings are what of an array bears on results: a degraded one, or one
// that is being rebuilt, measures itself.
var raidSettings = []string{"level", "raid_disks", "chunk_size", "layout", "degraded", "sync_action", "consistency_policy"}

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
	t.Slaves = d.Slaves
	disks := sys.Disks(d)
	stacked := len(disks) != 1 || disks[0] != whole(d)
	t.Disk = h.disk(d, !stacked)
	if stacked {
		t.Layers, t.Disks = h.below(sys, d, disks)
	}
	return t, nil
}

// below reads what a device is made of. disks are the names of the lowest.
func (h Host) below(sys block.System, top block.Device, disks []string) (layers, leaves []Disk) {
	met := map[string]bool{top.Name: true}
	for todo := []block.Device{top}; len(todo) > 0; todo = todo[1:] {
		names := todo[0].Slaves
		if todo[0].Parent != "" {
			names = []string{todo[0].Parent}
		}
		for _, name := range names {
			d, err := sys.Device(name)
			if err != nil || met[name] || slices.Contains(disks, name) {
				continue
			}
			met[name] = true
			layers, todo = append(layers, h.disk(d, false)), append(todo, d)
		}
	}
	for _, name := range disks {
		d, err := sys.Device(name)
		if err != nil {
			leaves = append(leaves, Disk{Device: "/dev/" + name}) // it went away meanwhile
			continue
		}
		leaves = append(leaves, h.disk(d, true))
	}
	return layers, leaves
}

// whole is the disk of a partition.
func whole(d block.Device) string {
	if d.Parent != "" {
		return d.Parent
	}
	return d.Name
}

// disk reads one device; its health only if it is hardware, which alone has one.
func (h Host) disk(d block.Device, hardware bool) Disk {
	name := whole(d)
	out := Disk{
		Device: d.Path(), Kind: d.Kind, Model: d.Model, Serial: d.Serial, WWN: d.WWN, Firmware: d.Firmware,
		Size: d.Size, Rotates: d.Rotates, Queue: h.settings("sys/block/"+name+"/queue/", queueSettings),
	}
	if raid := h.settings("sys/block/"+name+"/md/", raidSettings); len(raid) > 0 {
		out.RAID = raid
	}
	if depth := h.text("sys/block/" + name + "/device/queue_depth"); depth != "" {
		out.Queue["queue_depth"] = depth
	}
	if !hardware {
		return out
	}
	out.Link, out.NUMANode = h.attached(name)
	out.Paths, out.Policy = h.paths(name)
	out.Health = h.health(name)
	return out
}

// settings reads small files by name; those that are missing are left out.
func (h Host) settings(dir string, names []string) map[string]string {
	out := map[string]string{}
	for _, name := range names {
		if v := h.text(dir + name); v != "" {
			out[name] = chosen(v)
		}
	}
	return out
}

// attached finds how a disk is connected. The device of an NVMe namespace with
// several paths is no hardware: there, its first path tells.
func (h Host) attached(disk string) (link, node string) {
	device := "sys/block/" + disk + "/device"
	for _, at := range append([]string{device}, h.glob(device+"/nvme[0-9]*")...) {
		if link, node = h.above(at); link != "" || node != "" {
			return link, node
		}
	}
	return "", ""
}

// above asks a device and those above it, the nearest first: the node of a SATA
// disk is that of its adapter. The first link on the way is the disk's or its
// adapter's; beyond the first that knows its node there are bridges alone.
func (h Host) above(device string) (link, node string) {
	at, err := filepath.EvalSymlinks(h.path(device))
	if err != nil {
		return "", ""
	}
	top, err := filepath.EvalSymlinks(h.path("sys"))
	if err != nil {
		return "", ""
	}
	for ; strings.HasPrefix(at, top+"/"); at = filepath.Dir(at) {
		dir := "sys/" + strings.TrimPrefix(at, top+"/")
		if speed := h.text(dir + "/current_link_speed"); link == "" && speed != "" {
			link = speed + " x" + h.text(dir+"/current_link_width")
		}
		if node = h.text(dir + "/numa_node"); node != "" {
			break
		}
	}
	if node == "-1" { // the firmware tells of one node
		node = ""
	}
	return link, node
}

// paths are the controllers of an NVMe namespace that is reached by several.
func (h Host) paths(disk string) (paths []string, policy string) {
	device := "sys/block/" + disk + "/device"
	for _, file := range h.glob(device + "/nvme[0-9]*/transport") {
		dir := filepath.Dir(file)
		paths = append(paths, strings.TrimSpace(filepath.Base(dir)+" "+h.text(file)+" "+h.text(dir+"/state")))
	}
	slices.Sort(paths)
	return paths, h.text(device + "/iopolicy")
}

// Models names what is measured, for people: "SAMSUNG MZ7KH960 ×2" for a stack of
// two such drives.
func (t Target) Models() string {
	if len(t.Disks) == 0 {
		return t.Model
	}
	count := map[string]int{}
	for _, d := range t.Disks {
		if d.Model != "" {
			count[d.Model]++
		}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		if count[name] > 1 {
			name += fmt.Sprintf(" ×%d", count[name])
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// Identities name the drives themselves, in order: not what kind they are.
func (t *Target) Identities() []string {
	if t == nil {
		return nil
	}
	names := []string{t.Serial + " " + t.WWN}
	for _, d := range t.Disks {
		names = append(names, d.Serial+" "+d.WWN)
	}
	slices.Sort(names)
	return names
}

// class leaves out which drives they are, and what they are called, which
// changes from one start of the machine to the next.
func (t Target) class() string {
	parts := []string{"fs", t.Type, t.Options, "device", t.Disk.class(), "layers"}
	for _, d := range t.Layers {
		parts = append(parts, d.class())
	}
	var disks []string
	for _, d := range t.Disks {
		disks = append(disks, d.class())
	}
	slices.Sort(disks)
	return fingerprint(append(append(parts, "disks"), disks...)...)
}

func (d Disk) class() string {
	return fingerprint(
		"model", d.Model, "firmware", d.Firmware, "size", strconv.FormatUint(d.Size, 10), "kind", d.Kind,
		"queue", strings.Join(pairs(d.Queue), ";"), "raid", strings.Join(pairs(d.RAID), ";"), "link", d.Link, "paths", strconv.Itoa(len(d.Paths)), d.Policy,
	)
}
