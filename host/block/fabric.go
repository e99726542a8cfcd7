package block

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// fabrics are where the kernel hangs SCSI disks that it reaches over a network:
// …/host3/session1/target3:0:0/… and …/host5/rport-5:0-2/target5:0:0/…
var fabrics = []struct {
	at   *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`/session\d+/`), "iscsi"},
	{regexp.MustCompile(`/rport-\d+:`), "fc"},
}

// networked are drivers of disks that are always another machine's.
var networked = map[string]string{"nbd": "nbd", "rbd": "rbd", "drbd": "drbd"}

// fabric tells a disk that other hosts may see from one that is built in. It
// knows networks; a disk that several hosts share by a cable, or that a cloud
// attaches to several machines, looks like any other from here.
func (s System) fabric(whole string) string {
	name := filepath.Base(whole)
	if driver := networked[strings.TrimRight(name, "0123456789")]; driver != "" {
		return driver
	}
	if link, err := os.Readlink(s.path("sys/block", name)); err == nil {
		for _, f := range fabrics {
			if f.at.MatchString(link) {
				return f.name
			}
		}
	}
	if !strings.HasPrefix(name, "nvme") {
		return ""
	}
	// The namespace's device is its controller or, with paths over several, the
	// subsystem that the controllers are below.
	transports := []string{s.path(whole, "device/transport")}
	below, err := filepath.Glob(s.path(whole, "device/nvme*/transport"))
	if err == nil {
		transports = append(transports, below...)
	}
	for _, file := range transports {
		if text, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(text)) != "pcie" { //nolint:gosec // below /sys
			return "nvme-" + strings.TrimSpace(string(text))
		}
	}
	return ""
}

// Identity is what a disk is called on every host that sees it: its WWN, else
// its serial number; "" if it has neither.
func (d Device) Identity() string {
	switch {
	case d.WWN != "":
		return "wwn:" + BareWWN(d.WWN)
	case d.Serial != "":
		return "serial:" + d.Serial
	default:
		return ""
	}
}

// BareWWN makes what udev, the kernel and people write the same.
func BareWWN(s string) string {
	s = strings.ToLower(s)
	for _, prefix := range []string{"0x", "naa.", "eui.", "t10.", "uuid."} {
		s = strings.TrimPrefix(s, prefix)
	}
	return s
}
