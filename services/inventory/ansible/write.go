package ansible

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// The formats that an inventory is written in, by the names of their files.
const (
	FileINI    = "hosts.ini"   // Ansible's INI
	FileYAML   = "hosts.yaml"  // Ansible's YAML
	FileJSON   = "hosts.json"  // the YAML inventory's shape as JSON, one host a line
	FileScript = "script.json" // what an inventory script prints for --list
	FileExec   = "hosts.py"    // such a script
)

// Files are the formats in the order in which they are listed.
func Files() []string { return []string{FileINI, FileYAML, FileJSON, FileScript, FileExec} }

// format writes one file: the hosts with their variables first, then the
// groups. Errors of the writer stay in it until it is flushed.
type format interface {
	begin(w *bufio.Writer)
	// host gets the variables, and them as jsonHost writes them.
	host(w *bufio.Writer, name string, vars []variable, json []byte)
	groups(w *bufio.Writer, groups []*Group, ungrouped []string)
}

// formatOf makes the writer of a file.
func formatOf(file string) (format, error) {
	switch file {
	case FileINI:
		return &iniFormat{}, nil
	case FileYAML:
		return &yamlFormat{}, nil
	case FileJSON:
		return &jsonFormat{}, nil
	case FileScript:
		return &scriptFormat{newline: "\n"}, nil
	case FileExec:
		return &execFormat{scriptFormat{newline: "\n" + comment}}, nil
	}
	return nil, fmt.Errorf("no inventory format is named %s", file)
}

// Write writes the inventory in every format of outputs, by file name. A
// host's variables are computed once for all of them, and kept for none.
func (inv *Inventory) Write(outputs map[string]io.Writer) error {
	type sink struct {
		format
		w *bufio.Writer
	}
	var sinks []sink
	for _, file := range sortedKeys(outputs) {
		f, err := formatOf(file)
		if err != nil {
			return err
		}
		sinks = append(sinks, sink{f, bufio.NewWriterSize(outputs[file], 1<<16)})
	}
	for _, s := range sinks {
		s.begin(s.w)
	}
	var ungrouped []string
	var member bytes.Buffer
	variables := lister{config: inv.config}
	memberWriter := bufio.NewWriter(&member)
	for _, h := range inv.Hosts {
		vars := variables.vars(h)
		member.Reset()
		jsonHost(memberWriter, h.Name, vars)
		if err := memberWriter.Flush(); err != nil {
			return fmt.Errorf("write inventory: %w", err)
		}
		for _, s := range sinks {
			s.host(s.w, h.Name, vars, member.Bytes())
		}
		if !h.grouped {
			ungrouped = append(ungrouped, h.Name)
		}
	}
	for _, s := range sinks {
		s.groups(s.w, inv.Groups, ungrouped)
		if err := s.w.Flush(); err != nil {
			return fmt.Errorf("write inventory: %w", err)
		}
	}
	return nil
}
