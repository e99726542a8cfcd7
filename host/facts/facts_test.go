package facts

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
)

// host makes a tree of files.
func host(t *testing.T, files map[string]string) Host {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Host{Root: root}
}

// server is a physical server of 4 CPUs with one drive.
func server() map[string]string {
	return map[string]string{
		"etc/os-release":                                  "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"12\"\n",
		"proc/sys/kernel/osrelease":                       "6.1.0-13-amd64\n",
		"proc/sys/kernel/arch":                            "x86_64\n",
		"proc/cpuinfo":                                    "processor\t: 0\nmodel name\t: Intel(R) Xeon(R)\nflags\t\t: fpu sse2\n",
		"proc/loadavg":                                    "2.00 6.00 4.00 1/100 42\n",
		"proc/meminfo":                                    "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\nSwapTotal:       2000000 kB\nSwapFree:        2000000 kB\n",
		"proc/cmdline":                                    "root=/dev/sda1 mitigations=off admin_password=hunter2\n",
		"proc/sys/vm/swappiness":                          "60\n",
		"sys/devices/system/cpu/online":                   "0-2,5\n",
		"sys/devices/system/node/node0/x":                 "",
		"sys/fs/selinux/enforce":                          "1",
		"sys/class/dmi/id/sys_vendor":                     "Dell Inc.\n",
		"sys/devices/system/cpu/vulnerabilities/meltdown": "Mitigation: PTI\n",
		"sys/block/nvme0n1/size":                          "3125627568\n",
		"sys/block/nvme0n1/dev":                           "259:0\n",
		"sys/block/nvme0n1/queue/scheduler":               "[none] mq-deadline\n",
		"sys/block/nvme0n1/queue/nr_requests":             "1023\n",
		"sys/block/nvme0n1/device/model":                  "INTEL SSDPE2KE016T8   \n",
		"sys/block/nvme0n1/device/serial":                 "PHLN001\n",
		"sys/block/nvme0n1/device/hwmon1/temp1_input":     "35850\n",
		"sys/block/nvme0n1/device/numa_node":              "1\n",
		"sys/fs/cgroup/cgroup.controllers":                "cpu io memory\n",
		"dev/nvme0n1":                                     "node",
	}
}

func TestFactsOfAServer(t *testing.T) {
	h := host(t, server())
	stable, err := h.Stable()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"os": "debian", "os_version": "12", "kernel": "6.1.0-13-amd64", "architecture": "x86_64",
		"virtual": "physical", "is_virtual": "false", "selinux_enforced": "true", "cpus": "4", "numa_nodes": "1",
		"cpu_model": "Intel(R) Xeon(R)", "memory_total": "16384000000", "swap_total": "2048000000",
		"device.nvme0n1.model": "INTEL SSDPE2KE016T8", "device.nvme0n1.serial": "PHLN001",
		"device.nvme0n1.scheduler": "none", "device.nvme0n1.size": "1600321314816", "device.nvme0n1.rotational": "false",
	} {
		if stable[name] != want {
			t.Errorf("%s is %q, want %q", name, stable[name], want)
		}
	}
	load := h.Load()
	for name, want := range map[string]string{
		"memory_free": "8192000000", "swap_free": "2048000000",
		"system_load_1min": "50", "system_overload_1min": "00",
		"system_load_5min": "150", "system_overload_5min": "50",
		"system_load_10min": "125", "system_overload_10min": "25",
		"system_load_15min": "100", "system_overload_15min": "00",
	} {
		if load[name] != want {
			t.Errorf("%s is %q, want %q", name, load[name], want)
		}
	}
}

func TestWhatAHostRunsOn(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"kvm":    {"sys/class/dmi/id/sys_vendor": "QEMU\n"},
		"vmware": {"sys/class/dmi/id/product_name": "VMware7,1\n"},
		"gce":    {"sys/class/dmi/id/product_name": "Google Compute Engine\n"},
		"hyperv": {"sys/class/dmi/id/sys_vendor": "Microsoft Corporation\n", "sys/class/dmi/id/product_name": "Virtual Machine\n"},
		"xenu":   {"sys/hypervisor/type": "xen\n"},
		"docker": {".dockerenv": "", "sys/class/dmi/id/sys_vendor": "QEMU\n"},
		"podman": {"run/.containerenv": ""},
		"lxc":    {"proc/1/environ": "PATH=/bin\x00container=lxc\x00"},
	} {
		if got := host(t, files).virtual(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := host(t, map[string]string{"proc/cpuinfo": "flags\t\t: sse2 hypervisor lahf_lm\n"}).virtual(); got != "kvm" {
		t.Errorf("a microVM without firmware tables is %s", got)
	}
}

func TestEnvironmentHasClassesThatIgnoreWhoAndWhen(t *testing.T) {
	at := func(change func(map[string]string)) Environment {
		files := server()
		change(files)
		h := host(t, files)
		known, err := h.Stable()
		if err != nil {
			t.Fatal(err)
		}
		e, err := h.Environment("name", known, runner.Description{Kind: "process", FioVersion: "fio-3.33"}, "/dev/nvme0n1")
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	first := at(func(map[string]string) {})
	if first.Target == nil || first.Target.Model != "INTEL SSDPE2KE016T8" || first.Target.Queue["nr_requests"] != "1023" || first.Target.Health == nil || *first.Target.Health.Celsius != 35.85 || first.Target.NUMANode != "1" || first.Kernel.Cgroups != 2 {
		t.Fatalf("target %+v", first.Target)
	}
	if strings.Contains(first.Kernel.CommandLine, "hunter2") || !strings.Contains(first.Kernel.CommandLine, "mitigations=off") {
		t.Errorf("command line %q", first.Kernel.CommandLine)
	}
	twin := at(func(f map[string]string) {
		f["sys/block/nvme0n1/device/serial"], f["proc/loadavg"], f["sys/block/nvme0n1/device/hwmon1/temp1_input"] = "PHLN777", "0 0 0 1/1 1", "50000"
	})
	if twin.HostClass != first.HostClass || twin.DeviceClass != first.DeviceClass {
		t.Error("another drive of the same kind is another class")
	}
	for name, change := range map[string]func(map[string]string){
		"kernel":      func(f map[string]string) { f["proc/sys/kernel/osrelease"] = "6.2.0\n" },
		"mitigations": func(f map[string]string) { f["sys/devices/system/cpu/vulnerabilities/meltdown"] = "Vulnerable\n" },
		"cpus":        func(f map[string]string) { f["sys/devices/system/cpu/online"] = "0-7\n" },
	} {
		if other := at(change); other.HostClass == first.HostClass || other.DeviceClass != first.DeviceClass {
			t.Errorf("%s: host class %s, device class %s", name, other.HostClass, other.DeviceClass)
		}
	}
	other := at(func(f map[string]string) { f["sys/block/nvme0n1/queue/scheduler"] = "none [mq-deadline]\n" })
	if other.DeviceClass == first.DeviceClass || other.HostClass != first.HostClass {
		t.Error("another scheduler is no other device class")
	}
	changes, err := Diff(first, other)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range changes {
		names = append(names, c.String())
	}
	got := strings.Join(names, "; ")
	if !strings.Contains(got, "target.queue.scheduler: none → mq-deadline") || strings.Contains(got, "taken") {
		t.Errorf("diff: %s", got)
	}
}

func facter(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(content, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCustomFactsComeInEveryForm(t *testing.T) {
	dir := facter(t, map[string]string{
		"a.txt": "# a comment\nrack = r1\nzone=a\n", "b.json": `{"location": {"row": 3, "cold": true}, "zone": "b"}`,
		"c.yaml": "---\nowner: storage\n", "d.sh": "#!/bin/sh\necho probed=yes\n", "e": "#!/bin/sh\necho '{\"from\": \"script\"}'\n",
		".hidden": "no=1\n", "old~": "no=2\n",
	})
	got, err := Custom(t.Context(), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"rack": "r1", "zone": "b", "location.row": "3", "location.cold": "true", "owner": "storage", "probed": "yes", "from": "script", "no": "",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestOneBadFactFileLeavesTheOthersAlone(t *testing.T) {
	dir := facter(t, map[string]string{
		"a-slow.sh": "#!/bin/sh\nsleep 30 & sleep 30\n", "b-fails.sh": "#!/bin/sh\necho broken >&2\nexit 3\n",
		"c-floods.sh": "#!/bin/sh\nyes x=1\n", "d-list.json": `{"x": [1]}`, "e-line.txt": "no equals sign\n", "f-name.txt": "bad name=1\n",
		"g-large.txt": "x=" + strings.Repeat("y", maxCustomSize) + "\n", "z-good.txt": "good=1\n",
	})
	began := time.Now()
	got, err := Custom(t.Context(), dir, 3*time.Second)
	if got["good"] != "1" || len(got) != 1 {
		t.Errorf("facts %v", got)
	}
	for _, want := range []string{"a-slow.sh: took longer than 3s", "broken", "c-floods.sh", "is a list", "line 1: want name=value", "bad name", "larger than"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if took := time.Since(began); took > 25*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestFactsThatOthersCouldWriteAreNotRun(t *testing.T) {
	dir := facter(t, map[string]string{"x.sh": "#!/bin/sh\necho ran=1\n"})
	if err := os.Chmod(filepath.Join(dir, "x.sh"), 0o777); err != nil {
		t.Fatal(err)
	}
	if got, err := Custom(t.Context(), dir, 0); err == nil || got["ran"] != "" {
		t.Fatalf("%v, %v", got, err)
	}
	if got, err := Custom(context.Background(), filepath.Join(dir, "absent"), 0); err != nil || len(got) != 0 {
		t.Fatalf("%v, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a=b\n", `{"a":{"b":1}}`, "---\na: {b: c}\n", "", "{", "a=\x00"} {
		f.Add("", s)
	}
	f.Fuzz(func(t *testing.T, extension, text string) {
		got, err := Parse(extension, []byte(text))
		if err != nil {
			return
		}
		for k, v := range got {
			if !factName.MatchString(k) || len(v) > maxCustomValue || strings.ContainsAny(v, "\x00\n") {
				t.Fatalf("%q=%q", k, v)
			}
		}
	})
}
