package job

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// need finds a program or skips; in CI its absence is a failure.
func need(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("%s is missing: apt-get install %s", program, pkg)
	default:
		t.Skipf("%s is missing: apt-get install %s", program, pkg)
	}
	return path
}

// What fio does must be among what Touches said: the guard that keeps disks from
// harm relies on it. Each job runs under strace in a folder of its own.
func TestFioTouchesNothingThatTouchesDoesNotName(t *testing.T) {
	if testing.Short() {
		t.Skip("runs fio some sixty times")
	}
	fio, strace := need(t, "fio", "fio"), need(t, "strace", "strace")
	jobs := map[string]string{
		"plain":                "[j]\nrw=write\n",
		"read lays out":        "[j]\nrw=read\nfilename=lay\n",
		"list and escapes":     "[j]\nrw=write\nfilename=a\\:b:c::d:\\:e\n",
		"global and job":       "[global]\nfilename=g\n[j]\nrw=write\nfilename=h\n",
		"global file, own dir": "[global]\nfilename=g\n[j]\nrw=write\ndirectory=d1\n",
		"twice":                "[j]\nrw=write\nfilename=a\nfilename=b\ndirectory=d1\n",
		"directories":          "[j]\nrw=write\ndirectory=d1:d2\nnumjobs=3\nnrfiles=2\n",
		"dir and file":         "[j]\nrw=write\ndirectory=d1:d2\nfilename=x\nnumjobs=2\n",
		"directory twice":      "[j]\nrw=write\ndirectory=d1\ndirectory=d2\n",
		"file before dir":      "[j]\nrw=write\nfilename=x\ndirectory=d1\n",
		"format":               "[j]\nrw=write\nfilename_format=$jobname-$JOBNUM.$filenum.$jobnum\nnumjobs=2\n",
		"format with folders":  "[j]\nrw=write\nfilename_format=n/$jobname/$filenum\n",
		"absolute section":     "[TMP/abs]\nrw=write\n",
		"named after a device": "[/dev/null]\nrw=read\n",
		"renamed":              "[j]\nrw=write\nname=other\nwrite_bw_log\n",
		"new folders":          "[j]\nrw=write\nfilename=n1/n2/f\n",
		"pattern":              "[j]\nrw=write\nbuffer_pattern='TMP/seed'\n",
		"memory file":          "[j]\nrw=write\nmem=mmap:TMP/mem\n",
		"logs":                 "[j]\nrw=write\nnumjobs=2\nwrite_bw_log=l\nwrite_lat_log=l\nwrite_iops_log\nwrite_hist_log=h\nlog_hist_msec=10\n[k]\nwrite_bw_log=l\n",
		"one log":              "[j]\nrw=write\nper_job_logs=0\nwrite_bw_log=l\n",
		"packed log":           "[j]\nrw=write\nwrite_bw_log=l\nlog_compression=16k\nlog_store_compressed=1\n",
		"commands":             "[j]\nrw=write\nexec_prerun=touch pre\nexec_postrun=true\n",
		"computed":             "[j]\nrw=write\nsize=$pagesize*2\n",
		"exec":                 "[j]\nioengine=exec\nprogram=/bin/true\ntime_based\nruntime=1\nstd_redirect=1\n",
		"write trace":          "[j]\nrw=write\nwrite_iolog=trace\n",
		"null":                 "[j]\nioengine=null\nrw=randrw\nfilename=TMP/never\n",
		"null that unlinks":    "[j]\nioengine=null\nrw=write\nfilename=TMP/seed\nunlink=1\n",
		"null that verifies":   "[j]\nioengine=null\nrw=write\nfilename=TMP/never\nverify=crc32c\nverify_state_save=0\n",
		"null that creates":    "[j]\nioengine=null\nrw=write\nfilename=TMP/never\ncreate_only=1\n",
		"null overwriting":     "[j]\nioengine=null\nrw=write\nfilename=TMP/never\noverwrite=1\n",
		"null in folders":      "[j]\nioengine=null\nrw=write\nfilename=n1/n2\n",
		"null opening a tree":  "[j]\nioengine=null\nrw=write\nopendir=full\n",
		"cpu":                  "[j]\nioengine=cpuio\ncpuload=5\ntime_based\nruntime=1\n",
		"create":               "[j]\nioengine=filecreate\nnrfiles=2\nfilesize=4k\n",
		"delete":               "[j]\nioengine=filedelete\nnrfiles=2\nfilesize=4k\n",
		"stat":                 "[j]\nioengine=filestat\nnrfiles=2\nfilesize=4k\n",
		"truncate":             "[j]\nioengine=ftruncate\nrw=write\n",
		"unlink":               "[j]\nrw=write\nunlink=1\n",
		"verify":               "[j]\nrw=write\nverify=crc32c\nnumjobs=2\n[TMP/k]\nrw=write\nverify=md5\n",
		"opendir":              "[j]\nrw=read\nopendir=full\n",
		"missing library":      "[j]\nioengine=TMP/evil\nrw=read\n",
		"external":             "[j]\nioengine=external:TMP/evil.so\nrw=read\n",
		"semicolon in name":    "[j]\nrw=write\nfilename=a;b\n",
		"lock":                 "[j]\nrw=write\nlockfile=exclusive\nfilename=lf\n",
		"overwrite":            "[j]\nrw=write\noverwrite=1\nfilename=ow\n",
	}
	seed := uint64(7)
	if s := os.Getenv("FIORD_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatalf("FIORD_SEED: %v", err)
		}
	}
	rng := rand.New(rand.NewPCG(seed, 7))
	for i := range 16 {
		jobs[fmt.Sprintf("random %d", i)] = randomJob(rng)
	}
	for name, text := range jobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			traceJob(t, fio, strace, text)
		})
	}
}

// randomJob mixes options that name files.
func randomJob(rng *rand.Rand) string {
	options := []string{
		"filename=x", "filename=y:z", "directory=d1", "directory=d2:d1", "nrfiles=3", "numjobs=2",
		"filename_format=f.$jobnum.$filenum", "filename_format=$filenum$jobname", "write_bw_log=w", "unlink=1",
		"rw=write", "rw=randrw", "rw=read", "name=renamed", "write_iolog=io", "opendir=full", "stonewall",
		"ioengine=null", "ioengine=filecreate", "ioengine=mmap", "ioengine=filedelete", "ioengine=falloc",
		"overwrite=1", "create_on_open=1", "unlink_each_loop=1", "loops=2", "verify=md5", "allow_file_create=0",
		"lockfile=readwrite", "buffer_pattern='seed'", "file_append=1", "filesize=4k-8k", "fallocate=none",
		"create_only=1", "rw=randtrim", "thread", "write_hist_log=hh", "log_hist_msec=10", "per_job_logs=0", "exec_postrun=true",
	}
	var b strings.Builder
	for range 1 + rng.IntN(2) {
		for _, section := range []string{"[global]\n", "[one]\n", "[two]\n"} {
			if rng.IntN(4) == 0 && section != "[one]\n" {
				continue
			}
			b.WriteString(section)
			for range rng.IntN(9) {
				b.WriteString(options[rng.IntN(len(options))] + "\n")
			}
		}
	}
	return b.String()
}

// traceJob runs a job file and checks what it opened.
func traceJob(t *testing.T, fio, strace, text string) {
	dir := t.TempDir()
	for _, d := range []string{"d1", "d2", "full"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"seed", "full/one", "full/two"} {
		if err := os.WriteFile(filepath.Join(dir, f), make([]byte, 8192), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text = "[global]\nsize=8k\nioengine=psync\n" + strings.ReplaceAll(text, "TMP", dir)
	if err := os.WriteFile(filepath.Join(dir, "job.fio"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Parse("job.fio", []byte(text), Config{Machine: Machine{PageSize: 4096, CPUs: 2, MemoryMB: 1000}})
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	allowed := &allowance{dir: dir}
	for _, j := range f.Jobs() {
		touches, _ := j.Touches()
		allowed.touches = append(allowed.touches, touches...)
	}
	// What fio does with a job that it refuses is of interest as well, so its
	// exit code does not matter.
	trace := filepath.Join(dir, "trace.out")
	cmd := exec.Command("timeout", "-k", "1", "20", strace, "-f", "-qq", "-s", "4096", "-e", "trace=open,openat,creat,unlink,unlinkat,mkdir,mkdirat,rename,truncate,execve,connect", "-o", trace,
		fio, "--output=/dev/null", "job.fio")
	cmd.Dir = dir
	_ = cmd.Run()
	got, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if len(calls(string(got))) == 0 {
		t.Fatalf("nothing traced:\n%s", got)
	}
	for _, c := range calls(string(got)) {
		if !allowed.permits(c) {
			t.Errorf("fio did %s(%q, %s), which is not among\n%+v\nof\n%s", c.name, c.path, c.rest, allowed.touches, text)
		}
	}
}

// call is one system call of a trace.
type call struct{ name, path, rest string }

var callPattern = regexp.MustCompile(`^\d+ +(\w+)\((?:AT_FDCWD, )?"([^"]*)"(.*)`)

func calls(trace string) []call {
	var out []call
	for line := range strings.Lines(trace) {
		if m := callPattern.FindStringSubmatch(line); m != nil {
			out = append(out, call{name: m[1], path: m[2], rest: strings.TrimSpace(m[3])})
		}
	}
	return out
}

// allowance decides whether a call was announced.
type allowance struct {
	dir     string
	touches []Touch
}

func (a *allowance) permits(c call) bool {
	path := a.abs(c.path)
	for _, prefix := range []string{"/proc/", "/sys/", "/etc/", "/usr/", "/lib", "/dev/shm", "/dev/urandom"} {
		if strings.HasPrefix(path, prefix) && c.name != "execve" {
			return true
		}
	}
	if path == a.abs("job.fio") || path == a.dir || path == "/dev/null" || path == "/" {
		return true
	}
	if c.name == "execve" {
		return a.executes(c)
	}
	for _, t := range a.touches {
		switch own := a.abs(t.Path); {
		case t.Access.Has(Execute):
			// What a command does is its own affair: it was announced.
			if strings.HasPrefix(t.Path, "touch ") && path == a.abs("pre") {
				return true
			}
		case t.Tree && (path == own || strings.HasPrefix(path, own+"/") || strings.HasPrefix(own, path+"/") && strings.HasPrefix(c.name, "mkdir")):
			if a.mayDo(c, t) {
				return true
			}
		case path == own || strings.HasPrefix(own, path+"/") && strings.HasPrefix(c.name, "mkdir"):
			if a.mayDo(c, t) {
				return true
			}
		}
	}
	return false
}

// mayDo checks the kind of access.
func (a *allowance) mayDo(c call, t Touch) bool {
	switch {
	case strings.HasPrefix(c.name, "unlink"):
		// A file that is written is removed and laid out anew.
		return t.Access.Has(Delete | Write | Create)
	case strings.HasPrefix(c.name, "mkdir"), strings.Contains(c.rest, "O_CREAT"):
		return t.Access.Has(Create | Write)
	case strings.Contains(c.rest, "O_WRONLY"), strings.Contains(c.rest, "O_RDWR"):
		return t.Access.Has(Write | Trim | Create)
	}
	return true
}

// executes tells whether the command was announced; fio runs commands by sh.
func (a *allowance) executes(c call) bool {
	if strings.HasSuffix(c.path, "/fio") {
		return true
	}
	for _, t := range a.touches {
		if t.Access.Has(Execute) {
			return true
		}
	}
	return false
}

func (a *allowance) abs(path string) string {
	if !filepath.IsAbs(path) {
		path = a.dir + "/" + path
	}
	return filepath.Clean(path)
}

// output runs fio for what it prints. Its exit code means nothing here: it is 1
// for the help on an engine without options.
func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	text, _ := exec.Command(program, args...).CombinedOutput()
	if len(text) == 0 {
		t.Fatalf("%s %v prints nothing", program, args)
	}
	return string(text)
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// transferred runs a job file and returns the bytes that its first job read.
func transferred(t *testing.T, fio, path string) int64 {
	t.Helper()
	var out struct {
		Jobs []struct {
			Read struct {
				Bytes int64 `json:"io_bytes"`
			} `json:"read"`
		} `json:"jobs"`
	}
	text := output(t, fio, "--output-format=json", path)
	if err := json.Unmarshal([]byte(text), &out); err != nil || len(out.Jobs) == 0 {
		t.Fatalf("%v\n%s", err, text)
	}
	return out.Jobs[0].Read.Bytes
}
