package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// securityPath is where each "cannot" names what shows it.
const securityPath = "docs/security.md"

var (
	namedTest = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")
	// besideName is a folder in parentheses behind a name.
	besideName = regexp.MustCompile(`^ \(([a-z][a-z0-9/]*)[,)]`)
)

// testFolders maps the tests of the tree to the folders that they are in.
func testFolders(t *testing.T) map[string][]string {
	t.Helper()
	folders := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "bin" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				folders[f.Name.Name] = append(folders[f.Name.Name], filepath.ToSlash(dir))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

// A test that is named exists, and where the text says that it is.
func TestSecurityNamesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, securityPath))
	if err != nil {
		t.Fatal(err)
	}
	folders, named := testFolders(t), 0
	for i, line := range strings.Split(string(text), "\n") {
		for _, at := range namedTest.FindAllStringSubmatchIndex(line, -1) {
			name := line[at[2]:at[3]]
			named++
			if len(folders[name]) == 0 {
				t.Errorf("%s:%d: there is no test %s", securityPath, i+1, name)
				continue
			}
			if beside := besideName.FindStringSubmatch(line[at[1]:]); beside != nil && strings.Contains(beside[1], "/") && !slices.Contains(folders[name], beside[1]) {
				t.Errorf("%s:%d: test %s is in %v, not in %s", securityPath, i+1, name, folders[name], beside[1])
			}
		}
	}
	if named < 60 {
		t.Errorf("%d tests are named: looking at the wrong document", named)
	}
}

// Each row of a table that says what somebody cannot do names a test, or the row above does and
// this one says so.
func TestEachCannotNamesItsTest(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, securityPath))
	if err != nil {
		t.Fatal(err)
	}
	var table, named bool
	rows := 0
	for i, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case !strings.HasPrefix(line, "|"):
			table, named = false, false
		case !table && len(cells) > 1:
			head := strings.ToLower(line)
			table = strings.Contains(head, "cannot") || strings.Contains(head, "shown by")
		case !table || strings.HasPrefix(line, "|--"):
		default:
			rows++
			last := cells[len(cells)-1]
			same := strings.HasPrefix(last, "the same") || last == "both"
			if has := namedTest.MatchString(last); !has && (!same || !named) {
				t.Errorf("%s:%d: no test is named for: %s", securityPath, i+1, cells[0])
			} else if has {
				named = true
			}
		}
	}
	if rows < 50 {
		t.Errorf("%d rows say what somebody cannot do: the tables are read wrongly", rows)
	}
}
