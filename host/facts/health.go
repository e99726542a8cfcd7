package facts

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Health is how worn and how warm a drive is, by its own account. What it does
// not tell is nil.
type Health struct {
	// Source is nvme (the drive's SMART log), smartctl or hwmon.
	Source string `json:"source,omitempty"`
	// Unread says why there is nothing more to be known.
	Unread string `json:"unread,omitempty"`

	WearPercent  *float64 `json:"wear_percent,omitempty"`  // of the rated endurance; may exceed 100
	SparePercent *float64 `json:"spare_percent,omitempty"` // of the spare blocks left
	Celsius      *float64 `json:"celsius,omitempty"`
	PowerOnHours *float64 `json:"power_on_hours,omitempty"`
	WrittenBytes *float64 `json:"written_bytes,omitempty"` // in its life
	MediaErrors  *float64 `json:"media_errors,omitempty"`
	// Warning is what the drive itself is worried about: NVMe's bits of critical
	// warning in words, or failed for ATA's overall assessment.
	Warning string `json:"warning,omitempty"`
}

// smartTimeout bounds smartctl: a drive that hangs must not hold up a run.
const smartTimeout = 5 * time.Second

// health asks a disk, by kernel name. A recorded tree has no drives to ask.
func (h Host) health(disk string) *Health {
	if h.Root != "" && h.Root != "/" {
		return h.sensor(disk, "a recorded tree has no drive to ask")
	}
	var reasons []string
	if strings.HasPrefix(disk, "nvme") {
		page, err := nvmeLog("/dev/" + disk)
		if err == nil {
			return parseNVMe(page)
		}
		reasons = append(reasons, err.Error())
	}
	known, err := smartctl("/dev/" + disk)
	if err == nil {
		return known
	}
	reasons = append(reasons, err.Error())
	return h.sensor(disk, strings.Join(reasons, "; "))
}

// sensor is what the kernel's own hardware monitoring tells: heat alone.
func (h Host) sensor(disk, why string) *Health {
	out := &Health{Unread: why}
	device := "sys/block/" + disk + "/device/"
	for _, place := range []string{"hwmon*", "hwmon/hwmon*", "nvme[0-9]*/hwmon*"} {
		for _, path := range h.glob(device + place + "/temp1_input") {
			out.heat(h.text(path))
		}
	}
	return out
}

func (out *Health) heat(text string) {
	var milli float64
	if _, err := fmt.Sscan(text, &milli); err == nil {
		out.Source, out.Celsius = "hwmon", number(milli/1000)
	}
}

func number(v float64) *float64 { return &v }

// adminCommand is struct nvme_admin_cmd of linux/nvme_ioctl.h.
type adminCommand struct {
	opcode, flags                                  uint8
	_                                              uint16
	namespace                                      uint32
	_, _                                           uint32
	metadata, address                              uint64
	metadataLength, length                         uint32
	word10, word11, word12, word13, word14, word15 uint32
	timeout, result                                uint32
}

const (
	nvmeAdmin    = 0xC0484E41 // NVME_IOCTL_ADMIN_CMD
	nvmeGetLog   = 0x02
	nvmeSmartLog = 0x02
	nvmeLogSize  = 512
	allSpaces    = 0xFFFFFFFF // the controller as a whole
)

// nvmeLog reads the SMART log page of a drive. It takes CAP_SYS_ADMIN.
func nvmeLog(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) //nolint:gosec // a device of the host's own
	if err != nil {
		return nil, fmt.Errorf("read SMART log: %w", err)
	}
	defer func() { _ = f.Close() }()
	page := make([]byte, nvmeLogSize)
	command := adminCommand{
		opcode: nvmeGetLog, namespace: allSpaces, address: uint64(uintptr(unsafe.Pointer(&page[0]))), //nolint:gosec // the ioctl's form
		length: nvmeLogSize, word10: nvmeSmartLog | (nvmeLogSize/4-1)<<16, timeout: uint32(smartTimeout.Milliseconds()),
	}
	status, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), nvmeAdmin, uintptr(unsafe.Pointer(&command))) //nolint:gosec // the ioctl's form
	switch {
	case errno != 0:
		return nil, fmt.Errorf("read SMART log of %s: %w", path, errno)
	case status != 0:
		return nil, fmt.Errorf("read SMART log of %s: the drive answers %#x", path, status)
	}
	return page, nil
}

// nvmeUnit is how many bytes a data unit of the log has: a thousand blocks of 512.
const nvmeUnit = 512_000

// warnings are the bits of NVMe's critical warning.
var warnings = []string{"spare low", "temperature", "unreliable", "read-only", "backup failed", "memory region"}

// parseNVMe reads the SMART log page of the NVMe base specification.
func parseNVMe(page []byte) *Health {
	if len(page) < nvmeLogSize {
		return &Health{Unread: fmt.Sprintf("the SMART log has %d bytes, not %d", len(page), nvmeLogSize)}
	}
	out := &Health{
		Source: "nvme", WearPercent: number(float64(page[5])), SparePercent: number(float64(page[3])),
		WrittenBytes: number(wide(page[48:64]) * nvmeUnit), PowerOnHours: number(wide(page[128:144])), MediaErrors: number(wide(page[160:176])),
	}
	if kelvin := binary.LittleEndian.Uint16(page[1:3]); kelvin > 0 {
		out.Celsius = number(float64(kelvin) - 273)
	}
	out.Warning = worries(page[0])
	return out
}

// worries puts a critical warning into words.
func worries(bits uint8) string {
	var words []string
	for bit, name := range warnings {
		if bits&(1<<bit) != 0 {
			words = append(words, name)
		}
	}
	return strings.Join(words, ", ")
}

// wide is a number of 16 bytes.
func wide(b []byte) float64 {
	return float64(binary.LittleEndian.Uint64(b[:8])) + float64(binary.LittleEndian.Uint64(b[8:]))*math.Exp2(64)
}
