package job

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Limits on what Parse reads. fio has none of its own except the length of a
// line, beyond which it would read the rest as another line.
const (
	MaxLine     = 4094    // bytes in a line; older fio reads 4096 with the line end and a NUL
	MaxBytes    = 1 << 20 // bytes of the job file and its includes together
	MaxDepth    = 8       // includes within includes
	MaxIncludes = 64      // include lines read altogether
	MaxSections = 1024    // jobs and globals
	MaxOptions  = 8192    // option lines altogether
)

// Config says how a job file is read.
type Config struct {
	// Open reads an included file. The name is what the job file says, tried as
	// it stands and then relative to the including file, as fio does. Without
	// Open an include is an error. It returns an error that is fs.ErrNotExist
	// when there is no such file.
	Open func(name string) ([]byte, error)
	// Env is the whole environment that ${NAME} sees; fio must be run with the
	// same. A name that is not in it expands to nothing, as in fio, and is
	// reported by File.Unset.
	Env map[string]string
	// Machine holds the values of $pagesize, $mb_memory and $ncpus on the host
	// that runs the job. A zero value leaves the keyword as it stands.
	Machine Machine
}

// Machine is what fio's keywords tell about a host.
type Machine struct {
	PageSize int64 // bytes
	MemoryMB int64 // MiB
	CPUs     int64
}

// FS returns an opener for Config.Open that reads from a file system and never
// leaves it.
func FS(fsys fs.FS) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if !fs.ValidPath(path.Clean(name)) {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return fs.ReadFile(fsys, path.Clean(name))
	}
}

// File is a parsed job file.
type File struct {
	Name     string
	Sections []*Section // in order; the options of included files are part of them
	Includes []Include
	Unset    []Variable // ${NAME}s that Env does not have

	lines []*line
	eol   string
}

// Section is one [name] of a job file with the options below it.
type Section struct {
	Name    string
	Global  bool // its options are defaults for every later job
	Pos     Pos
	Options []*Option

	kbBase int64
	header *line
}

// Include is one include line.
type Include struct {
	Pos  Pos
	Name string // of the file that was read
}

// Variable is one use of an environment variable.
type Variable struct {
	Pos  Pos
	Name string
}

// Option is one option line.
type Option struct {
	Name     string // canonical; as written when fio has no such option
	Written  string // the name as written, such as blocksize for bs
	Value    string // after expansion; empty for an option that stands alone
	HasValue bool
	Pos      Pos
	Spec     *Spec // nil when unknown to the engine of its section
	Global   bool  // stands in a [global] section
	// Computed says that fio hands the value to bc, through a shell, because it
	// has a $keyword and an arithmetic sign. Value is then the expression.
	Computed bool
	// Machine says that the value has a $keyword whose value Config lacks.
	Machine bool

	kbBase int64
	line   *line
	unset  []Variable        // that the line uses
	vars   map[string]string // that the line uses and that have a value
	plain  string            // the line with their values
}

// String formats the option as fio's job files have it.
func (o *Option) String() string {
	if !o.HasValue {
		return o.Written
	}
	return o.Written + "=" + o.Value
}

// line is one line of the flattened file.
type line struct {
	pos  Pos
	text string // without its end
}

// Parse reads a job file. The error is of type Errors and names every wrong
// line; the File holds what could be read even then.
func Parse(name string, src []byte, cfg Config) (*File, error) {
	p := &parser{cfg: cfg, file: &File{Name: name, eol: "\n"}}
	if i := strings.IndexByte(string(src), '\n'); i > 0 && src[i-1] == '\r' {
		p.file.eol = "\r\n"
	}
	p.read(name, src, nil)
	if len(p.errs) == 0 && len(p.file.Sections) == 0 {
		p.fail(Pos{File: name}, "no job in the file", "write [name] and the job's options below it")
	}
	p.resolve()
	if len(p.errs) > 0 {
		return p.file, p.errs
	}
	return p.file, nil
}

// parser holds the state of one Parse.
type parser struct {
	cfg   Config
	file  *File
	sec   *Section
	errs  Errors
	bytes int
	count int // of options
}

func (p *parser) fail(pos Pos, msg, remedy string) {
	if len(p.errs) < 100 {
		p.errs = append(p.errs, &Error{Pos: pos, Msg: msg, Remedy: remedy})
	}
}

// read parses the lines of one file; stack names the files it is included from.
func (p *parser) read(name string, src []byte, stack []string) {
	if p.bytes += len(src); p.bytes > MaxBytes {
		p.fail(Pos{File: name}, fmt.Sprintf("job file and includes exceed %d bytes", MaxBytes), "split it into several job files")
		return
	}
	stack = append(stack, name)
	number := 0
	for text := range strings.Lines(string(src)) {
		number++
		text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
		pos := Pos{File: name, Line: number}
		if !p.legible(pos, text) {
			continue
		}
		l := &line{pos: pos, text: text}
		if isEmptyOrComment(text) {
			p.file.lines = append(p.file.lines, l)
			continue
		}
		l.pos.Col = len(text) - len(trimFront(text)) + 1
		p.statement(l, trimEnd(trimFront(text)), stack)
	}
}

// legible refuses lines that fio would read differently from how they look.
func (p *parser) legible(pos Pos, text string) bool {
	switch {
	case len(text) > MaxLine:
		p.fail(pos, fmt.Sprintf("line has %d bytes, and fio reads %d at a time", len(text), MaxLine), "shorten it")
	case strings.IndexByte(text, 0) >= 0:
		pos.Col = strings.IndexByte(text, 0) + 1
		p.fail(pos, "NUL byte: fio ignores the rest of the line", "remove it")
	case strings.HasPrefix(text, "\ufeff"):
		p.fail(pos, "byte order mark before the first line", "save the file as plain UTF-8")
	default:
		return true
	}
	return false
}

// statement handles a line that is neither empty nor a comment.
func (p *parser) statement(l *line, text string, stack []string) {
	switch {
	case text[0] == '[' && len(stack) > 1:
		p.fail(l.pos, "section in an included file: fio allows options only", "move it to the job file itself")
	case text[0] == '[':
		p.section(l, text)
	case p.sec == nil:
		p.fail(l.pos, fmt.Sprintf("option %q before the first section", text), "write [global] or [jobname] above it")
	case strings.HasPrefix(text, "include"):
		p.include(l, text, stack)
	default:
		p.option(l, text)
	}
}

func (p *parser) section(l *line, text string) {
	switch {
	case text[len(text)-1] != ']':
		p.fail(l.pos, fmt.Sprintf("section %q does not end with ]", text), "write [name] alone on its line")
		return
	case len(text) > 250:
		p.fail(l.pos, "section name has more than 248 bytes", "shorten it")
		return
	case len(p.file.Sections) == MaxSections:
		p.fail(l.pos, fmt.Sprintf("more than %d sections", MaxSections), "split it into several job files")
		return
	}
	name := text[1 : len(text)-1]
	// fio compares the first six letters only.
	global := strings.HasPrefix(name, "global")
	if global && name != "global" {
		p.fail(l.pos, fmt.Sprintf("section [%s] counts as [global] for fio", name), "give the job a name that does not begin with global")
	}
	if name == "" {
		p.fail(l.pos, "section without a name", "write [name]")
	}
	p.sec = &Section{Name: name, Global: global, Pos: l.pos, header: l}
	p.file.Sections = append(p.file.Sections, p.sec)
	p.file.lines = append(p.file.lines, l)
}

func (p *parser) option(l *line, text string) {
	if p.count++; p.count > MaxOptions {
		p.fail(l.pos, fmt.Sprintf("more than %d options", MaxOptions), "split it into several job files")
		return
	}
	p.file.lines = append(p.file.lines, l)
	p.sec.Options = append(p.sec.Options, &Option{Written: text, Pos: l.pos, Global: p.sec.Global, line: l})
}

// include reads the named file in the place of the line, which stays as a
// comment so that the flattened file says where its lines came from.
func (p *parser) include(l *line, text string, stack []string) {
	if len(text) < len("include")+2 || !strings.ContainsRune(" \t=", rune(text[len("include")])) {
		p.fail(l.pos, fmt.Sprintf("%q: fio takes every line that begins with \"include\" for one", text), "write: include file.fio")
		return
	}
	name := text[len("include")+1:]
	switch {
	case p.cfg.Open == nil:
		p.fail(l.pos, "include "+name+": includes are not available here", "copy the options into the job file")
		return
	case len(stack) > MaxDepth:
		p.fail(l.pos, fmt.Sprintf("include %s: more than %d includes within each other", name, MaxDepth), "look for a file that includes itself")
		return
	case len(p.file.Includes) == MaxIncludes:
		p.fail(l.pos, fmt.Sprintf("more than %d includes", MaxIncludes), "copy the options into the job file")
		return
	}
	found, src, err := p.open(name, stack[len(stack)-1])
	if err != nil {
		p.fail(l.pos, fmt.Sprintf("include %s: %v", name, err), "name a file relative to this one")
		return
	}
	for _, s := range stack {
		if s == found {
			p.fail(l.pos, fmt.Sprintf("include %s: the file includes itself", name), "remove the include")
			return
		}
	}
	p.file.Includes = append(p.file.Includes, Include{Pos: l.pos, Name: found})
	p.file.lines = append(p.file.lines, &line{pos: l.pos, text: "; " + text})
	p.read(found, src, stack)
}

// open looks an included file up as fio does: as named, else beside the file
// that includes it.
func (p *parser) open(name, from string) (found string, src []byte, err error) {
	src, err = p.cfg.Open(name)
	if slash := strings.LastIndexByte(from, '/'); slash >= 0 && errors.Is(err, fs.ErrNotExist) {
		name = from[:slash+1] + name
		src, err = p.cfg.Open(name)
	}
	return name, src, err
}
