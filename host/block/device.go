package block

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// ErrNotBlock: the path names no block device of this host.
var ErrNotBlock = errors.New("not a block device")

// System is a host. Root is "/" on a live one.
type System struct {
	Root string
}

// Device is one block device or partition.
type Device struct {
	Name   string // kernel name: nvme0n1, sda1, dm-0
	Number string // "259:0"
	Parent string // the whole disk, for a partition

	Model     string
	Serial    string
	WWN       string // as udev or the kernel gives it: eui.…, naa.…, 0x…
	Firmware  string
	Size      uint64 // bytes
	Scheduler string // the active one
	Rotates   bool
	ReadOnly  bool

	Partitions []string // kernel names
	Holders    []string // what is built on it: dm-0, md127, bcache0
	Slaves     []string // what it is built of
	Fabric     string   // how it is reached over a network: iscsi, fc, nvme-tcp, nbd, …; "" for a disk of this host
	Kind       string   // disk, partition, loop, ram, or of dm: lvm, crypt, mpath, dm; raid
	Signature  string   // what udev's blkid found on it: ext4, LVM2_member, linux_raid_member, …
	Links      []string // below /dev: disk/by-id/…, mapper/…
}

// Path is the device's node: /dev/nvme0n1.
func (d Device) Path() string { return "/dev/" + strings.ReplaceAll(d.Name, "!", "/") }

func (s System) path(elem ...string) string {
	root := s.Root
	if root == "" {
		root = "/"
	}
	return filepath.Join(append([]string{root}, elem...)...)
}

// text reads a small file, without its line end; "" if there is none.
func (s System) text(elem ...string) string {
	b, err := os.ReadFile(s.path(elem...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.TrimRight(string(b), "\x00\n"))
}

// Devices lists the host's whole disks, without those of size 0 (empty loop
// and ram devices), in the order of their names.
func (s System) Devices() ([]Device, error) {
	entries, err := os.ReadDir(s.path("sys/block"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list block devices: %w", err)
	}
	var out []Device
	for _, e := range entries {
		d, err := s.Device(e.Name())
		if err != nil {
			return nil, err
		}
		if d.Size > 0 {
			out = append(out, d)
		}
	}
	return out, nil
}

// Device reads one device or partition by its kernel name.
func (s System) Device(name string) (Device, error) {
	dir, parent, err := s.folder(name)
	if err != nil {
		return Device{}, err
	}
	d := Device{Name: name, Parent: parent, Number: s.text(dir, "dev")}
	sectors, err := strconv.ParseUint(s.text(dir, "size"), 10, 64)
	if err != nil {
		return Device{}, fmt.Errorf("read size of %s: %w", name, err)
	}
	const sector = 512 // the unit of this file, whatever the device's own
	d.Size = sectors * sector
	d.ReadOnly = s.text(dir, "ro") == "1"
	d.Holders, d.Slaves = s.names(dir, "holders"), s.names(dir, "slaves")
	whole := dir
	if parent != "" {
		whole = filepath.Dir(dir)
	}
	d.Partitions = s.partitions(dir)
	d.Rotates = s.text(whole, "queue/rotational") == "1"
	d.Scheduler = active(s.text(whole, "queue/scheduler"))
	s.identify(&d, whole)
	d.Fabric = s.fabric(whole)
	d.Kind = s.kind(d, dir)
	return d, nil
}

// folder finds a device's folder below /sys/block, relative to the root.
func (s System) folder(name string) (dir, parent string, err error) {
	if name == "" || strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
		return "", "", fmt.Errorf("%w: %q", ErrNotBlock, name)
	}
	dir = filepath.Join("sys/block", name)
	if _, err := os.Stat(s.path(dir, "size")); err == nil {
		return dir, "", nil
	}
	found, err := filepath.Glob(s.path("sys/block/*", name, "partition"))
	if err != nil || len(found) == 0 {
		return "", "", fmt.Errorf("%w: %s", ErrNotBlock, name)
	}
	parent = filepath.Base(filepath.Dir(filepath.Dir(found[0])))
	return filepath.Join("sys/block", parent, name), parent, nil
}

func (s System) names(elem ...string) []string {
	entries, err := os.ReadDir(s.path(elem...))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func (s System) partitions(dir string) []string {
	found, err := filepath.Glob(s.path(dir, "*", "partition"))
	if err != nil {
		return nil
	}
	var out []string
	for _, f := range found {
		out = append(out, filepath.Base(filepath.Dir(f)))
	}
	sort.Strings(out)
	return out
}

// identify fills in who made the device, from udev's database first: it has
// asked the device, while /sys often has less.
func (s System) identify(d *Device, whole string) {
	udev := s.udev(d.Number)
	d.Links = udev.links
	d.Signature = udev.first("ID_FS_TYPE", "ID_PART_TABLE_TYPE")
	d.Serial = or(udev.first("ID_SERIAL_SHORT", "ID_SERIAL"), s.text(whole, "device/serial"), s.text(whole, "serial"), unitSerial(s.text(whole, "device/vpd_pg80")))
	d.WWN = or(udev.first("ID_WWN_WITH_EXTENSION", "ID_WWN"), s.text(whole, "wwid"), s.text(whole, "device/wwid"))
	d.Model = or(s.text(whole, "device/model"), strings.ReplaceAll(udev.first("ID_MODEL"), "_", " "))
	d.Firmware = or(s.text(whole, "device/firmware_rev"), s.text(whole, "device/rev"), udev.first("ID_REVISION"))
}

func (s System) kind(d Device, dir string) string {
	uuid := s.text(dir, "dm/uuid")
	switch {
	case d.Parent != "":
		return "partition"
	case strings.HasPrefix(uuid, "LVM-"):
		return "lvm"
	case strings.HasPrefix(uuid, "mpath-"):
		return "mpath"
	case strings.HasPrefix(uuid, "CRYPT-"):
		return "crypt"
	case strings.HasPrefix(d.Name, "dm-"):
		return "dm"
	case strings.HasPrefix(d.Name, "md"):
		return "raid"
	case strings.HasPrefix(d.Name, "loop"):
		return "loop"
	case strings.HasPrefix(d.Name, "zram"), strings.HasPrefix(d.Name, "ram"):
		return "ram"
	default:
		return "disk"
	}
}

// record is what udev keeps of a device.
type record struct {
	properties map[string]string
	links      []string
}

func (r record) first(keys ...string) string {
	for _, k := range keys {
		if v := r.properties[k]; v != "" {
			return v
		}
	}
	return ""
}

// udev reads /run/udev/data/b<major>:<minor>. Lines are "E:KEY=value" and
// "S:link".
func (s System) udev(number string) record {
	r := record{properties: map[string]string{}}
	for line := range strings.Lines(s.text("run/udev/data/b" + number)) {
		line = strings.TrimSuffix(line, "\n")
		if kv, ok := strings.CutPrefix(line, "E:"); ok {
			k, v, _ := strings.Cut(kv, "=")
			r.properties[k] = v
		}
		if link, ok := strings.CutPrefix(line, "S:"); ok {
			r.links = append(r.links, link)
		}
	}
	sort.Strings(r.links)
	return r
}

// active picks the chosen one out of "none [mq-deadline] kyber".
func active(schedulers string) string {
	_, rest, found := strings.Cut(schedulers, "[")
	if name, _, closed := strings.Cut(rest, "]"); found && closed {
		return name
	}
	return schedulers
}

// unitSerial reads a SCSI unit serial number page (80h): four bytes of header.
func unitSerial(page string) string {
	if len(page) <= 4 {
		return ""
	}
	return strings.TrimSpace(page[4:])
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
