package dropin

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/host/guard"
)

// Variables that the commands read.
const (
	varJobs        = "JOBFILES"
	varRemote      = "REMOTEFILES"
	varTitle       = "PLOTNAME"
	varWindow      = "LOG_MS"
	varPrivate     = "FIORD_ALLOW_PRIVATE"
	varMounts      = "FIORD_ALLOW_MOUNTS"
	varDestructive = "FIORD_ALLOW_DESTRUCTIVE"
	varServe       = "FIORD_SERVE"
)

// DataDir is where the old images kept everything.
const DataDir = "/tmp/fio-data"

// When the page is served.
const (
	serveAlways  = "always"  // whatever became of the run, as it always was
	serveSuccess = "success" // only if all went well; else the command ends
	serveNever   = "never"
)

// settings are what the environment asks for.
type settings struct {
	Jobs        []string // names as given
	Remote      []remote
	Title       string
	Window      time.Duration // that logs are averaged over
	Private     bool          // remote files may come from private addresses
	Mounts      bool          // what is mounted may be measured
	Destructive []string      // paths of devices that may be overwritten
	Serve       string
}

// remote is a file to be downloaded.
type remote struct {
	URL  string
	Name string // in the data folder
}

// settingsOf reads the environment. exists tells whether a name is that of a
// file, for values that could be one name with spaces or several without.
func settingsOf(env map[string]string, exists func(string) bool) (settings, error) {
	s := settings{Title: env[varTitle], Window: 500 * time.Millisecond, Serve: serveAlways}
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	var err error
	if s.Remote, err = remotes(env[varRemote]); err != nil {
		errs = append(errs, err)
	}
	if s.Jobs, err = names(env[varJobs], func(name string) bool {
		return exists(name) || slices.ContainsFunc(s.Remote, func(r remote) bool { return r.Name == name })
	}); err != nil {
		fail("%s: %w", varJobs, err)
	} else if len(s.Jobs) == 0 {
		fail("%s is not set: name the job files to run, such as %s=job.fio", varJobs, varJobs)
	}
	if text := env[varWindow]; text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms < 1 || ms > 3_600_000 {
			fail("%s is %q: want milliseconds, 1 to 3600000", varWindow, text)
		}
		s.Window = time.Duration(ms) * time.Millisecond
	}
	for name, to := range map[string]*bool{varPrivate: &s.Private, varMounts: &s.Mounts} {
		if *to, err = truth(env[name]); err != nil {
			fail("%s: %w", name, err)
		}
	}
	if s.Destructive, err = words(env[varDestructive]); err != nil {
		fail("%s: %w", varDestructive, err)
	}
	for _, d := range s.Destructive {
		if !strings.HasPrefix(d, "/dev/") || filepath.Clean(d) != d {
			fail("%s names %q: want paths of devices, such as /dev/sdb", varDestructive, d)
		}
	}
	if text := env[varServe]; text != "" {
		s.Serve = text
	}
	if !slices.Contains([]string{serveAlways, serveSuccess, serveNever}, s.Serve) {
		fail("%s is %q: want always, success or never", varServe, s.Serve)
	}
	return s, errors.Join(errs...)
}

func truth(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "", "0", "no", "false", "off":
		return false, nil
	case "1", "yes", "true", "on":
		return true, nil
	}
	return false, fmt.Errorf("%q: want yes or no", text)
}

// remotes reads a list of URLs. The name of each file is the last part of its
// path, as wget would have it.
func remotes(text string) ([]remote, error) {
	list, err := words(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", varRemote, err)
	}
	var out []remote
	for _, address := range list {
		u, err := url.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", varRemote, err)
		}
		name := path.Base(u.Path)
		switch {
		case name == "." || name == "/" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\x00\n\r"):
			return nil, fmt.Errorf("%s: %s does not end in the name of a file", varRemote, address)
		case slices.ContainsFunc(out, func(r remote) bool { return r.Name == name }):
			return nil, fmt.Errorf("%s: two files are named %s: one would overwrite the other", varRemote, name)
		}
		out = append(out, remote{address, name})
	}
	return out, nil
}

// dataDir checks the folder that will be cleared.
func dataDir(dir string) error {
	if err := (guard.Policy{Directories: []string{dir}}).Validate(); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}
