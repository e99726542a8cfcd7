package hoststat

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/fiord-bench/fiord/host/block"
)

func TestDiskTimesAreMeansSinceTheLastLook(t *testing.T) {
	sys := block.System{Root: t.TempDir()}
	plant(t, sys.Root, "sys/block/sda/stat", "100 0 800 50 10 0 80 100 0 0 0\n") // an old kernel
	plant(t, sys.Root, "sys/block/sdb/stat", "0 0 0 0 0 0 0 0 0 0 0 7 0 0 70 0 0\n")
	d := NewDiskTimes(sys, []string{"sda", "sdb", "gone"})
	if got := d.Since(); len(got) != 0 {
		t.Fatalf("idle disks take %v", got)
	}
	plant(t, sys.Root, "sys/block/sda/stat", "1100 0 8800 550 10 0 80 100 0 0 0\n")
	plant(t, sys.Root, "sys/block/sdb/stat", "1000 0 0 500 0 0 0 0 0 0 0 9 0 0 80 0 0\n")
	want := map[string]float64{"read": 0.5e6, "trim": 5e6}
	if got := d.Since(); !maps.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	plant(t, sys.Root, "sys/block/sda/stat", "damaged")
	plant(t, sys.Root, "sys/block/sdb/stat", "1 0 0 1 0 0 0 0\n") // plugged in anew
	if got := d.Since(); len(got) != 0 {
		t.Fatalf("counters that went back give %v", got)
	}
}

func BenchmarkDiskTimes(b *testing.B) {
	disks, err := block.System{}.Devices()
	if err != nil || len(disks) == 0 {
		b.Skip("no disk here")
	}
	d := NewDiskTimes(block.System{}, []string{disks[0].Name})
	for b.Loop() {
		d.Since()
	}
}

func plant(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}
