package job

import (
	"fmt"
	"strings"
)

// Access is a set of things done to what a job touches.
type Access uint16

// What may be done. Write, Trim and Delete destroy data that is there. Create
// leaves devices alone, but a regular file that is smaller than the job's size
// is removed and laid out anew, even by a job that only reads.
const (
	Read    Access = 1 << iota
	Write          // changes the content of a file or device
	Trim           // discards blocks
	Delete         // removes a file
	Create         // makes a file; see below
	Execute        // runs as a command
	Load           // loads as a library into fio
	Connect        // connects to it, or listens
	System         // changes a setting of the machine
)

// Destructive is what destroys data that was there before.
const Destructive = Write | Trim | Delete

var accessNames = []string{"read", "write", "trim", "delete", "create", "execute", "load", "connect", "system"}

// Has tells whether any of the given accesses is in the set.
func (a Access) Has(b Access) bool { return a&b != 0 }

// String lists the set with commas.
func (a Access) String() string {
	var names []string
	for i, name := range accessNames {
		if a.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// Touch is one thing outside fio that a job reaches for.
type Touch struct {
	Access Access
	// Path is a file, device or directory as fio would open it, relative to
	// its working directory; or a command line (Execute), a library (Load), an
	// endpoint (Connect) or the name of a setting (System).
	Path string
	Tree bool // everything below Path, and Path itself
	// Aux says that Path is relative to the folder that fio is given for what it
	// keeps beside its results (--aux-path), if it is given one.
	Aux bool
	// IfSpecial says that fio opens Path only when a device, directory or
	// other special file has that name.
	IfSpecial bool
	Pos       Pos    // of the option, or of the section for a name fio makes up
	Option    string // canonical name, "" for a name fio makes up
}

// Finding is something about a job that cannot be judged from the file alone
// and must not be waved through.
type Finding struct {
	Pos     Pos
	Option  string
	Rule    string // one of the Rule constants
	Message string
	Remedy  string
}

// The rules that findings name.
const (
	RuleUnknown  = "unknown"  // an option, mode or engine that this package does not know
	RuleVariable = "variable" // a variable or keyword without a value
	RuleReplay   = "replay"   // a trace that names files and devices of its own
	RuleValues   = "values"   // several values where one is meant
	RuleOpaque   = "opaque"   // an option that can name anything
)

// Error formats the finding like a syntax error.
func (f Finding) Error() string {
	return (&Error{Pos: f.Pos, Msg: f.Message, Remedy: f.Remedy}).Error()
}

// Touches lists everything a job reaches for outside fio, and what about it
// cannot be known. A job without findings touches nothing else, except that
// fio itself reads its configuration of the machine below /proc, /sys and /etc.
//
// The list errs towards more: an option that is given twice is listed twice,
// although the last one counts, because not every C library sorts stably.
func (j *Job) Touches() ([]Touch, []Finding) {
	t := &toucher{job: j, engine: j.Engine()}
	t.unknowns()
	t.load()
	for _, o := range j.Options {
		t.option(o)
	}
	if o := j.verifying(); o != nil && j.Bool("verify_state_save", true) {
		t.states(Write|Create, o) // fio saves what it has verified unless told not to
	}
	if o := j.Get("verify_dump"); o != nil && j.verifying() != nil && j.Bool(o.Name, true) {
		// Blocks as they were found and as they should be, by file and offset.
		t.touches = append(t.touches, Touch{Access: Write | Create, Path: ".", Tree: true, Aux: true, Pos: o.Pos, Option: o.Name})
	}
	return t.touches, t.findings
}

type toucher struct {
	job      *Job
	engine   string
	touches  []Touch
	findings []Finding
}

func (t *toucher) add(a Access, path string, o *Option) {
	t.touches = append(t.touches, Touch{Access: a, Path: path, Pos: o.Pos, Option: o.Name})
}

func (t *toucher) find(o *Option, rule, msg, remedy string) {
	t.findings = append(t.findings, Finding{Pos: o.Pos, Option: o.Name, Rule: rule, Message: msg, Remedy: remedy})
}

// unknowns reports what keeps the job from being understood.
func (t *toucher) unknowns() {
	for _, v := range t.job.unset() {
		t.findings = append(t.findings, Finding{Pos: v.Pos, Rule: RuleVariable, Message: fmt.Sprintf("variable %s is not set: fio puts nothing in its place", v.Name), Remedy: "give it a value (vars in fiord.yaml, --var of fiord run), or write the value"})
	}
	for _, o := range t.job.Options {
		switch {
		case o.Spec == nil:
			if engines := enginesOf(o.Written); len(engines) > 0 {
				t.find(o, RuleUnknown, fmt.Sprintf("%s is an option of ioengine=%s, and job %s has ioengine=%s", o.Written, strings.Join(engines, ", "), t.job.Name, t.engine), "set that engine, or remove the option")
				continue
			}
			t.find(o, RuleUnknown, fmt.Sprintf("unknown option %q", o.Written), didYouMean(o.Written))
		case o.Machine:
			t.find(o, RuleVariable, fmt.Sprintf("%s=%s depends on the machine", o.Name, o.Value), "write the number")
		case o.Computed:
			t.add(Execute, "bc", o)
			if o.Spec.Effect != EffectNone {
				t.find(o, RuleVariable, fmt.Sprintf("%s=%s is computed by bc", o.Name, o.Value), "write the result")
			}
		case o.Name == "filesize" && backwards(o):
			t.find(o, RuleValues, fmt.Sprintf("%s=%s: fio keeps an earlier size for a zero, and makes files of any size from a range that runs backwards", o.Name, o.Value), "write smallest-largest, from 1 on")
		case severalValues(o):
			t.find(o, RuleValues, fmt.Sprintf("%s=%s: of several values fio takes the last, whatever the others say", o.Name, o.Value), "write the one that is meant")
		}
	}
}

func didYouMean(name string) string {
	if near := suggest(name); near != "" {
		return "did you mean " + near + "?"
	}
	return "see fio --cmdhelp=all"
}

// load lists the files and devices that the load itself goes to.
func (t *toucher) load() {
	e, known := engines[t.engine]
	access := t.access() | e.always
	if e.net {
		t.add(Connect, t.engine, t.job.Get("ioengine"))
	}
	if known && !e.files {
		// Such an engine opens nothing, but fio itself removes what is named.
		if access &= Delete; access == 0 {
			return
		}
	}
	targets, findings := t.job.targets()
	t.findings = append(t.findings, findings...)
	for _, target := range targets {
		touch := Touch{Access: access, Path: target.path, Tree: target.tree, IfSpecial: target.ifSpecial, Pos: target.pos}
		if target.opt != nil {
			touch.Option = target.opt.Name
		}
		t.touches = append(t.touches, touch)
	}
}

// access is what the job does to its files and devices.
func (t *toucher) access() Access {
	j := t.job
	access, known := modes[j.Direction()]
	if !known {
		access = Read | Write | Trim
		if o := j.Get("rw"); o != nil {
			t.find(o, RuleUnknown, fmt.Sprintf("unknown direction rw=%s", o.Value), "use read, write, randread, randwrite, rw, randrw or a trim mode")
		}
	}
	if j.verifying() != nil && access.Has(Write) {
		access |= Read
		if n, ok := j.Int("trim_percentage", 0); !ok || n > 0 {
			access |= Trim
		}
	}
	if access.Has(Write) && j.Value("zonemode") == "zbd" {
		access |= Trim // zones are reset before they are written
	}
	if j.Bool("unlink", false) || j.Bool("unlink_each_loop", false) {
		access |= Delete
	}
	// Without allow_file_create fio still removes a file that is too small.
	return access | Create
}

// option lists what a single option adds to the load.
func (t *toucher) option(o *Option) {
	if o.Spec == nil {
		return
	}
	switch o.Spec.Effect {
	case EffectRead:
		t.add(Read, o.Value, o)
	case EffectTree: // listed whatever the engine
		t.touches = append(t.touches, Touch{Access: Read, Path: o.Value, Tree: true, Pos: o.Pos, Option: o.Name})
	case EffectWrite:
		names := []string{o.Value}
		if o.Name == "donorname" {
			names = t.job.donors(o)
		}
		for _, name := range names {
			t.add(Write|Create, name, o)
		}
	case EffectDevice:
		t.add(Read|Write|Trim, o.Value, o)
	case EffectExec:
		t.command(o)
	case EffectNet:
		t.add(Connect, o.Value, o)
	case EffectSystem:
		t.add(System, o.Name+"="+o.Value, o)
	case EffectPrivilege:
		t.add(System, o.Name+"="+o.Value, o)
	case EffectEngine:
		t.library(o)
	case EffectReplay:
		t.replay(o)
	case EffectOpaque:
		t.find(o, RuleOpaque, fmt.Sprintf("%s can name files and devices of its own", o.Name), "write the job's options instead")
	case EffectLog:
		t.logs(o)
	case EffectMmapFile, EffectPattern, EffectState, EffectStdFiles:
		t.sideFile(o)
	}
}

// command reports a command and the file that fio sends its output to.
func (t *toucher) command(o *Option) {
	line := o.Value
	if arguments := t.job.Value("arguments"); o.Name == "program" && arguments != "" {
		line += " " + arguments
	}
	t.add(Execute, line, o)
	if when, ok := strings.CutPrefix(o.Name, "exec_"); ok {
		for _, name := range t.job.names() {
			t.add(Write|Create, name+"."+when+".txt", o)
		}
	}
}

// library reports an engine that fio has to load from a file.
func (t *toucher) library(o *Option) {
	name, path, external := strings.Cut(o.Value, ":")
	switch {
	case external && name == "external":
		t.add(Load, path, o)
	case !KnownEngine(name):
		t.add(Load, o.Value, o)
		t.find(o, RuleUnknown, fmt.Sprintf("unknown engine %q: fio would load a library of that name", o.Value), "use an engine that fio --enghelp lists")
	}
}

func (t *toucher) replay(o *Option) {
	for _, name := range splitList(o.Value) {
		t.add(Read, name, o)
	}
	t.find(o, RuleReplay, "a replayed trace names files and devices of its own", "describe the load with options")
}

// logs lists the log files that a write_*_log option makes.
func (t *toucher) logs(o *Option) {
	prefixes := []string{o.Value}
	if o.Value == "" {
		prefixes = t.job.names()
	}
	for _, prefix := range prefixes {
		for _, kind := range logKinds[o.Name] {
			for _, suffix := range t.logSuffixes() {
				t.add(Write|Create, prefix+"_"+kind+suffix, o)
			}
		}
	}
}

// logKinds are the files that each option writes.
var logKinds = map[string][]string{
	"write_bw_log":   {"bw"},
	"write_iops_log": {"iops"},
	"write_lat_log":  {"lat", "slat", "clat"},
	"write_hist_log": {"clat_hist"},
}

// logSuffixes are the ends of the log names, one for each copy of the job.
func (t *toucher) logSuffixes() []string {
	end := ".log"
	if t.job.Bool("log_store_compressed", false) {
		end = ".log.fz"
	}
	if !t.job.Bool("per_job_logs", true) {
		return []string{end}
	}
	first, copies := t.job.LogNumber(), min(t.job.NumJobs(), maxNames)
	suffixes := make([]string, copies)
	for i := range copies {
		suffixes[i] = fmt.Sprintf(".%d%s", first+i, end)
	}
	return suffixes
}

// sideFile lists the files that fio keeps beside the load.
func (t *toucher) sideFile(o *Option) {
	switch o.Spec.Effect {
	case EffectMmapFile:
		if _, path, ok := strings.Cut(o.Value, ":"); ok {
			t.add(Write|Create|Delete, path, o)
			// Seen with 3.33: jobs share the name, and the first one to end
			// frees it, so that the others open whatever stands there by then.
			t.find(o, RuleOpaque, "memory backed by a file: with several jobs fio opens names from memory that it has freed", "use mem=malloc, mmap or shm without a file")
		}
	case EffectPattern:
		for i, part := range strings.Split(o.Value, "'") {
			if i%2 == 1 {
				t.add(Read, part, o)
			}
		}
	case EffectState:
		if o.Name == "verify_state_load" && t.job.Bool(o.Name, false) {
			t.states(Read, o)
		}
	case EffectStdFiles:
		if !t.job.Bool(o.Name, true) {
			return
		}
		for _, name := range t.job.names() {
			t.add(Write|Create, name+".stdout", o)
			t.add(Write|Create, name+".stderr", o)
		}
	}
}

// states lists the files, one for each copy of the job, that hold how far a
// verification came.
func (t *toucher) states(a Access, o *Option) {
	first := t.job.LogNumber() - 1
	for _, name := range t.job.names() {
		name = strings.ReplaceAll(name, "/", ".")
		name = name[:min(len(name), 63)] // what fio keeps of it
		for n := first; n < first+min(t.job.NumJobs(), maxNames); n++ {
			t.touches = append(t.touches, Touch{Access: a, Path: fmt.Sprintf("local-%s-%d-verify.state", name, n), Aux: true, Pos: o.Pos, Option: o.Name})
		}
	}
}
