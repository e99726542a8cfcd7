package facts

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// page is a SMART log page as the NVMe base specification lays it out: a drive
// at 42 °C with 7% of its life used and 1.2 TB written.
func page() []byte {
	p := make([]byte, nvmeLogSize)
	p[0] = 1<<1 | 1<<3
	binary.LittleEndian.PutUint16(p[1:], 315)
	p[3], p[5] = 98, 7
	binary.LittleEndian.PutUint64(p[48:], 2_343_750)
	binary.LittleEndian.PutUint64(p[128:], 8760)
	binary.LittleEndian.PutUint64(p[160:], 3)
	return p
}

func TestTheSMARTLogOfAnNVMeDrive(t *testing.T) {
	want := &Health{
		Source: "nvme", WearPercent: number(7), SparePercent: number(98), Celsius: number(42), PowerOnHours: number(8760),
		WrittenBytes: number(1.2e12), MediaErrors: number(3), Warning: "temperature, read-only",
	}
	if diff := cmp.Diff(want, parseNVMe(page())); diff != "" {
		t.Error(diff)
	}
	if cut := parseNVMe(page()[:100]); cut.Unread == "" || cut.WearPercent != nil {
		t.Errorf("a cut page: %+v", cut)
	}
	if size := unsafe.Sizeof(adminCommand{}); size != 0x48 { // which the ioctl's number holds
		t.Errorf("the command has %#x bytes", size)
	}
}

func TestReportsOfSmartctl(t *testing.T) {
	ata, err := parseSmartctl([]byte(`{"smart_status": {"passed": false}, "temperature": {"current": 31}, "power_on_time": {"hours": 12, "minutes": 5}, "endurance_used": {"current_percent": 4}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Health{Source: "smartctl", Celsius: number(31), PowerOnHours: number(12), WearPercent: number(4), Warning: "failed"}
	if diff := cmp.Diff(want, ata); diff != "" {
		t.Error(diff)
	}
	for report, says := range map[string]string{
		`{"smartctl": {"messages": [{"string": "/dev/vda: Unable to detect device type", "severity": "error"}]}}`: "Unable to detect device type",
		`{}`:        "tells nothing",
		`smartctl `: "read smartctl's report",
	} {
		if h, err := parseSmartctl([]byte(report)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %+v, %v", report, h, err)
		}
	}
}

// The reports are of real drives, by several versions of smartctl.
func TestEveryKindOfDriveTellsWhatItKnows(t *testing.T) {
	for name, want := range map[string]*Health{
		"nvme-7.3-intel-p4610": {
			WearPercent: number(0), SparePercent: number(100), Celsius: number(31), PowerOnHours: number(4236),
			WrittenBytes: number(13140871 * 512e3), MediaErrors: number(0),
		},
		"nvme-7.0-samsung-970-evo": {
			WearPercent: number(3), SparePercent: number(99), Celsius: number(35), PowerOnHours: number(12798),
			WrittenBytes: number(65602088 * 512e3), MediaErrors: number(7),
		},
		"sata-7.3-samsung-sm843t": {
			WearPercent: number(9), Celsius: number(27), PowerOnHours: number(84619), WrittenBytes: number(216456537880 * 512), MediaErrors: number(0),
		},
		"sas-7.3-ssd":     {WearPercent: number(11), Celsius: number(21), PowerOnHours: number(26195)},
		"sas-7.4-wdc-hdd": {Celsius: number(38), PowerOnHours: number(12345), WrittenBytes: number(500e9), MediaErrors: number(0)},
	} {
		got, err := parseSmartctl(recorded(t, name))
		if err != nil {
			t.Fatal(err)
		}
		want.Source = "smartctl"
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if h, err := parseSmartctl(recorded(t, "no-such-device-7.5")); err == nil || !strings.Contains(err.Error(), "Unable to detect device type") {
		t.Errorf("%+v, %v", h, err)
	}
}

func recorded(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/smartctl/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The log page of a drive and smartctl's report of it must tell the same.
func TestTheLogPageAndSmartctlAgree(t *testing.T) {
	for _, name := range []string{"nvme-7.3-intel-p4610", "nvme-7.0-samsung-970-evo"} {
		var said struct {
			Log map[string]json.RawMessage `json:"nvme_smart_health_information_log"`
		}
		if err := json.Unmarshal(recorded(t, name), &said); err != nil {
			t.Fatal(err)
		}
		value := func(field string) (v uint64) {
			if err := json.Unmarshal(said.Log[field], &v); err != nil {
				t.Fatalf("%s: %v", field, err)
			}
			return v
		}
		// struct nvme_smart_log of the kernel's linux/nvme.h
		p := make([]byte, nvmeLogSize)
		p[0], p[3], p[4], p[5] = byte(value("critical_warning")), byte(value("available_spare")), byte(value("available_spare_threshold")), byte(value("percentage_used"))
		binary.LittleEndian.PutUint16(p[1:], uint16(value("temperature")+273))
		for i, field := range []string{
			"data_units_read", "data_units_written", "host_reads", "host_writes", "controller_busy_time",
			"power_cycles", "power_on_hours", "unsafe_shutdowns", "media_errors", "num_err_log_entries",
		} {
			binary.LittleEndian.PutUint64(p[32+16*i:], value(field))
		}
		fromPage, fromReport := parseNVMe(p), try(parseSmartctl(recorded(t, name)))
		fromPage.Source, fromReport.Source = "", ""
		if diff := cmp.Diff(fromReport, fromPage); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func try(h *Health, err error) *Health {
	if err != nil {
		return &Health{Unread: err.Error()}
	}
	return h
}

// What cannot be read is said, not made up.
func TestADriveThatTellsNothingIsSaidTo(t *testing.T) {
	h := host(t, map[string]string{"sys/block/vda/size": "1\n"}).health("vda")
	if h.Unread == "" || h.Source != "" || h.Celsius != nil || h.WearPercent != nil {
		t.Errorf("%+v", h)
	}
	if live := (Host{}).health("no-such-disk"); live.Unread == "" || live.WearPercent != nil {
		t.Errorf("%+v", live)
	}
	if _, err := nvmeLog(os.DevNull); err == nil {
		t.Error("/dev/null has a SMART log")
	}
}

func TestHeatAndHoursAreNoDifference(t *testing.T) {
	at := func(celsius, hours, wear float64) Environment {
		return Environment{Target: &Target{Disk: Disk{Health: &Health{Source: "nvme", Celsius: &celsius, PowerOnHours: &hours, WearPercent: &wear}}}}
	}
	changes, err := Diff(at(30, 100, 7), at(45, 101, 7))
	if err != nil || len(changes) > 0 {
		t.Errorf("%v, %v", changes, err)
	}
	changes, err = Diff(at(30, 100, 7), at(30, 100, 8))
	if err != nil || len(changes) != 1 || changes[0].String() != "target.health.wear_percent: 7 → 8" {
		t.Errorf("%v, %v", changes, err)
	}
}

func FuzzHealth(f *testing.F) {
	f.Add(page())
	f.Add([]byte(`{"smart_status": {"passed": true}, "temperature": {"current": 31}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := json.Marshal(parseNVMe(raw)); err != nil {
			t.Error(err)
		}
		if h, err := parseSmartctl(raw); err == nil {
			if _, err := json.Marshal(h); err != nil {
				t.Error(err)
			}
		}
	})
}
