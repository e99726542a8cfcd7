package architecture

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

// maxFileLines and maxMainLines bound what a reader takes in at once.
const (
	maxFileLines = 400
	maxMainLines = 40
)

// Documented checks that each package says what it is, in one file at least.
func Documented(w *Workspace) []Breach {
	said, first := map[string]bool{}, map[string]string{}
	var order []string
	w.files(func(_ *Module, f *File) {
		if f.Test() {
			return
		}
		dir := f.Dir()
		if first[dir] == "" {
			first[dir] = f.Path
			order = append(order, dir)
		}
		said[dir] = said[dir] || f.Syntax.Doc.Text() != ""
	})
	var found []Breach
	for _, dir := range order {
		if !said[dir] {
			found = append(found, Breach{first[dir], "package " + dir + " has no doc comment", "a package says what it knows and promises before a reader opens its first file"})
		}
	}
	return found
}

// Named checks that no package is named for what it lacks: a subject.
func Named(w *Workspace) []Breach {
	var found []Breach
	w.files(func(_ *Module, f *File) {
		for _, name := range []string{f.Syntax.Name.Name, path.Base(f.Dir())} {
			if slices.Contains([]string{"common", "util", "utils", "pkg", "types", "helpers", "helper", "misc", "shared", "base"}, name) {
				found = append(found, Breach{f.Path, "package or folder " + name, "a package is named for what it knows; such names gather what nobody could place"})
				return
			}
		}
	})
	return found
}

// Short checks that production files stay readable in one go, and that a
// service's main does nothing but start it.
func Short(w *Workspace) []Breach {
	var found []Breach
	w.files(func(m *Module, f *File) {
		if f.Test() || f.Generated() {
			return
		}
		if n := f.Lines(); n > maxFileLines {
			found = append(found, Breach{f.Path, fmt.Sprintf("%d lines", n), fmt.Sprintf("a file has one subject and at most %d lines", maxFileLines)})
		}
		if n := f.Lines(); strings.HasPrefix(m.Dir, "services/") && f.Syntax.Name.Name == "main" && n > maxMainLines {
			found = append(found, Breach{f.Path, fmt.Sprintf("a service's main of %d lines", n), fmt.Sprintf("main wires and exits, in at most %d lines: what it does is tested in the service's package", maxMainLines)})
		}
	})
	return found
}

// Ends checks that only main packages end the process.
func Ends(w *Workspace) []Breach {
	var found []Breach
	w.files(func(_ *Module, f *File) {
		if f.Test() || f.Syntax.Name.Name == "main" {
			return
		}
		f.calls(func(call *ast.CallExpr, pkg, name string) {
			if pkg == "os" && name == "Exit" || pkg == "log" && (strings.HasPrefix(name, "Fatal") || strings.HasPrefix(name, "Panic")) {
				found = append(found, Breach{f.at(call.Pos()), "calls " + pkg + "." + name, "only main ends the process: elsewhere it would skip what others deferred, and all services share one process in `fiord up`"})
			}
		})
	})
	return found
}

// Environment checks that configuration comes from one place: the environment is
// read by commands, by the loader of configurations, by test helpers, and by code
// that starts programs and hands its environment on.
func Environment(w *Workspace) []Breach {
	var found []Breach
	w.files(func(_ *Module, f *File) {
		dir := f.Dir()
		if f.Test() || f.Syntax.Name.Name == "main" || under(dir, "cmd") || under(dir, "internal/service") ||
			strings.HasSuffix(dir, "test") || slices.Contains(f.Imports, "os/exec") {
			return
		}
		f.calls(func(call *ast.CallExpr, pkg, name string) {
			if pkg == "os" && slices.Contains([]string{"Getenv", "LookupEnv", "Environ"}, name) {
				found = append(found, Breach{f.at(call.Pos()), "calls os." + name, "a service is configured by its Config alone: two instances of it run in one process"})
			}
		})
	})
	return found
}

// Quiet checks that no package acts by being imported.
func Quiet(w *Workspace) []Breach {
	var found []Breach
	w.files(func(_ *Module, f *File) {
		if f.Test() || f.Generated() {
			return
		}
		for _, d := range f.Syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				found = append(found, Breach{f.at(fn.Pos()), "declares init", "importing a package has no effects: nothing registers itself, so two of anything can live in one process"})
			}
		}
	})
	return found
}

// calls yields each call of a function of an imported package, by the package's
// name in this file.
func (f *File) calls(yield func(call *ast.CallExpr, pkg, name string)) {
	ast.Inspect(f.Syntax, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok {
				yield(call, id.Name, sel.Sel.Name)
			}
		}
		return true
	})
}
