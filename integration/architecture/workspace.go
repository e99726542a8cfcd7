package architecture

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// modulePrefix begins the path of each module of the workspace; the module's
// folder, relative to the root, follows.
const modulePrefix = "github.com/fiord-bench/fiord/"

// toolsDir holds the module that is kept outside the workspace on purpose.
const toolsDir = "tools"

// Workspace is a source tree as the rules see it.
type Workspace struct {
	Root    string // absolute folder of go.work
	Work    *modfile.WorkFile
	Modules []*Module // sorted by folder
}

// Module is one go.mod and the Go files below it, down to the next go.mod.
type Module struct {
	Dir   string // relative to the root, with slashes: "services/bench"
	Mod   *modfile.File
	Files []*File // sorted by path
}

// File is one Go file, parsed with its comments.
type File struct {
	Path    string // relative to the root, with slashes
	Syntax  *ast.File
	Set     *token.FileSet
	Imports []string
}

// Breach is one place that breaks a rule.
type Breach struct {
	Where   string // path, with ":line" where one is to blame
	What    string // what was found
	Because string // the rule and its reason
}

// String says all of it on one line.
func (b Breach) String() string {
	return fmt.Sprintf("%s: %s\n\t%s", b.Where, b.What, b.Because)
}

// Load reads the tree below root, which must hold go.work. Folders that the go
// command ignores (testdata, vendor, node_modules, names that start with a dot or
// an underscore) are left out. Errors name the file that cannot be read or parsed.
func Load(root string) (*Workspace, error) {
	data, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		return nil, err
	}
	w := &Workspace{Root: root, Work: work}
	if err := filepath.WalkDir(root, w.visit); err != nil {
		return nil, err
	}
	return w, w.own()
}

// visit finds modules; own then gives each its files.
func (w *Workspace) visit(file string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if entry.IsDir() {
		name := entry.Name()
		if file != w.Root && (name == "testdata" || name == "vendor" || name == "node_modules" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
			return filepath.SkipDir
		}
		return nil
	}
	if entry.Name() != "go.mod" {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	rel := w.relative(file)
	mod, err := modfile.Parse(rel, data, nil)
	if err != nil {
		return err
	}
	w.Modules = append(w.Modules, &Module{Dir: path.Dir(rel), Mod: mod})
	return nil
}

func (w *Workspace) relative(file string) string {
	rel, err := filepath.Rel(w.Root, file)
	if err != nil {
		return file // both come from one walk: cannot happen
	}
	return filepath.ToSlash(rel)
}

// own parses the Go files of each module.
func (w *Workspace) own() error {
	slices.SortFunc(w.Modules, func(a, b *Module) int { return strings.Compare(a.Dir, b.Dir) })
	for _, m := range w.Modules {
		top := filepath.Join(w.Root, filepath.FromSlash(m.Dir))
		err := filepath.WalkDir(top, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && file != top && w.outside(file, entry.Name()):
				return filepath.SkipDir
			case entry.IsDir() || !strings.HasSuffix(file, ".go"):
				return nil
			}
			f, err := parse(file, w.relative(file))
			m.Files = append(m.Files, f)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// outside tells whether a folder below a module is no part of it.
func (w *Workspace) outside(dir, name string) bool {
	if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	rel := w.relative(dir)
	return slices.ContainsFunc(w.Modules, func(m *Module) bool { return m.Dir == rel })
}

func parse(file, rel string) (*File, error) {
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &File{Path: rel, Syntax: syntax, Set: set}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import %s: %w", rel, spec.Path.Value, err)
		}
		f.Imports = append(f.Imports, imported)
	}
	return f, nil
}

// Dir is the folder of the file's package, relative to the root.
func (f *File) Dir() string { return path.Dir(f.Path) }

// Test tells whether the file is compiled for tests only.
func (f *File) Test() bool { return strings.HasSuffix(f.Path, "_test.go") }

// Generated tells whether the file carries the canonical header.
func (f *File) Generated() bool { return ast.IsGenerated(f.Syntax) }

// Lines counts the file's lines.
func (f *File) Lines() int { return f.Set.File(f.Syntax.Pos()).LineCount() }

// at names a place in the file.
func (f *File) at(pos token.Pos) string {
	return f.Path + ":" + strconv.Itoa(f.Set.Position(pos).Line)
}

// files calls yield for each file of the workspace's own modules, tools aside.
func (w *Workspace) files(yield func(*Module, *File)) {
	for _, m := range w.Modules {
		if m.Dir == toolsDir {
			continue
		}
		for _, f := range m.Files {
			yield(m, f)
		}
	}
}

// sibling returns the folder of the workspace's module that an import path or
// module path belongs to, the longest match, or "" for everybody else's code.
func (w *Workspace) sibling(imported string) string {
	rest, ok := strings.CutPrefix(imported, modulePrefix)
	if !ok {
		return ""
	}
	longest := ""
	for _, m := range w.Modules {
		if (rest == m.Dir || strings.HasPrefix(rest, m.Dir+"/")) && len(m.Dir) > len(longest) {
			longest = m.Dir
		}
	}
	return longest
}
