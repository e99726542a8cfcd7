package facts

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
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
	for _, path := range h.glob("sys/block/" + disk + "/device/hwmon*/temp1_input") {
		out.heat(h.text(path))
	}
	for _, path := range h.glob("sys/block/" + disk + "/device/hwmon/hwmon*/temp1_input") {
		out.heat(h.text(path))
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

// warnings are the bits of NVMe's critical warning.
var warnings = []string{"spare low", "temperature", "unreliable", "read-only", "backup failed", "memory region"}

// parseNVMe reads the SMART log page of the NVMe base specification.
func parseNVMe(page []byte) *Health {
	if len(page) < nvmeLogSize {
		return &Health{Unread: fmt.Sprintf("the SMART log has %d bytes, not %d", len(page), nvmeLogSize)}
	}
	const unit = 512_000 // data units are thousands of 512 bytes
	out := &Health{
		Source: "nvme", WearPercent: number(float64(page[5])), SparePercent: number(float64(page[3])),
		WrittenBytes: number(wide(page[48:64]) * unit), PowerOnHours: number(wide(page[128:144])), MediaErrors: number(wide(page[160:176])),
	}
	if kelvin := binary.LittleEndian.Uint16(page[1:3]); kelvin > 0 {
		out.Celsius = number(float64(kelvin) - 273)
	}
	var worried []string
	for bit, name := range warnings {
		if page[0]&(1<<bit) != 0 {
			worried = append(worried, name)
		}
	}
	out.Warning = strings.Join(worried, ", ")
	return out
}

// wide is a number of 16 bytes.
func wide(b []byte) float64 {
	return float64(binary.LittleEndian.Uint64(b[:8])) + float64(binary.LittleEndian.Uint64(b[8:]))*math.Exp2(64)
}

// smartctl asks smartmontools, if they are there. Its exit status is a set of
// bits of which most tell of the drive, not of failure: the report decides.
func smartctl(path string) (*Health, error) {
	program, err := exec.LookPath("smartctl")
	if err != nil {
		return nil, errors.New("smartctl is not installed")
	}
	ctx, cancel := context.WithTimeout(context.Background(), smartTimeout)
	defer cancel()
	report, err := exec.CommandContext(ctx, program, "--json", "--info", "--health", "--attributes", path).Output() //nolint:gosec // a device of the host's own
	if len(report) == 0 {
		return nil, fmt.Errorf("smartctl %s: %w", path, err)
	}
	return parseSmartctl(report)
}

// parseSmartctl reads smartctl's JSON of ATA, SCSI and NVMe drives.
func parseSmartctl(report []byte) (*Health, error) {
	var r struct {
		Smartctl struct {
			Messages []struct {
				String string `json:"string"`
			} `json:"messages"`
		} `json:"smartctl"`
		Status *struct {
			Passed bool `json:"passed"`
		} `json:"smart_status"`
		Temperature struct {
			Current *float64 `json:"current"`
		} `json:"temperature"`
		PowerOn struct {
			Hours *float64 `json:"hours"`
		} `json:"power_on_time"`
		Endurance struct {
			Used *float64 `json:"current_percent"`
		} `json:"endurance_used"`
		Spare struct {
			Left *float64 `json:"current_percent"`
		} `json:"spare_available"`
	}
	if err := json.Unmarshal(report, &r); err != nil {
		return nil, fmt.Errorf("read smartctl's report: %w", err)
	}
	out := &Health{Source: "smartctl", Celsius: r.Temperature.Current, PowerOnHours: r.PowerOn.Hours, WearPercent: r.Endurance.Used, SparePercent: r.Spare.Left}
	if r.Status != nil && !r.Status.Passed {
		out.Warning = "failed"
	}
	if r.Status == nil && out.Celsius == nil && out.PowerOnHours == nil && out.WearPercent == nil {
		why := "it tells nothing of its health"
		for _, m := range r.Smartctl.Messages {
			why = m.String
		}
		return nil, fmt.Errorf("smartctl: %s", why)
	}
	return out, nil
}
