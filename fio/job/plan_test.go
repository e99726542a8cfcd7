package job

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPlanAddsUpWhatRunsInTurn(t *testing.T) {
	for _, c := range []struct {
		src  string
		want Plan
	}{
		{"[global]\ntime_based\nruntime=10\nramp_time=2s\n[a]\n[b]\nruntime=20\n[c]\nstonewall\nstartdelay=500ms\n",
			Plan{Duration: 34 * time.Second, Exact: true} /* a start delay counts from when fio began */},
		{"[a]\nruntime=1m\nsize=1g\n", Plan{Duration: time.Minute}},
		{"[a]\nsize=1g\n[b]\nruntime=5\ntime_based\n", Plan{Duration: 5 * time.Second, Unknown: []string{"job a: no runtime"}}},
		{"[a]\nruntime=5\ntime_based\nrw=write\nverify=crc32c\n", Plan{Duration: 5 * time.Second, Unknown: []string{"job a: verification runs after the load, for as long as it takes"}}},
		{"[a]\nruntime=1m30s\n", Plan{Unknown: []string{`job a: time "1m30s": unknown unit "m30s"; fio takes one of us, ms, s, m, h, d`}}},
	} {
		if diff := cmp.Diff(c.want, parse(t, c.src).Plan()); diff != "" {
			t.Errorf("%q: %s", c.src, diff)
		}
	}
}

func TestParseSizeReadsUnitsAsFioDoes(t *testing.T) {
	for _, c := range []struct {
		in   string
		base int64
		want Size
	}{
		{"4k", 1024, Size{Bytes: 4096}}, {"4KB", 1024, Size{Bytes: 4096}}, {"4kib", 1024, Size{Bytes: 4000}},
		{"4k", 1000, Size{Bytes: 4000}}, {"4KiB", 1000, Size{Bytes: 4096}}, {"1g", 1024, Size{Bytes: 1 << 30}},
		{"0x1000", 1024, Size{Bytes: 4096}}, {"512b", 1024, Size{Bytes: 512}}, {"50%", 1024, Size{Percent: 50}}, {"0%", 1024, Size{}},
		{"3z", 1024, Size{Zones: 3}}, {"-1", 1024, Size{Bytes: -1}}, {"2p", 1024, Size{Bytes: 2 << 50}},
	} {
		if got, err := ParseSize(c.in, c.base); err != nil || got != c.want {
			t.Errorf("%s at %d: %+v, %v; want %+v", c.in, c.base, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "k", "4x", "4kx", "101%", "-1%", "99999999p", "99999999999999999999",
		"1m-4m", "4k,8k", "4k:8k", "4k,", "4k/2", "1z:2", "5%-9%"} {
		if got, err := ParseSize(bad, 1024); err == nil {
			t.Errorf("%q: taken for %+v", bad, got)
		}
	}
}

func TestBytesIsReadBack(t *testing.T) {
	for _, n := range []int64{0, 1, 1023, 1024, 1536, 4096, 1 << 30, 3 << 40, 12345678} {
		if got, err := ParseSize(Bytes(n), 1024); err != nil || got.Bytes != n {
			t.Errorf("%d is written %s and read %v, %v", n, Bytes(n), got, err)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"4k", "1.5g", "0x10", "50%", "-3", "9223372036854775807p"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if size, err := ParseSize(s, 1024); err == nil && size.Bytes > 0 {
			if back, err := ParseSize(Bytes(size.Bytes), 1024); err != nil || back.Bytes != size.Bytes {
				t.Fatalf("%q: %d, back %v %v", s, size.Bytes, back, err)
			}
		}
		if d, err := ParseTime(s, time.Second); err == nil && d < 0 {
			t.Fatalf("%q: negative time %v", s, d)
		}
	})
}
