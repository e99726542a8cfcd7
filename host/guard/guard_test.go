package guard

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/block/blocktest"
)

// host is a guard of the recorded server with a real folder to write in.
type host struct {
	*Guard
	t       *testing.T
	data    string
	scratch string
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, data: filepath.Join(t.TempDir(), "data"), scratch: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(h.data, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	policy := Policy{Directories: []string{h.data}, Devices: []Device{
		{ID: "serial:PHLN001", Destructive: true},
		{ID: "serial:WD-001"},
	}, MinFree: 1 << 20}
	for _, name := range []string{"nvme1n1", "sdb", "md127", "sdd", "mapper/mpatha", "sdf", "sdh", "sdi"} {
		policy.Devices = append(policy.Devices, Device{ID: "path:/dev/" + name, Destructive: true})
	}
	policy.Devices = append(policy.Devices, Device{ID: "serial:PHLN002", Destructive: true})
	g, err := New(policy, blocktest.Open(t, "../block/testdata/server.tree"))
	if err != nil {
		t.Fatal(err)
	}
	h.Guard = g
	return h
}

func (h *host) check(text string) (Grant, []events.Problem) {
	h.t.Helper()
	file, err := job.Parse("job.fio", []byte(strings.ReplaceAll(text, "DATA", h.data)), job.Config{})
	if err != nil {
		h.t.Fatalf("parse: %v", err)
	}
	grant, problems, err := h.Check(Request{File: file, WorkDir: h.data, Scratch: h.scratch, Volumes: []string{"/volume"}})
	if err != nil {
		h.t.Fatalf("check: %v", err)
	}
	return grant, problems
}

func rules(problems []events.Problem) []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.Rule)
	}
	return out
}

func TestHostileJobsAreRefused(t *testing.T) {
	jobs, err := filepath.Glob("testdata/hostile/*.fio")
	if err != nil || len(jobs) < 30 {
		t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	for _, path := range jobs {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".fio"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(text), "\n")
			want := strings.TrimPrefix(first, "# refused by: ")
			_, problems := newHost(t).check(string(text))
			if !slices.Contains(rules(problems), want) {
				t.Fatalf("want rule %s, got %+v", want, problems)
			}
			for _, p := range problems {
				if p.Line == 0 || p.Message == "" || p.File != "job.fio" {
					t.Errorf("problem without its place: %+v", p)
				}
			}
		})
	}
}

func TestOrdinaryJobsGetWhatTheyNeedAndNoMore(t *testing.T) {
	for name, tc := range map[string]struct {
		job     string
		mounts  bool
		devices string // path and w for write
		holds   string
		target  string
		touched string
	}{
		"a file in the working folder": {job: "[a]\nrw=write\nsize=1m\n", mounts: true, target: "DATA"},
		"a folder below":               {job: "[a]\nrw=randrw\nsize=1m\ndirectory=DATA/sub\n", mounts: true, target: "DATA"},
		"no file at all":               {job: "[a]\nioengine=null\nrw=read\nsize=1m\n"},
		"a volume":                     {job: "[a]\nrw=write\nsize=1m\ndirectory=/volume/x\n", target: "/volume"},
		"an idle device":               {job: "[a]\nrw=randwrite\nfilename=/dev/nvme0n1\n", devices: "/dev/nvme0n1 w", holds: "/dev/nvme0n1", target: "/dev/nvme0n1", touched: "nvme0n1"},
		"a device by its link": {
			job:     "[a]\nrw=read\nfilename=/dev/disk/by-id/nvme-INTEL_SSDPE2KE016T8_PHLN001\n",
			devices: "/dev/disk/by-id/nvme-INTEL_SSDPE2KE016T8_PHLN001 r", target: "/dev/disk/by-id/nvme-INTEL_SSDPE2KE016T8_PHLN001", touched: "nvme0n1",
		},
		"reading what must not be written": {job: "[a]\nrw=randread\nfilename=/dev/sdg\n", devices: "/dev/sdg r", target: "/dev/sdg", touched: "sdg"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			g, problems := h.check(tc.job)
			if len(problems) > 0 {
				t.Fatalf("refused: %+v", problems)
			}
			if (len(g.Mounts) == 1) != tc.mounts || tc.mounts && g.Mounts[0].Path != h.data {
				t.Errorf("mounts %v", g.Mounts)
			}
			var devices []string
			for _, d := range g.Devices {
				devices = append(devices, d.Path+map[bool]string{true: " w", false: " r"}[d.Write])
			}
			if strings.Join(devices, ",") != tc.devices || strings.Join(g.Holds, ",") != tc.holds ||
				g.Target != strings.ReplaceAll(tc.target, "DATA", h.data) {
				t.Errorf("grant %+v", g)
			}
			if tc.touched != "" && strings.Join(g.Touched, ",") != tc.touched {
				t.Errorf("touched %v", g.Touched)
			}
		})
	}
}

func TestLinksAreFollowedOutOfTheFolder(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.MkdirAll(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		link, target string
		job          string
	}{
		"a folder":                    {"out", outside, "[a]\nrw=write\nsize=1m\ndirectory=DATA/out\n"},
		"a file":                      {"f", "/etc/passwd", "[a]\nrw=write\nsize=1m\nfilename=DATA/f\n"},
		"a file that is not there":    {"f", filepath.Join(outside, "new"), "[a]\nrw=write\nsize=1m\nfilename=DATA/f\n"},
		"a folder above the folder":   {"up", "..", "[a]\nrw=write\nsize=1m\ndirectory=DATA/up/x\n"},
		"fio's own name for its file": {"a.0.0", "/etc/passwd", "[a]\nrw=write\nsize=1m\n"},
		"a device":                    {"f", "/dev/sda", "[a]\nrw=write\nfilename=DATA/f\n"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			if err := os.Symlink(tc.target, filepath.Join(h.data, tc.link)); err != nil {
				t.Fatal(err)
			}
			if _, problems := h.check(tc.job); len(problems) == 0 {
				t.Fatal("accepted")
			}
		})
	}
	h := newHost(t)
	if err := os.Symlink("sub", filepath.Join(h.data, "inside")); err != nil {
		t.Fatal(err)
	}
	if _, problems := h.check("[a]\nrw=write\nsize=1m\ndirectory=DATA/inside\n"); len(problems) > 0 {
		t.Fatalf("a link within the folder is refused: %+v", problems)
	}
}

func TestSpecialFilesInTheFolderAreRefused(t *testing.T) {
	h := newHost(t)
	if err := syscall.Mkfifo(filepath.Join(h.data, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, problems := h.check("[a]\nrw=write\nsize=1m\nfilename=DATA/pipe\n")
	if !slices.Contains(rules(problems), RuleSpecial) {
		t.Fatalf("%+v", problems)
	}
}

func TestLinksInACircleAreRefused(t *testing.T) {
	h := newHost(t)
	if err := os.Symlink("loop", filepath.Join(h.data, "loop")); err != nil {
		t.Fatal(err)
	}
	_, problems := h.check("[a]\nrw=read\nsize=1m\nfilename=DATA/loop\n")
	if !slices.Contains(rules(problems), RuleDirectory) {
		t.Fatalf("%+v", problems)
	}
}

func TestSpaceCountsWhatIsThereAlready(t *testing.T) {
	h := newHost(t)
	h.Guard.room = func(string) (Room, error) { return Room{Bytes: 10 << 20, Countless: true}, nil }
	const fits, toomuch = "[a]\nrw=write\nsize=8900k\nfilename=DATA/f\n", "[a]\nrw=write\nsize=12m\nfilename=DATA/f\n"
	if _, problems := h.check(fits); len(problems) > 0 {
		t.Fatalf("8.7 of 10 MiB, 1 reserved: %+v", problems)
	}
	_, problems := h.check(toomuch)
	if len(problems) != 1 || problems[0].Rule != RuleSpace || !strings.Contains(problems[0].Message, "12 MiB") {
		t.Fatalf("%+v", problems)
	}
	if err := os.WriteFile(filepath.Join(h.data, "f"), make([]byte, 8<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, problems := h.check(toomuch); len(problems) > 0 {
		t.Fatalf("with 8 MiB laid out: %+v", problems)
	}
	for job, want := range map[string]bool{
		"[a]\nrw=write\nsize=3m\nnumjobs=4\ndirectory=DATA\n":                        false, // 12 MiB in files of their own
		"[a]\nrw=write\nsize=3m\nnumjobs=4\nfilename=DATA/shared\n":                  true,  // 3 MiB in all
		"[a]\nrw=write\nfilesize=3m\nnrfiles=4\nsize=12m\ndirectory=DATA\n":          false,
		"[a]\nrw=write\nfilesize=1m-4m\nnrfiles=4\ndirectory=DATA\n":                 false, // 16 MiB at most
		"[a]\nrw=write\nfilesize=1m-2m\nnrfiles=4\ndirectory=DATA\n":                 true,
		"[a]\nrw=write\nsize=3m\noffset_increment=3m\nnumjobs=4\nfilename=DATA/sh\n": false,
	} {
		if _, problems := h.check(job); (len(problems) == 0) != want {
			t.Errorf("%q: %+v", job, problems)
		}
	}
}

func TestPolicyNamesDevicesByWhatStays(t *testing.T) {
	for id, want := range map[string]string{
		"/dev/disk/by-id/nvme-x": "", "serial:1": "", "wwn:0x5": "", "path:/dev/loop0": "",
		"/dev/sdb": "kernel names change", "sdb": "want /dev/disk", "serial:": "want", "wwn:": "want",
	} {
		err := Policy{Devices: []Device{{ID: id}}}.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, dir := range []string{"/", "/etc", "relative", "/var/lib/", "/a/../b"} {
		if err := (Policy{Directories: []string{dir}}).Validate(); err == nil {
			t.Errorf("directory %q is accepted", dir)
		}
	}
}

func TestAWWNMatchesHoweverItIsWritten(t *testing.T) {
	s := blocktest.Open(t, "../block/testdata/server.tree")
	for id, name := range map[string]string{
		"wwn:0x55cd2e414d000001": "sda", "wwn:naa.55CD2E414D000001": "sda",
		"wwn:eui.01000000010000005cd2e4e45ff35051": "nvme0n1",
	} {
		d, err := s.Device(name)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := (Device{ID: id}).Matches(s, d); err != nil || !ok {
			t.Errorf("%s does not mean %s: %v", id, name, err)
		}
	}
	part, err := s.Device("sda1")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := (Device{ID: "serial:PHYF001", Destructive: true}).Matches(s, part); ok {
		t.Error("the serial number of a disk allows its partitions")
	}
}

func TestHoldKeepsADeviceAndFindsItBusy(t *testing.T) {
	dev := loopDevice(t)
	g := Grant{Holds: []string{dev}}
	release, err := g.Hold()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Hold(); !errors.Is(err, ErrBusy) {
		t.Fatalf("held twice: %v", err)
	}
	// fio, which opens plainly, is not hindered.
	f, err := os.OpenFile(dev, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	release()
	release2, err := g.Hold()
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	release2()
}

func TestALoopDeviceIsJudgedLive(t *testing.T) {
	dev := loopDevice(t)
	g, err := New(Policy{Devices: []Device{{ID: "path:" + dev, Destructive: true}}}, block.System{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := job.Parse("j", fmt.Appendf(nil, "[a]\nrw=write\nfilename=%s\n", dev), job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	grant, problems, err := g.Check(Request{File: file, WorkDir: "/", Scratch: "/nowhere"})
	if err != nil || len(problems) > 0 || len(grant.Holds) != 1 {
		t.Fatalf("%+v, %+v, %v", grant, problems, err)
	}
}

// FuzzGuard: whatever the parser accepts, the guard lets through only what is
// in the folder, on an allowed device, or nothing.
func FuzzGuard(f *testing.F) {
	jobs, err := filepath.Glob("testdata/hostile/*.fio")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range jobs {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("[a]\nrw=write\nsize=1m\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := job.Parse("j", []byte(text), job.Config{})
		if err != nil {
			return
		}
		data := t.TempDir()
		g, err := New(Policy{Directories: []string{data}}, block.System{Root: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		grant, problems, err := g.Check(Request{File: file, WorkDir: data, Scratch: "/scratch"})
		if err != nil || len(problems) > 0 {
			return
		}
		if len(grant.Devices) > 0 {
			t.Fatalf("a device is granted: %+v", grant)
		}
		for _, j := range file.Jobs() {
			touches, _ := j.Touches()
			for _, touch := range touches {
				at := touch.Path
				if !filepath.IsAbs(at) {
					at = filepath.Join(data, at)
				}
				if at = filepath.Clean(at); !within(at, data) && !within(at, "/scratch") && !touch.IfSpecial {
					t.Fatalf("%s is granted", touch.Path)
				}
			}
		}
	})
}

// Jobs that fio runs, and that were once refused for what is nothing to them.
func TestWhatFioAcceptsIsNotRefused(t *testing.T) {
	jobs, err := filepath.Glob("testdata/accepted/*.fio")
	if err != nil || len(jobs) == 0 {
		t.Fatalf("%v %v", jobs, err)
	}
	for _, path := range jobs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, problems := newHost(t).check(string(text)); len(problems) > 0 {
			t.Errorf("%s: %+v", path, problems)
		}
	}
}
