package job

// engine says what an I/O engine does to the names it is given.
type engine struct {
	files  bool   // opens files or devices
	net    bool   // talks to another machine
	always Access // done to the files whatever rw says
	empty  bool   // makes names, and writes nothing into them, not even when laying out
}

// engines are the engines that fio is built with. Any other name makes fio load
// a library of that name.
var engines = map[string]engine{
	"null": {}, "cpuio": {}, "exec": {},

	"sync": {files: true}, "psync": {files: true}, "vsync": {files: true},
	"pvsync": {files: true}, "pvsync2": {files: true}, "libaio": {files: true},
	"io_uring": {files: true}, "posixaio": {files: true}, "mmap": {files: true},
	"splice": {files: true}, "solarisaio": {files: true}, "windowsaio": {files: true},
	"guasi": {files: true}, "pmemblk": {files: true}, "libpmem": {files: true},
	"dev-dax": {files: true}, "libcufile": {files: true}, "libhipfile": {files: true},
	"ime_psync": {files: true}, "ime_psyncv": {files: true}, "ime_aio": {files: true},

	// Pass-through engines speak to the device below the block layer.
	"sg": {files: true}, "bsg": {files: true}, "io_uring_cmd": {files: true},
	"mtd": {files: true}, "libzbc": {files: true}, "xnvme": {files: true}, "libblkio": {files: true},

	// Engines that create, change or delete files whatever the direction.
	"falloc":     {files: true, always: Write},
	"ftruncate":  {files: true, always: Write},
	"e4defrag":   {files: true, always: Write},
	"filecreate": {files: true, always: Create | Write, empty: true},
	"filestat":   {files: true, always: Create},
	"filedelete": {files: true, always: Create | Delete},
	"dircreate":  {files: true, always: Create, empty: true},
	"dirstat":    {files: true, always: Create, empty: true},
	"dirdelete":  {files: true, always: Create | Delete, empty: true},

	"net": {net: true}, "netsplice": {net: true}, "rdma": {net: true},
	"gfapi": {net: true}, "gfapi_async": {net: true}, "rados": {net: true},
	"rbd": {net: true}, "nbd": {net: true}, "nfs": {net: true}, "http": {net: true},
	"libhdfs": {net: true}, "libiscsi": {net: true}, "dfs": {net: true},
	"librpma_apm_client": {net: true}, "librpma_apm_server": {net: true},
	"librpma_gpspm_client": {net: true}, "librpma_gpspm_server": {net: true},
}

// modes are the directions and what each does to its target.
var modes = map[string]Access{
	"read": Read, "randread": Read,
	"write": Write, "randwrite": Write,
	"rw": Read | Write, "readwrite": Read | Write, "randrw": Read | Write,
	"trim": Trim, "randtrim": Trim,
	"trimwrite": Trim | Write, "randtrimwrite": Trim | Write,
}

// KnownEngine tells whether fio has the engine built in.
func KnownEngine(name string) bool {
	_, ok := engines[engineName(name)]
	return ok
}
