package guard

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// roomFor makes every file system one with so many bytes and inodes left.
func (h *host) roomFor(bytes, inodes uint64) {
	h.Guard.room = func(string) (Room, error) { return Room{Bytes: bytes, Inodes: inodes}, nil }
}

// Jobs that filled a small file system to its last byte, and jobs that were
// refused for many times what they write.
func TestWhatIsCountedIsWhatFioWrites(t *testing.T) {
	const mib = 1 << 20
	for name, tc := range map[string]struct {
		there     int64 // bytes of a.bin
		free      uint64
		refused   bool
		bytes     uint64 // counted, without metadata
		unbounded string
	}{
		"many.fio":   {free: 300 * mib, refused: true},
		"app.fio":    {free: 300 * mib, bytes: 60 * mib},
		"iolog.fio":  {free: 300 * mib, bytes: mib, unbounded: "a line for each I/O"},
		"four.fio":   {free: 21 << 10 * mib, bytes: 20 << 10 * mib},
		"shared.fio": {free: 41 << 10 * mib, bytes: 40 << 10 * mib},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata/space", name))
			if err != nil {
				t.Fatal(err)
			}
			h := newHost(t)
			h.Guard.policy.MinFree = 100 * mib
			h.roomFor(tc.free, 1000)
			grant, problems := h.check(string(text))
			if tc.refused != slices.Contains(rules(problems), RuleSpace) {
				t.Fatalf("%+v", problems)
			}
			if tc.refused {
				return
			}
			if len(grant.Space) != 1 {
				t.Fatalf("%+v", grant.Space)
			}
			s := grant.Space[0]
			if s.Bytes < tc.bytes || s.Bytes > tc.bytes+tc.bytes/metadata+mib || !strings.Contains(s.Unbounded, tc.unbounded) || tc.unbounded == "" && s.Unbounded != "" {
				t.Errorf("counted %+v, want %d bytes and %q", s, tc.bytes, tc.unbounded)
			}
		})
	}
}

// Each run of such a job adds to what the last one left.
func TestAppendedFilesGrowWithEachRun(t *testing.T) {
	text, err := os.ReadFile("testdata/space/app.fio")
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t)
	h.Guard.policy.MinFree = 100 << 20
	const all, each = 300 << 20, 60 << 20
	used := uint64(0)
	for run := range 5 {
		h.roomFor(all-used, 1000)
		_, problems := h.check(string(text))
		if refused := len(problems) > 0; refused != (run >= 3) {
			t.Fatalf("run %d: %+v", run+1, problems)
		}
		used += each
		writeFile(t, filepath.Join(h.data, "a.bin"), int(used))
	}
}

func writeFile(t *testing.T, path string, size int) {
	t.Helper()
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSpaceOfJobsThatShareTheirFiles(t *testing.T) {
	h := newHost(t)
	h.roomFor(10<<20, 1000) // of which 1 MiB and 10 inodes stay free
	h.Guard.policy.MinFreeInodes = 10
	writeFile(t, filepath.Join(h.data, "there"), 4<<20)
	if err := os.WriteFile(filepath.Join(h.data, "sparse"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(h.data, "sparse"), 20<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(h.data, "there"), filepath.Join(h.data, "linked")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(h.data, "own"), 4<<20)
	for text, fits := range map[string]bool{
		"[a]\nrw=write\nsize=8m\nfilename=x\n[b]\nstonewall\nrw=read\nsize=8m\nfilename=./x\n":       true,
		"[a]\nrw=write\nsize=8m\nfilename=x\n[b]\nrw=write\nsize=8m\nfilename=y\n":                   false,
		"[a]\nrw=write\nsize=8m\nfilename=x:y\n":                                                     true,  // 4 MiB each
		"[a]\nrw=write\nfilesize=8m\nfilename=x:y\n":                                                 false, // each
		"[global]\nfilename=x\n[a]\nrw=write\nfilesize=8m\nfilename=y\n":                             false, // names add up
		"[a]\nrw=write\nsize=8m\nfilename_format=same\nnumjobs=4\n":                                  true,
		"[a]\nrw=write\nsize=8m\nfilename_format=$filenum\nnumjobs=4\nnrfiles=4\n":                   true,
		"[a]\nrw=write\nsize=3m\nnumjobs=4\ndirectory=DATA/sub:DATA\n":                               false,
		"[a]\nrw=write\nsize=4m\noffset=4m\nfilename=x\n":                                            true,
		"[a]\nrw=write\nsize=4m\noffset=8m\nfilename=x\n":                                            false,
		"[a]\nrw=write\nsize=12m\nfilename=own\n":                                                    true,  // 4 are there
		"[a]\nrw=write\nsize=12m\nfilename=linked\n":                                                 false, // fio lays a new one out, and the old one stays
		"[a]\nrw=write\nsize=100%\nfilename=own\n":                                                   true,
		"[a]\nrw=write\nsize=100%\nfilename=sparse\n":                                                false, // the holes are filled
		"[a]\nrw=write\nsize=4m\nfilename=own\nfile_append=1\n":                                      true,
		"[a]\nrw=write\nsize=4m\nfilename=own\nfile_append=1\nnumjobs=3\n":                           false,
		"[a]\nrw=write\nfilesize=1m\nnrfiles=100\n":                                                  false,
		"[a]\nrw=write\nfilesize=4k\nnrfiles=990\n":                                                  true,
		"[a]\nrw=write\nfilesize=4k\nnrfiles=1000\n":                                                 false, // inodes
		"[a]\nioengine=filecreate\nfilesize=1m\nnrfiles=100\n":                                       true,  // empty ones
		"[a]\nioengine=null\nrw=write\nsize=1t\n":                                                    true,
		"[a]\nrw=write\nsize=1m\nwrite_iolog=t\nbs=512\nloops=200\n":                                 false, // a line for each I/O
		"[a]\nrw=read\nsize=1m\nwrite_lat_log=t\nbs=512\nloops=200\n":                                false,
		"[a]\nrw=read\nsize=1m\nwrite_lat_log=t\nlog_avg_msec=500\ntime_based\nruntime=60\n":         true,
		"[a]\nrw=write\nsize=8m\ncreate_only=1\n":                                                    true,
		"[a]\nrw=write\nsize=12m\ncreate_only=1\n":                                                   false,
		"[a]\nrw=write\nsize=12m\ncreate_on_open=1\noverwrite=1\n":                                   false,
		"[a]\nrw=write\nfilesize=2m:12m\nfilename=x\n":                                               false,
		"[a]\nioengine=e4defrag\ninplace=0\nrw=write\nsize=6m\nfilename=x\ndonorname=DATA/d\n":       false, // the donor is as large
		"[a]\nrw=write\nsize=1m\nverify=md5\niodepth=64\n":                                           true,
		"[a]\nrw=write\nsize=3m\noffset_increment=3m\nnumjobs=4\nfilename=x\n":                       false,
		"[a]\nrw=write\nsize=3m\noffset_increment=50%\nnumjobs=4\nfilename=x\n":                      false,
		"[a]\nrw=randread\nsize=8m\nfilename=x\n[b]\nrw=write\nioengine=null\nsize=8m\nfilename=y\n": true,
	} {
		if _, problems := h.check(text); (len(problems) == 0) != fits {
			t.Errorf("%q: %+v", text, problems)
		}
	}
}
