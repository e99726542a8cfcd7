package job

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// Kind is the form of an option's value.
type Kind string

// The kinds of values, as fio's option table knows them.
const (
	KindEnum       Kind = "enum"     // one of some words, perhaps with :postfix
	KindString     Kind = "string"   // free text
	KindSize       Kind = "size"     // bytes with a unit, or a percentage
	KindTime       Kind = "time"     // a time with a unit, seconds by default
	KindRange      Kind = "range"    // low-high[,low-high]
	KindInt        Kind = "int"      // whole numbers, with units as sizes have
	KindBool       Kind = "bool"     // 0 or 1
	KindFlag       Kind = "flag"     // stands alone, or takes 0 or 1
	KindFloats     Kind = "floats"   // numbers separated by colons
	KindMulti      Kind = "multi"    // words separated by commas
	KindEnumSize   Kind = "enumsize" // block size splits
	KindDeprecated Kind = "deprecated"
)

// Effect says what an option makes fio touch besides the load it generates.
type Effect string

// The effects of options. An option without one only shapes the load.
const (
	EffectNone      Effect = ""
	EffectFiles     Effect = "files"     // files or devices, separated by colons
	EffectDirs      Effect = "dirs"      // directories, separated by colons
	EffectTree      Effect = "tree"      // every file below a directory
	EffectFormat    Effect = "format"    // the pattern of generated file names
	EffectRead      Effect = "read"      // a file that is read
	EffectWrite     Effect = "write"     // a file that is written
	EffectReplay    Effect = "replay"    // a trace, which names further files and devices
	EffectDevice    Effect = "device"    // a device that the load goes to
	EffectPattern   Effect = "pattern"   // a buffer pattern, which may be the content of a file
	EffectMmapFile  Effect = "mmapfile"  // memory that may be backed by a file
	EffectState     Effect = "state"     // verify state files in the working directory
	EffectStdFiles  Effect = "stdfiles"  // the output of a program, in the working directory
	EffectLog       Effect = "log"       // the prefix of a log's name
	EffectExec      Effect = "exec"      // a command that is run
	EffectEngine    Effect = "engine"    // an engine, which may be a library that is loaded
	EffectNet       Effect = "net"       // a network endpoint or something behind one
	EffectSystem    Effect = "system"    // a setting of the machine outside the job
	EffectPrivilege Effect = "privilege" // the user or group that the job runs as
	EffectOpaque    Effect = "opaque"    // may name anything: not analysed
)

// Spec describes one option of fio.
type Spec struct {
	Name    string
	Aliases []string
	Kind    Kind
	Engines []string // the engines that bring it along; nil when every engine has it
	Effect  Effect
}

// ForEngine tells whether the option exists when the engine is loaded.
func (s *Spec) ForEngine(engine string) bool {
	return s.Engines == nil || slices.Contains(s.Engines, engine)
}

//go:embed options.tsv
var optionTable string

// table indexes the embedded option table by name and alias. An engine's
// option may share its name with another engine's, so there can be several.
var table = sync.OnceValue(func() map[string][]*Spec {
	index := make(map[string][]*Spec)
	for line := range strings.Lines(optionTable) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		spec := parseSpec(strings.Split(line, "\t"))
		for _, name := range append([]string{spec.Name}, spec.Aliases...) {
			index[name] = append(index[name], spec)
		}
	}
	return index
})

func parseSpec(col []string) *Spec {
	spec := &Spec{Name: col[0], Kind: Kind(col[2]), Effect: Effect(col[4])}
	if col[1] != "" {
		spec.Aliases = strings.Split(col[1], ",")
	}
	if col[3] != "-" {
		spec.Engines = strings.Split(col[3], ",")
	}
	return spec
}

// Lookup finds the option that a name or alias stands for when the given
// engine is loaded, as fio does: its own options first, then the engine's. It
// returns nil when fio would answer "Bad option".
func Lookup(name, engine string) *Spec {
	var found *Spec
	for _, spec := range table()[name] {
		if spec.Engines == nil {
			return spec
		}
		if spec.ForEngine(engine) {
			found = spec
		}
	}
	return found
}

// Specs returns every known option once, in the order of fio's own table.
func Specs() []*Spec {
	var all []*Spec
	for line := range strings.Lines(optionTable) {
		if line = strings.TrimRight(line, "\n"); line != "" && line[0] != '#' {
			all = append(all, parseSpec(strings.Split(line, "\t")))
		}
	}
	return all
}

// enginesOf lists the engines that have an option of that name, in the order
// of the table; none when no engine has, or every one does.
func enginesOf(name string) []string {
	var engines []string
	for _, spec := range table()[name] {
		engines = append(engines, spec.Engines...)
	}
	return engines
}

// suggest returns the known option closest to a misspelt name, or "". A name
// that is known is not misspelt.
func suggest(name string) string {
	if len(table()[name]) > 0 {
		return ""
	}
	if len(name) > 40 {
		return "" // no option is that long
	}
	best, distance := "", len(name)/2+1
	for known := range table() {
		d := editDistance(name, known)
		if d < distance || (d == distance && best != "" && known < best) {
			best, distance = known, d
		}
	}
	return best
}

// editDistance is the Levenshtein distance of two short words.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
