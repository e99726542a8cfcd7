package differential

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/fiord-bench/fiord/fio/job"
)

// witness knows what a job file was said to touch.
type witness struct{ touches []job.Touch }

func newWitness(file *job.File) *witness {
	w := &witness{}
	for _, j := range file.Jobs() {
		touches, _ := j.Touches()
		w.touches = append(w.touches, touches...)
	}
	return w
}

// called is a line of strace's: "123 openat(AT_FDCWD, "a", O_RDWR|O_CREAT, 0644) = 3".
var (
	called  = regexp.MustCompile(`^\d+ +(\w+)\((.*)`)
	aString = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
)

// judge returns the calls that change something which was not announced, each
// kind once.
func (w *witness) judge(trace string) []string {
	var out []string
	seen := map[string]bool{}
	for line := range strings.Lines(trace) {
		m := called.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if bad := w.call(m[1], strings.TrimSpace(m[2])); bad != "" && !seen[bad] {
			seen[bad] = true
			out = append(out, bad)
		}
	}
	return out
}

// call judges one call, and returns what is wrong with it.
func (w *witness) call(name, args string) string {
	var paths []string
	for _, m := range aString.FindAllStringSubmatch(args, -1) {
		paths = append(paths, m[1])
	}
	breach := func(path string) string { return fmt.Sprintf("touch: %s %s (%s)", name, path, args) }
	switch {
	case name == "fallocate" || name == "ftruncate":
		return "" // of something open already
	case name == "execve" || name == "execveat":
		if len(paths) > 0 && filepath.Base(paths[0]) == "fio" {
			return ""
		}
		return breach("")
	case name == "connect" || name == "bind" || name == "mount":
		if strings.Contains(args, "AF_UNIX") && (strings.Contains(args, "nscd") || strings.Contains(args, "/dev/log")) {
			return "" // the C library looking a user up
		}
		return breach("")
	case strings.HasPrefix(name, "open"):
		if !strings.Contains(args, "O_WRONLY") && !strings.Contains(args, "O_RDWR") && !strings.Contains(args, "O_CREAT") && !strings.Contains(args, "O_TRUNC") {
			return ""
		}
	}
	if len(paths) == 0 {
		return breach("")
	}
	if fioOwn(paths[0]) {
		return ""
	}
	if strings.HasPrefix(name, "rename") || strings.HasPrefix(name, "link") || strings.HasPrefix(name, "symlink") {
		return breach(paths[0]) // fio does none of it
	}
	if w.permits(name, args, paths[0]) {
		return ""
	}
	return breach(paths[0])
}

// fioOwn are files that fio opens for itself.
func fioOwn(path string) bool {
	switch path {
	case "/dev/null", "/dev/urandom", "/dev/random", filepath.Join(scratchDir, "fio.json"):
		return true
	}
	// The library that lets its clock run ahead keeps a semaphore there; see fast.
	return strings.HasPrefix(path, "/dev/shm/faketime_shm_") || strings.HasPrefix(path, "/dev/shm/sem.")
}

func (w *witness) permits(name, args, path string) bool {
	at := path
	if !filepath.IsAbs(at) {
		at = filepath.Join(dataDir, at)
	}
	at = filepath.Clean(at)
	for _, t := range w.touches {
		for _, own := range places(t) {
			switch {
			case at == own, t.Tree && strings.HasPrefix(at, own+"/"):
				if mayDo(name, args, t) {
					return true
				}
			case strings.HasPrefix(own, at+"/") && strings.HasPrefix(name, "mkdir"):
				return true // a folder on the way
			}
		}
	}
	return false
}

// places are where a touch leads: what fio keeps of its state goes to the
// attempt's folder.
func places(t job.Touch) []string {
	if filepath.IsAbs(t.Path) {
		return []string{filepath.Clean(t.Path)}
	}
	out := []string{filepath.Join(dataDir, t.Path)}
	if t.Aux {
		return []string{filepath.Join(scratchDir, t.Path)}
	}
	return out
}

// mayDo tells whether the kind of access was announced.
func mayDo(name, args string, t job.Touch) bool {
	switch {
	case strings.HasPrefix(name, "unlink"), name == "rmdir":
		return t.Access.Has(job.Delete | job.Write | job.Create) // a file is removed before it is laid out anew
	case strings.HasPrefix(name, "mkdir"), strings.Contains(args, "O_CREAT"), name == "creat":
		return t.Access.Has(job.Create | job.Write)
	}
	return t.Access.Has(job.Write | job.Trim | job.Create)
}
