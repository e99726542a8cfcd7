package inventory

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/discovery"
	"github.com/fiord-bench/fiord/services/inventory/side"
)

// fileSet is the files of one inventory, written and not yet stored.
type fileSet struct{ files map[string]file }

type file struct {
	*spool
	media string
}

// mediaTypes of the files that every inventory has.
var mediaTypes = map[string]string{
	ansible.FileINI: "text/plain; charset=utf-8", ansible.FileYAML: "application/yaml", ansible.FileJSON: mediaJSON,
	ansible.FileScript: mediaJSON, ansible.FileExec: "text/x-python",
}

// writeFiles writes every format and side file.
func writeFiles(inv *ansible.Inventory, sides []discovery.SideFile) (_ *fileSet, err error) {
	set := &fileSet{files: map[string]file{}}
	defer func() {
		if err != nil {
			set.remove()
		}
	}()
	outputs := map[string]io.Writer{}
	for _, name := range ansible.Files() {
		f, err := set.add(name, mediaTypes[name])
		if err != nil {
			return nil, err
		}
		outputs[name] = f
	}
	if err := inv.Write(outputs); err != nil {
		return nil, err
	}
	if len(sides) == 0 {
		return set, nil
	}
	data := side.Of(inv)
	for _, s := range sides {
		content, deferred, err := side.Make(s.Name, s.Template, data)
		if err != nil {
			return nil, bus.Permanent(err)
		}
		media := "text/plain; charset=utf-8"
		if deferred {
			media = side.MediaTemplate
		}
		f, err := set.add("side/"+s.Name, media)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(content); err != nil {
			return nil, fmt.Errorf("write side file %s: %w", s.Name, err)
		}
	}
	return set, nil
}

func (s *fileSet) add(name, media string) (*spool, error) {
	f, err := newSpool()
	if err != nil {
		return nil, err
	}
	s.files[name] = file{f, media}
	return f, nil
}

func (s *fileSet) names() []string { return slices.Sorted(maps.Keys(s.files)) }

// id follows from the content of all files, so that what didn't change has the
// same, and from whether something is missing.
func (s *fileSet) id(complete bool) string {
	parts := []string{"inventory", fmt.Sprint(complete)}
	for _, name := range s.names() {
		parts = append(parts, name, s.files[name].sum())
	}
	return events.HashID(parts...)
}

func (s *fileSet) remove() {
	for _, f := range s.files {
		f.spool.remove()
	}
}
