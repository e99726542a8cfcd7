package job

import (
	"strings"
	"testing"
)

func TestDemandIsTheLargestSumOfJobsSideBySide(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name, src string
		need      func(Demand) Need
		low, high int64
		line      int
		option    string
	}{
		{"copies", "[a]\nnumjobs=3\n[b]\nnumjobs=4\n", jobs, 7, 7, 4, "numjobs"},
		{"behind a stonewall", "[a]\nnumjobs=3\n[b]\nstonewall\nnumjobs=4\n", jobs, 4, 4, 5, "numjobs"},
		{"one copy", "[a]\nrw=read\n", jobs, 1, 1, 1, ""},
		{"depth", "[a]\nbs=4k\niodepth=65536\n", memory, 256 * mib, 600 * mib, 3, "iodepth"},
		{"blocks", "[a]\niodepth=4\nbs=1g\n", memory, 4096 * mib, 4100 * mib, 3, "bs"},
		{"blocks of a split", "[a]\niodepth=4\nbssplit=4k/50:1g/50\n", memory, 4096 * mib, 4100 * mib, 3, "bssplit"},
		{"copies of blocks", "[a]\niodepth=16\nbs=1m\nnumjobs=64\n", memory, 1024 * mib, 1200 * mib, 3, "bs"},
		{"a table for verify", "[a]\nrw=write\nsize=1g\nbs=512\nverify=md5\n", memory, 96 * 2 * mib, 300 * mib, 5, "verify"},
		{"a log of each I/O", "[a]\nrw=write\nsize=1g\nbs=512\nwrite_lat_log\n", memory, 300 * mib, 500 * mib, 3, "size"},
		{"files", "[a]\nnrfiles=1000\nnumjobs=2\nsize=1m\n", files, 2000, 2100, 2, "nrfiles"},
		{"some of the files", "[a]\nnrfiles=1000\nopenfiles=10\nsize=1m\n", files, 10, 50, 2, "nrfiles"},
		{"named files", "[a]\nfilename=x:y:z\nnumjobs=2\nsize=1m\n", files, 6, 50, 1, ""},
		{"time", "[a]\nruntime=1h\ntime_based\n[b]\nstonewall\nruntime=2h\ntime_based\n", duration, 3 * 3600, 3 * 3600, 6, "runtime"},
		{"a delay", "[a]\nstartdelay=1d\nruntime=1\n", duration, 86401, 86401, 2, "startdelay"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := c.need(parse(t, c.src).Demand())
			if n.Count < c.low || n.Count > c.high || n.Pos.Line != c.line || n.Option != c.option || n.Unknown != "" {
				t.Errorf("%+v, want %d to %d by %s of line %d", n, c.low, c.high, c.option, c.line)
			}
		})
	}
	if n := parse(t, "[a]\nbs=x\n").Demand().Memory; !strings.Contains(n.Unknown, "bs=x") {
		t.Errorf("what cannot be read is no memory: %+v", n)
	}
}

func jobs(d Demand) Need     { return d.Jobs }
func memory(d Demand) Need   { return d.Memory }
func files(d Demand) Need    { return d.OpenFiles }
func duration(d Demand) Need { return d.Duration }
