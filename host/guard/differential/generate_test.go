package differential

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator draws job files.
type generator struct {
	*rand.Rand
	table  *table
	engine string // of the job file at hand, mostly
}

// pools are values for options where anything else would be refused at once,
// take minutes, or take the machine's memory. What is in them is chosen to get
// at what the guard decides: names, sizes, and how often.
var pools = map[string][]string{
	"filename":                {"a", "a:b:c", "d1/a", "new/deep/a", "seed", "old", "sparse", "a\\:b", "DIR/a", "ln/a", "old:a", "full/one:full/three", ".", "d1"},
	"directory":               {"d1", "d1:d2", "DIR/d2", "full", "ln", ".", "d1", "d2"},
	"filename_format":         {"$jobname.$jobnum.$filenum", "f.$filenum", "$jobnum/$filenum", "same", "d2/$jobname$filenum", "$JOBNAME-$filenum-$clientuid"},
	"opendir":                 {"full", "d1", "."},
	"size":                    {"4k", "8k", "16k", "64k", "100000", "50%", "100%", "1%", "0", "12k-64k", "8192", "1z"},
	"io_size":                 {"4k", "32k", "128k", "50%", "100%"},
	"filesize":                {"4k", "16k-32k", "64k", "8k:24k", "0-8k", "4096"},
	"offset":                  {"0", "4k", "16k", "0%", "10%", "50%", "100%"},
	"offset_increment":        {"4k", "8k", "10%", "50%", "0"},
	"offset_align":            {"0", "512", "4096", "8k"},
	"bs":                      {"4k", "512", "1k", "8k,4k", "64k", "3000", ",8k", "4k,,2k", "1m"},
	"ba":                      {"512", "4k", "8k"},
	"bsrange":                 {"512-4k", "1k-8k,4k-4k", "4k-64k", "1k-2k,,4k-8k"},
	"bssplit":                 {"4k/50:8k/50", "512/10:4k/:16k/", "4k/100,8k/100", "64k/20:4k/80"},
	"nrfiles":                 {"1", "2", "3", "7", "20"},
	"openfiles":               {"1", "2", "5"},
	"numjobs":                 {"1", "2", "3", "4"},
	"iodepth":                 {"1", "2", "8", "32"},
	"loops":                   {"1", "2", "3"},
	"number_ios":              {"1", "10", "100"},
	"runtime":                 {"1", "2", "500ms"},
	"timeout":                 {"1", "2"},
	"ramp_time":               {"0", "1", "200ms"},
	"startdelay":              {"0", "1", "100ms-300ms"},
	"thinktime":               {"0", "10", "1000"},
	"fsync":                   {"0", "1", "8"},
	"fdatasync":               {"0", "1", "8"},
	"write_iolog":             {"trace", "d1/trace", "SCRATCH/trace"},
	"write_bw_log":            {"log", "d1/log", "SCRATCH/log", ""},
	"write_lat_log":           {"log", "SCRATCH/log", ""},
	"write_iops_log":          {"log", "SCRATCH/log", ""},
	"write_hist_log":          {"log", "SCRATCH/log", ""},
	"log_avg_msec":            {"0", "10", "100"},
	"log_hist_msec":           {"10", "100"},
	"zonesize":                {"0", "4k", "16k"},
	"zonerange":               {"4k", "16k", "32k"},
	"zoneskip":                {"0", "4k", "8k"},
	"verify_interval":         {"512", "4096", "0"},
	"verify_backlog":          {"0", "1", "16"},
	"verify_async":            {"0", "1", "2"},
	"rate":                    {"1m", "64k", "10m,1m"},
	"rate_iops":               {"100", "1000", "50,500"},
	"rate_min":                {"1", "1k"},
	"steadystate":             {"iops:10%", "bw_slope:1%"},
	"ss_dur":                  {"1"},
	"lockmem":                 {"0", "64k"},
	"mem":                     {"malloc", "shm", "mmap", "mmapshared"},
	"buffer_pattern":          {"0xdead", "'seed'", "\"ab\"", "%o"},
	"verify_pattern":          {"0xdeadbeef", "%o", "'seed'"},
	"ioengine":                {"psync", "sync", "pvsync", "vsync", "libaio", "io_uring", "posixaio", "mmap", "splice", "falloc", "ftruncate", "filecreate", "filestat", "filedelete", "null", "pvsync2", "e4defrag"},
	"wait_for":                {"one", "two", "three"},
	"name":                    {"renamed", "d1/n"},
	"num_range":               {"1", "2", "8"},
	"gtod_cpu":                {"0"},
	"cpus_allowed":            {"0", "0-1"},
	"nice":                    {"0", "5"},
	"prioclass":               {"0", "2"},
	"hugepage-size":           {"2m", "4m"},
	"max_open_zones":          {"0", "2"},
	"rate_cycle":              {"100", "1000"},
	"thinktime_blocks":        {"1", "16"},
	"log_entries":             {"1024", "4096"},
	"log_max_value":           {"0", "1"},
	"sync_file_range":         {"write:4", "wait_before,write:2"},
	"flow_sleep":              {"10", "100"},
	"iodepth_batch":           {"1", "4"},
	"latency_window":          {"100ms", "1"},
	"rw":                      {"read", "write", "randread", "randwrite", "rw", "randrw", "trim", "randtrim", "trimwrite", "write:4k", "read:2", "randwrite:8", "rw:4k", "write:-4k"},
	"random_distribution":     {"random", "zipf:1.1", "pareto:0.9", "normal:10", "zoned:50/10:50/90", "zipf:1.2:0.5", "zoned_abs:50/4k:50/8k"},
	"file_service_type":       {"random", "roundrobin", "sequential", "zipf:1.2", "gauss:10", "normal"},
	"sync":                    {"0", "1", "none", "sync", "dsync"},
	"zonecapacity":            {"0", "4k", "8k"},
	"trim_backlog":            {"0", "1", "8"},
	"donorname":               {"donor", "d1/donor"},
	"inplace":                 {"0", "1"},
	"verify_offset":           {"0", "64"},
	"log_compression":         {"64k"},
	"significant_figures":     {"1", "4"},
	"randseed":                {"1", "99"},
	"max_latency":             {"1s", "10s"},
	"replay_align":            {"512"},
	"block_error_percentiles": {"0", "1"},
}

// wild options are drawn now and then only: nearly all that they lead to is
// refused, by the guard or by fio.
var wild = map[string]bool{
	"profile": true, "read_iolog": true, "replay_redirect": true, "exec_prerun": true, "exec_postrun": true,
	"ioscheduler": true, "cgroup": true, "cgroup_weight": true, "cgroup_nodelete": true, "uid": true, "gid": true, "clientname": true,
	"fill_device": true, "zonemode": true, "client_url": true, "numa_cpu_nodes": true, "numa_mem_policy": true,
}

// common options are drawn more often: they decide what is touched and how much.
var common = strings.Fields(`filename directory filename_format size filesize offset offset_increment nrfiles numjobs
	rw rw bs bsrange bssplit io_size loops file_append write_iolog write_bw_log write_lat_log log_avg_msec verify
	overwrite unlink create_on_open create_only fallocate time_based runtime stonewall new_group fsync ioengine ioengine
	iodepth openfiles allow_file_create unlink_each_loop file_service_type direct zonesize zonerange zoneskip
	name verify_state_save do_verify norandommap thread end_fsync create_serialize pre_read bs_unaligned
	percentage_random random_distribution number_ios write_hist_log per_job_logs opendir`)

func (g *generator) pick(list []string) string { return list[g.IntN(len(list))] }

// job draws one job file.
func (g *generator) job() string {
	var b strings.Builder
	g.engine = "psync"
	b.WriteString("[global]\ndisk_util=0\n")
	if g.IntN(2) == 0 {
		g.engine = g.pick(pools["ioengine"])
		fmt.Fprintf(&b, "ioengine=%s\n", g.engine)
	}
	if g.IntN(10) > 0 {
		fmt.Fprintf(&b, "size=%s\n", g.pick([]string{"8k", "16k", "64k", "256k"}))
	}
	for range g.IntN(4) {
		b.WriteString(g.line())
	}
	names := []string{"one", "two", "three"}
	for _, name := range names[:1+g.IntN(3)] {
		fmt.Fprintf(&b, "[%s]\n", name)
		for range 1 + g.IntN(6) {
			b.WriteString(g.line())
		}
		if g.IntN(12) == 0 {
			b.WriteString("[global]\n" + g.line())
		}
	}
	return b.String()
}

// line draws an option and a value.
func (g *generator) line() string {
	o := option{name: g.pick(common)}
	if g.IntN(4) == 0 {
		o = g.table.names[g.IntN(len(g.table.names))]
	}
	if list := g.table.of[g.engine]; len(list) > 0 && g.IntN(10) == 0 {
		o = list[g.IntN(len(list))]
	}
	if wild[o.name] && g.IntN(20) > 0 {
		return "rw=write\n"
	}
	value := g.value(o)
	if value == "" {
		return o.name + "\n"
	}
	return o.name + "=" + value + "\n"
}

// value draws a value of the form that fio says an option has.
func (g *generator) value(o option) string {
	if pool := pools[o.name]; pool != nil && g.IntN(200) > 0 {
		return g.pick(pool)
	}
	o = g.table.detail(o)
	if len(o.values) > 0 && g.IntN(100) > 0 {
		return g.pick(o.values)
	}
	switch {
	case strings.Contains(o.name, "percent"), strings.HasPrefix(o.name, "rwmix"):
		return g.pick([]string{"0", "1", "30", "50", "100"})
	case strings.Contains(o.kind, "empty or boolean"):
		return g.pick([]string{"", "0", "1"})
	case strings.Contains(o.kind, "boolean"):
		return g.pick([]string{"0", "1"})
	case strings.Contains(o.kind, "time postfix"):
		return g.pick([]string{"0", "1", "100ms", "500us", "1s"})
	case strings.Contains(o.kind, "range"):
		return g.pick([]string{"512-4k", "4k-8k"})
	case strings.Contains(o.kind, "floating point"):
		return g.pick([]string{"1", "50", "0.1:99.9", "0.5"})
	case strings.Contains(o.kind, "integer"):
		return g.pick([]string{"0", "1", "2", "3", "10", "100", "512", "4k", "-1"})
	case strings.Contains(o.kind, "k/m/g"):
		return g.pick([]string{"512", "4k", "64k"})
	}
	return g.pick([]string{"a", "1", "x:y", "4k", "50%", "SCRATCH/s", "d1/s"})
}
