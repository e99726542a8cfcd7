package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// event is one line of `go test -json`, as test2json and cmd/go document it.
type event struct {
	Action      string  // run, output, pass, fail, skip, build-output, build-fail, ...
	Package     string  // import path
	ImportPath  string  // instead of Package, for build events
	Test        string  // empty for events of the whole package
	Output      string  // with its line end
	Elapsed     float64 // seconds
	FailedBuild string  // import path of the package whose build broke this one
}

// key names one test, or with an empty test the package itself.
type key struct{ pkg, test string }

// skipped is one test that did not run, and what it said about that.
type skipped struct {
	key
	reason string
}

// summary gathers the events of one test run.
type summary struct {
	out     io.Writer
	output  map[key]*bytes.Buffer // what is shown only if the test fails
	failed  []key
	skips   []skipped
	passed  int
	pkgs    int // packages that have tests
	badPkgs int // packages that failed or did not build
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, output: map[key]*bytes.Buffer{}}
}

// read consumes events until EOF. Lines that are no JSON (the go command's own
// complaints) are passed through.
func (s *summary) read(r io.Reader) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if line[0] != '{' || json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(s.out, "%s", line)
			} else {
				s.add(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) add(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "output":
		s.buffer(k).WriteString(e.Output)
	case "build-output":
		s.buffer(key{pkg: e.ImportPath}).WriteString(e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(k, e.Action)
		}
	}
}

func (s *summary) buffer(k key) *bytes.Buffer {
	b := s.output[k]
	if b == nil {
		b = &bytes.Buffer{}
		s.output[k] = b
	}
	return b
}

func (s *summary) endTest(k key, action string) {
	switch action {
	case "pass":
		s.passed++
	case "fail":
		s.failed = append(s.failed, k)
		return // its output is shown with the package's end
	case "skip":
		s.skips = append(s.skips, skipped{k, reason(s.buffer(k).String())})
	}
	delete(s.output, k)
}

// endPackage prints the package's line, and before it the output of each of its
// tests that failed, or of the whole package when it broke outside of a test.
func (s *summary) endPackage(e event) {
	k := key{pkg: e.Package}
	defer delete(s.output, k)
	if e.Action == "skip" { // no test files
		return
	}
	s.pkgs++
	if e.Action == "pass" {
		fmt.Fprintf(s.out, "ok   %s %.1fs\n", e.Package, e.Elapsed)
		return
	}
	s.badPkgs++
	if e.FailedBuild != "" {
		s.show(key{pkg: e.FailedBuild})
	}
	named := false
	for _, f := range s.failed {
		if f.pkg == e.Package {
			named = true
			s.show(f)
		}
	}
	// A crash or a timeout ends tests without a verdict: show those too.
	for _, u := range s.unfinished(e.Package) {
		named = true
		s.show(u)
	}
	if !named {
		s.show(k)
	}
	fmt.Fprintf(s.out, "FAIL %s %.1fs\n", e.Package, e.Elapsed)
}

// unfinished lists the tests of a package that printed and never ended.
func (s *summary) unfinished(pkg string) []key {
	var open []key
	for k := range s.output {
		if k.pkg == pkg && k.test != "" && !slices.Contains(s.failed, k) {
			open = append(open, k)
		}
	}
	slices.SortFunc(open, func(a, b key) int { return strings.Compare(a.test, b.test) })
	return open
}

func (s *summary) show(k key) {
	if b := s.output[k]; b != nil {
		s.out.Write(b.Bytes())
		delete(s.output, k)
	}
}

// close prints the skips, the failures and the counts, and returns the exit code.
func (s *summary) close(took time.Duration) int {
	for _, k := range s.skips {
		fmt.Fprintf(s.out, "skip %s %s: %s\n", k.pkg, k.test, k.reason)
	}
	for _, k := range s.failed {
		fmt.Fprintf(s.out, "FAIL %s %s\n", k.pkg, k.test)
	}
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped in %d packages (%d of them failed), %s\n",
		s.passed, len(s.failed), len(s.skips), s.pkgs, s.badPkgs, took.Round(time.Second))
	switch {
	case len(s.failed) > 0 || s.badPkgs > 0:
		return 1
	case s.passed == 0:
		fmt.Fprintln(s.out, "FAIL: no test ran")
		return 1
	}
	return 0
}

// reason picks out of a skipped test's output what it said, without the
// framework's own lines and the position.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if _, text, ok := strings.Cut(line, ".go:"); ok {
			if _, text, ok := strings.Cut(text, ": "); ok {
				line = text
			}
		}
		said = append(said, line)
	}
	return strings.Join(said, " ")
}
