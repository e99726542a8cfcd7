package fleet

import (
	"fmt"
	"strconv"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// kind is a model of device, none that can be bought: what it does with each
// workload, in I/Os per second.
type kind struct {
	Name, Firmware, Scheduler string
	Size                      uint64
	IOPS                      map[string]float64
	// Noise is the relative spread of the rates of its runs.
	Noise float64
}

var (
	nvme4 = kind{"Aurland NV4 1.9T", "AU4X1.07", "none", 1_920_383_410_176,
		map[string]float64{"randread": 682e3, "randwrite": 118e3, "seqread": 49e3, "mixed": 190e3}, .011}
	nvme5 = kind{"Geiranger NV5 3.8T", "G5A2204", "none", 3_840_755_982_336,
		map[string]float64{"randread": 1.12e6, "randwrite": 245e3, "seqread": 98e3, "mixed": 334e3}, .014}
	optical = kind{"Lysefjord XL 800G", "LX0032", "none", 800_166_076_416,
		map[string]float64{"randread": 548e3, "randwrite": 498e3, "seqread": 19e3, "mixed": 510e3}, .006}
	qlc = kind{"Hardanger Q 15T", "HQ11B", "none", 15_362_991_415_296,
		map[string]float64{"randread": 420e3, "randwrite": 21e3, "seqread": 46e3, "mixed": 62e3}, .022}
	sata = kind{"Sogne SA2 960G", "SGN30411", "mq-deadline", 960_197_124_096,
		map[string]float64{"randread": 91e3, "randwrite": 42e3, "seqread": 4.2e3, "mixed": 51e3}, .017}
	disk = kind{"Trollfjord HD 8T", "TF05", "mq-deadline", 8_001_563_222_016,
		map[string]float64{"randread": 212, "randwrite": 410, "seqread": 1.7e3, "mixed": 188}, .03}
)

// host is a machine of the fleet and the device that it measures.
type host struct {
	Name  string
	Model kind
	Pool  string
}

// hosts are all of them.
func hosts() []host {
	var out []host
	for _, k := range []struct {
		prefix, pool string
		model        kind
		count        int
	}{{"nvme", "nvme", nvme4, 4}, {"fast", "nvme", nvme5, 2}, {"log", "nvme", optical, 1}, {"bulk", "bulk", qlc, 2}, {"edge", "edge", sata, 2}, {"cold", "edge", disk, 1}} {
		for i := range k.count {
			out = append(out, host{fmt.Sprintf("%s-%d", k.prefix, i+1), k.model, k.pool})
		}
	}
	return out
}

// fio and kernel that the fleet runs; the kernel was renewed once.
const (
	fioVersion = "fio-3.39"
	oldKernel  = "6.12.57"
	newKernel  = "6.12.63"
)

// device is what a host says of its device on a day.
func (h host) device(day int) events.Device {
	d := events.Device{Path: "/dev/nvme0n1", Model: h.Model.Name, Firmware: h.Model.Firmware, Size: h.Model.Size, Scheduler: h.Model.Scheduler,
		Serial: "F" + events.HashID("serial", h.Name)[:11], WWN: "eui." + events.HashID("wwn", h.Name)[:16]}
	if h.Pool == "edge" {
		d.Path, d.WWN = "/dev/sda", "0x5"+events.HashID("wwn", h.Name)[:15]
	}
	for _, c := range changes() {
		if c.host == h.Name && day >= c.day && c.firmware != "" {
			d.Firmware = c.firmware
		}
		if c.host == h.Name && day >= c.day && c.scheduler != "" {
			d.Scheduler = c.scheduler
		}
	}
	return d
}

// facts are what a host says of itself on a day.
func (h host) facts(day int) map[string]string {
	kernel := oldKernel
	if h.Pool == "bulk" && day >= kernelDay {
		kernel = newKernel
	}
	return map[string]string{"kernel": kernel, "os": "debian 13", "architecture": "x86_64", "cpus": strconv.Itoa(32), "memory_total": "137438953472",
		"virtual": "physical", "fio": fioVersion, "container_engine": "docker 28.5", "rack": "r" + strconv.Itoa(1+len(h.Name)%3)}
}

// classes are the fingerprints of the host and its device on a day.
func (h host) classes(day int) (hostClass, deviceClass string) {
	d := h.device(day)
	return events.HashID("host", h.facts(day)["kernel"]), events.HashID("device", d.Model, d.Firmware, d.Scheduler)
}

// change is what happened to a host's device on a day: from then on its runs are
// stretched so.
type change struct {
	host                string
	day                 int
	firmware, scheduler string
	stretch
}

// The days on which things happened.
const (
	days      = 90
	kernelDay = 58
	deadDay   = 83 // edge-2's device gives up
)

// changes are all that happened. A firmware takes the tail of one device, a setting
// nobody noted slows another's writes and is undone again, a third gets faster.
func changes() []change {
	return []change{
		{host: "nvme-3", day: 34, firmware: "AU4X1.09", stretch: stretch{Rate: .88, Time: 1.12, Tail: 1.9}},
		{host: "fast-2", day: 47, stretch: stretch{Rate: .81, Time: 1.22, Tail: 1.3}},
		{host: "fast-2", day: 61, stretch: stretch{Rate: 1 / .81, Time: 1 / 1.22, Tail: 1 / 1.3}},
		{host: "log-1", day: 70, stretch: stretch{Rate: 1.09, Time: .92, Tail: .9}},
		{host: "nvme-1", day: 86, stretch: stretch{Rate: .93, Time: 1.07, Tail: 1.6}},
	}
}

// wear is how a device ages: the large ones lose a quarter in ninety days, from
// the twentieth on.
func (h host) wear(day int) stretch {
	if h.Model.Name != qlc.Name || day < 20 {
		return stretch{1, 1, 1}
	}
	lost := .25 * float64(day-20) / float64(days-20)
	if h.Name == "bulk-1" {
		lost /= 8
	}
	return stretch{Rate: 1 - lost, Time: 1 / (1 - lost), Tail: 1 + lost}
}

// at is the time of an hour of a day, of ninety that end at end.
func at(end time.Time, day int, hour float64) time.Time {
	midnight := end.UTC().Truncate(24*time.Hour).AddDate(0, 0, day-days+1)
	return midnight.Add(time.Duration(hour * float64(time.Hour)))
}
