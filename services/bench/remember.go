package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/bench/facts"
)

// memoryDir below the state folder holds what each job of each bench was last
// measured in on this host, so that a change is told with what it consists of.
// Whether results may be compared is plot's to decide: it knows the baseline.
const memoryDir = "environments"

// memoryAge is how long a bench that is not run any more is remembered.
const memoryAge = 180 * 24 * time.Hour

// memory is one such file: the environment of the bench measured last, and of
// the bench before that.
type memory struct {
	Bench  string             `json:"bench"`
	Now    facts.Environment  `json:"now"`
	Before *facts.Environment `json:"before,omitempty"`
}

// changed tells what is not as it was when the same job of another bench of the
// same name was last measured here; nil when all that matters is. It keeps env
// for the next time.
func (r *run) changed(env facts.Environment) ([]facts.Change, time.Time, error) {
	path := r.memoryPath()
	var m memory
	text, err := os.ReadFile(path) //nolint:gosec // below the worker's own state folder
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m = memory{} // a damaged file is begun anew
	}
	if m.Bench != r.inv.Bench {
		if m.Bench != "" {
			was := m.Now
			m.Before = &was
		}
		m.Bench, m.Now = r.inv.Bench, env
		if err := keep(path, m); err != nil {
			return nil, time.Time{}, err
		}
		forget(filepath.Dir(path), time.Now().Add(-memoryAge))
	}
	if m.Before == nil || same(*m.Before, env) {
		return nil, time.Time{}, nil
	}
	changes, err := facts.Diff(*m.Before, env)
	return changes, m.Before.Taken, err
}

// memoryPath is named by what results are compared by.
func (r *run) memoryPath() string {
	repo := ""
	if r.list.Origin != nil {
		repo = r.list.Origin.Repo.Name
	}
	name := events.HashID("environment", repo, r.inv.Name, r.inv.Job, r.inv.Point.Key())
	return filepath.Join(r.service.cfg.StateDir, memoryDir, name+".json")
}

// same tells whether results of two environments may be compared: alike hosts,
// and not only alike devices but the same one.
func same(a, b facts.Environment) bool {
	return a.HostClass == b.HostClass && a.DeviceClass == b.DeviceClass && slices.Equal(a.Target.Identities(), b.Target.Identities())
}

// keep writes the file at once or not at all.
func keep(path string, m memory) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode environment: %w", err)
	}
	err = errors.Join(
		os.MkdirAll(filepath.Dir(path), 0o750),
		os.WriteFile(path+".new", text, 0o600),
		os.Rename(path+".new", path),
	)
	if err != nil {
		return fmt.Errorf("keep environment: %w", err)
	}
	return nil
}

// forget removes what was written last before a time. What cannot be removed is
// tried again by the next bench.
func forget(dir string, before time.Time) {
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		if info, err := f.Info(); err == nil && info.ModTime().Before(before) {
			_ = os.Remove(filepath.Join(dir, f.Name()))
		}
	}
}

// environmentChanged makes a finding of what changed. It does not count against
// the run itself, whose figures are what this host does now.
func environmentChanged(changes []facts.Change, since time.Time) events.Finding {
	var said []string
	for _, c := range changes {
		said = append(said, c.String())
	}
	return events.Finding{
		Check: "environment_changed", State: events.IntegrityOK,
		Evidence: clip(fmt.Sprintf("since %s: %s", since.UTC().Format(time.RFC3339), strings.Join(said, "; ")), 1000),
	}
}
