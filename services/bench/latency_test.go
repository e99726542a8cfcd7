package bench

import (
	"maps"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/block"
)

func TestDiskTimesAreMeansSinceTheLastLook(t *testing.T) {
	sys := block.System{Root: t.TempDir()}
	plant(t, sys.Root, "sys/block/sda/stat", "100 0 800 50 10 0 80 100 0 0 0\n") // an old kernel
	plant(t, sys.Root, "sys/block/sdb/stat", "0 0 0 0 0 0 0 0 0 0 0 7 0 0 70 0 0\n")
	d := newDiskTimes(sys, []string{"sda", "sdb", "gone"})
	if got := d.since(); len(got) != 0 {
		t.Fatalf("idle disks take %v", got)
	}
	plant(t, sys.Root, "sys/block/sda/stat", "1100 0 8800 550 10 0 80 100 0 0 0\n")
	plant(t, sys.Root, "sys/block/sdb/stat", "1000 0 0 500 0 0 0 0 0 0 0 9 0 0 80 0 0\n")
	want := map[string]float64{"read": 0.5e6, "trim": 5e6}
	if got := d.since(); !maps.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	plant(t, sys.Root, "sys/block/sda/stat", "damaged")
	plant(t, sys.Root, "sys/block/sdb/stat", "1 0 0 1 0 0 0 0\n") // plugged in anew
	if got := d.since(); len(got) != 0 {
		t.Fatalf("counters that went back give %v", got)
	}
}

func TestProgressShowsLatencyOfADisk(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{
		"[a]\nrw=randwrite\nbs=4k\nsize=4m\ndirect=1\ntime_based\nruntime=6\nrate_iops=200\n",
	}})
	live := w.live(list, func(p events.Progress) bool { return p.LatencyNS["write"] > 0 })
	if ms := live.LatencyNS["write"] / 1e6; live.IOPS["write"] <= 0 || ms > float64(time.Second.Milliseconds()) {
		t.Errorf("progress %+v", live)
	}
	ended[events.RunCompleted](t, w.end(list.Runs[0]))
}

func BenchmarkDiskTimes(b *testing.B) {
	disks, err := block.System{}.Devices()
	if err != nil || len(disks) == 0 {
		b.Skip("no disk here")
	}
	d := newDiskTimes(block.System{}, []string{disks[0].Name})
	for b.Loop() {
		d.since()
	}
}
