// Package memory keeps what each job of each bench was last measured in on a
// host, so that a change is reported with what it consists of. Whether results may
// be compared is not decided here: only plot knows the baseline.
//
// One file for each job and point, in a folder of the worker's. A damaged file
// is begun anew.
package memory

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
	"github.com/fiord-bench/fiord/host/facts"
)

// Dir is the folder of the files.
type Dir string

// kept is how long a bench that is not run any more is remembered.
const kept = 180 * 24 * time.Hour

// memory is one file: the environment of the bench measured last, and of
// the bench before that.
type memory struct {
	Bench  string             `json:"bench"`
	Now    facts.Environment  `json:"now"`
	Before *facts.Environment `json:"before,omitempty"`
}

// Change is what is not as it was.
type Change struct {
	Since  time.Time // when it was otherwise
	Values []facts.Change
}

// Changed returns what is not as it was when the same job of another bench was
// last measured; nil when all that matters is. All runs of the bench report
// the same. subject names what results are compared by. It keeps env for the
// next time.
func (d Dir) Changed(bench string, subject []string, env facts.Environment) (*Change, error) {
	path := filepath.Join(string(d), events.HashID(append([]string{"environment"}, subject...)...)+".json")
	var m memory
	text, err := os.ReadFile(path) //nolint:gosec // below the worker's own state folder
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m = memory{}
	}
	if m.Bench != bench {
		if m.Bench != "" {
			was := m.Now
			m.Before = &was
		}
		m.Bench, m.Now = bench, env
		if err := keep(path, m); err != nil {
			return nil, err
		}
		forget(string(d), time.Now().Add(-kept))
	}
	if m.Before == nil || same(*m.Before, env) {
		return nil, nil //nolint:nilnil // nothing has changed
	}
	values, err := facts.Diff(*m.Before, env)
	return &Change{Since: m.Before.Taken, Values: values}, err
}

// same reports whether results of two environments may be compared: alike hosts,
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
		os.MkdirAll(filepath.Dir(path), 0o700),
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

// Finding says what changed. It does not count against the run itself, whose
// figures are what this host does now.
func (c Change) Finding() events.Finding {
	var said []string
	for _, v := range c.Values {
		said = append(said, v.String())
	}
	text := fmt.Sprintf("since %s: %s", c.Since.UTC().Format(time.RFC3339), strings.Join(said, "; "))
	if len(text) > maxEvidence {
		text = strings.ToValidUTF8(text[:maxEvidence], "") + "…"
	}
	return events.Finding{Check: "environment_changed", State: events.IntegrityOK, Evidence: text}
}

// maxEvidence is what a finding may carry, with an ellipsis.
const maxEvidence = 1000
