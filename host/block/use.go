package block

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// Mount is one line of mountinfo.
type Mount struct {
	Number  string // of the device: "254:0"
	Root    string // path within the file system that is mounted
	Point   string // where
	Type    string // ext4, xfs, overlay, …
	Source  string // /dev/sda1, as mounted
	Options string // of the mount and of the file system
}

// Mounts lists what is mounted in the worker's mount namespace and in that of
// process 1. The worker's own come last.
func (s System) Mounts() ([]Mount, error) {
	own, err := s.mounts("proc/self/mountinfo")
	if errors.Is(err, fs.ErrNotExist) && s.Root != "" && s.Root != "/" {
		return nil, nil // a recorded tree without mounts
	}
	if err != nil {
		return nil, err
	}
	// A worker in a container sees the host's own mounts through process 1,
	// if it shares its process namespace and may look.
	first, err := s.mounts("proc/1/mountinfo")
	if err != nil {
		return own, nil //nolint:nilerr // what cannot be seen is not needed elsewhere
	}
	return append(first, own...), nil
}

func (s System) mounts(path string) ([]Mount, error) {
	f, err := os.Open(s.path(path))
	if err != nil {
		return nil, fmt.Errorf("read mounts: %w", err)
	}
	defer func() { _ = f.Close() }()
	var out []Mount
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m, err := parseMount(lines.Text())
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read mounts: %w", err)
	}
	return out, nil
}

// parseMount reads "36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/root rw".
func parseMount(line string) (Mount, error) {
	before, after, found := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !found || len(left) < 6 || len(right) < 1 {
		return Mount{}, fmt.Errorf("read mounts: unexpected line %q", line)
	}
	m := Mount{Number: left[2], Root: unescape(left[3]), Point: unescape(left[4]), Type: right[0], Options: left[5]}
	if len(right) > 1 {
		m.Source = unescape(right[1])
	}
	if len(right) > 2 {
		m.Options += "," + right[2]
	}
	return m, nil
}

// unescape turns the kernel's \040 for a space back.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// Swaps lists the kernel names or paths in /proc/swaps.
func (s System) Swaps() []string {
	var out []string
	for line := range strings.Lines(s.text("proc/swaps")) {
		if fields := strings.Fields(line); len(fields) >= 5 && strings.HasPrefix(fields[0], "/") {
			out = append(out, unescape(fields[0]))
		}
	}
	return out
}

// Resolve finds the device behind a path below /dev, through links such as
// /dev/disk/by-id/…, within the root.
func (s System) Resolve(device string) (Device, error) {
	at := path.Clean(device)
	for range 16 { // links may chain
		if !strings.HasPrefix(at, "/dev/") {
			return Device{}, fmt.Errorf("%w: %s", ErrNotBlock, device)
		}
		target, err := os.Readlink(s.path(at))
		if err != nil {
			return s.node(device, at)
		}
		if path.IsAbs(target) {
			at = path.Clean(target)
		} else {
			at = path.Join(path.Dir(at), target)
		}
	}
	return Device{}, fmt.Errorf("%w: %s: too many links", ErrNotBlock, device)
}

// ResolveNode finds the device behind a node that may lie anywhere, links
// followed already.
func (s System) ResolveNode(at string) (Device, error) { return s.node(at, at) }

// Disks lists the kernel names of the whole disks that a device stands on,
// itself if it is one: what two measurements must not share.
func (s System) Disks(d Device) []string {
	met := map[string]bool{}
	var disks []string
	var down func(d Device)
	down = func(d Device) {
		if d.Name == "" || met[d.Name] {
			return
		}
		met[d.Name] = true
		below := d.Slaves
		if d.Parent != "" {
			below = []string{d.Parent}
		}
		if len(below) == 0 {
			disks = append(disks, d.Name)
		}
		for _, name := range below {
			if b, err := s.Device(name); err == nil {
				down(b)
			} else {
				disks = append(disks, name)
			}
		}
	}
	down(d)
	return disks
}

// node trusts the node's number where there is one, because a name can lie; in
// a recorded tree there is only the name.
func (s System) node(asked, at string) (Device, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(s.path(at), &st); err == nil && st.Mode&syscall.S_IFMT == syscall.S_IFBLK {
		number := fmt.Sprintf("%d:%d", major(st.Rdev), minor(st.Rdev))
		if d, err := s.ByNumber(number); err == nil {
			return d, nil
		}
	} else if err == nil && st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return Device{}, fmt.Errorf("%w: %s", ErrNotBlock, asked)
	}
	d, err := s.Device(strings.ReplaceAll(strings.TrimPrefix(at, "/dev/"), "/", "!"))
	if err != nil {
		return Device{}, fmt.Errorf("%w: %s", ErrNotBlock, asked)
	}
	return d, nil
}

// ByNumber finds a device by "major:minor".
func (s System) ByNumber(number string) (Device, error) {
	target, err := os.Readlink(s.path("sys/dev/block", number))
	if err != nil {
		return Device{}, fmt.Errorf("%w: %s", ErrNotBlock, number)
	}
	return s.Device(path.Base(target))
}

// Use is one reason why a device is not free.
type Use struct {
	Kind   string // mounted, partitioned, held, swap, signature, member, readonly
	Detail string // in words: "sda1 is mounted on /boot"
}

// Uses says what a device, or anything on it, is in use for. An empty answer
// means that writing to it harms nothing the host knows of.
func (s System) Uses(d Device) ([]Use, error) {
	mounts, err := s.Mounts()
	if err != nil {
		return nil, err
	}
	swaps := map[string]bool{}
	for _, sw := range s.Swaps() {
		if on, err := s.Resolve(sw); err == nil {
			swaps[on.Name] = true
		}
	}
	w := walk{system: s, mounts: mounts, swaps: swaps, met: map[string]bool{}}
	if err := w.visit(d); err != nil {
		return nil, err
	}
	for _, p := range d.Partitions {
		w.add("partitioned", "%s has partition %s", d.Name, p)
	}
	return w.uses, nil
}

// walk goes up from a device to all that is built on it.
type walk struct {
	system System
	mounts []Mount
	swaps  map[string]bool
	met    map[string]bool
	uses   []Use
}

func (w *walk) add(kind, format string, args ...any) {
	w.uses = append(w.uses, Use{Kind: kind, Detail: fmt.Sprintf(format, args...)})
}

func (w *walk) visit(d Device) error {
	if w.met[d.Name] {
		return nil
	}
	w.met[d.Name] = true
	for _, m := range w.mounts {
		if m.Number == d.Number || w.source(m, d) {
			w.add("mounted", "%s is mounted on %s", d.Name, m.Point)
		}
	}
	if w.swaps[d.Name] {
		w.add("swap", "%s is swap space", d.Name)
	}
	if kind, member := members[d.Signature]; member {
		w.add("member", "%s is %s (%s)", d.Name, kind, d.Signature)
	}
	for _, name := range append(d.Holders[:len(d.Holders):len(d.Holders)], d.Partitions...) {
		above, err := w.system.Device(name)
		if err != nil {
			w.add("held", "%s is held by %s, which cannot be read", d.Name, name)
			continue
		}
		if above.Parent == "" {
			w.add("held", "%s is part of %s (%s)", d.Name, name, above.Kind)
		}
		if err := w.visit(above); err != nil {
			return err
		}
	}
	return nil
}

// source catches file systems whose device number is their own (btrfs, zfs).
func (w *walk) source(m Mount, d Device) bool {
	if !strings.HasPrefix(m.Source, "/dev/") {
		return false
	}
	on, err := w.system.Resolve(m.Source)
	return err == nil && on.Name == d.Name
}

// members are signatures of a part of something larger, which the kernel does
// not show as long as nobody has assembled it.
var members = map[string]string{
	"LVM2_member":        "an LVM physical volume",
	"LVM1_member":        "an LVM physical volume",
	"linux_raid_member":  "a member of a Linux RAID",
	"isw_raid_member":    "a member of a firmware RAID",
	"ddf_raid_member":    "a member of a firmware RAID",
	"mpath_member":       "a path of a multipath device",
	"zfs_member":         "a member of a ZFS pool",
	"bcache":             "part of a bcache",
	"ceph_bluestore":     "a Ceph OSD",
	"crypto_LUKS":        "an encrypted volume",
	"drbd":               "a DRBD device",
	"VMFS_volume_member": "a VMFS volume",
	"swap":               "swap space",
	"btrfs":              "a btrfs file system, perhaps one of several devices",
}

// Under finds the mount that a directory is in and its device, which is zero
// for file systems without one (tmpfs, overlay, nfs).
func (s System) Under(dir string) (Mount, Device, error) {
	mounts, err := s.Mounts()
	if err != nil {
		return Mount{}, Device{}, err
	}
	var best Mount
	for _, m := range mounts { // later lines cover earlier ones
		if within(dir, m.Point) && len(m.Point) >= len(best.Point) {
			best = m
		}
	}
	d, err := s.ByNumber(best.Number)
	if err != nil && strings.HasPrefix(best.Source, "/dev/") {
		d, err = s.Resolve(best.Source)
	}
	if err != nil {
		return best, Device{}, nil //nolint:nilerr // no device is an answer
	}
	return best, d, nil
}

func within(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}

func major(dev uint64) uint64 { return dev>>8&0xfff | dev>>32&^uint64(0xfff) }
func minor(dev uint64) uint64 { return dev&0xff | dev>>12&^uint64(0xff) }
