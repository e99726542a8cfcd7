package guard

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/host/block"
)

// MayMount reports why a path that an option of a volume names must not be
// mounted; nil if it may. It is judged like a path in a job file that is
// written: it must lie in one of the allowed directories, or be a device that
// may be overwritten and that nothing else uses. Below is a folder that the
// owner has named for it in his own setting, empty for none; the path must then
// stay below it with links followed.
func (g *Guard) MayMount(at, below string) error {
	at = filepath.Clean(at)
	where, err := locate(g.sys, at)
	if leadsNowhere(err) {
		return fmt.Errorf("%s leads nowhere (%w)", at, errors.Unwrap(err))
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", at, err)
	}
	switch where.kind {
	case kindSpecial:
		return fmt.Errorf("%s is a %s", at, where.what)
	case kindBlock:
		return g.mayMountDevice(at, where.device)
	case kindMissing, kindFile, kindDir:
	}
	dirs := g.policy.Directories
	if below != "" {
		dirs = append([]string{below}, dirs...)
	}
	for _, dir := range dirs {
		real, err := filepath.EvalSymlinks(dir)
		if err == nil && within(at, dir) && within(where.real, real) {
			return nil
		}
	}
	if where.real != at {
		at += ", which leads to " + where.real + ","
	}
	return fmt.Errorf("%s is outside the directories that this host allows (%s)", at, list(dirs))
}

// mayMountDevice judges a device as one that a job would overwrite.
func (g *Guard) mayMountDevice(at string, dev block.Device) error {
	c := checker{guard: g, devices: map[string]bool{}, touched: map[string]bool{}}
	t := job.Touch{Path: at, Access: job.Write}
	if err := c.device(t, at, location{kind: kindBlock, real: at, device: dev}); err != nil {
		return err
	}
	if len(c.problems) == 0 {
		return nil
	}
	var why []string
	for _, p := range c.problems {
		why = append(why, p.Message)
	}
	return errors.New(strings.Join(why, "; "))
}
