package ansible

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/tidwall/gjson"
)

// Diff is what changed from one inventory to the next.
type Diff struct {
	Added   []string  `json:"added,omitempty"`
	Removed []string  `json:"removed,omitempty"`
	Changed []Changed `json:"changed,omitempty"`
}

// Changed is a host that is in both and differs.
type Changed struct {
	Host string `json:"host"`
	// Fields are the variables that were added, removed or changed.
	Fields []string `json:"fields"`
}

// maxLine bounds a host's line of a file, in bytes.
const maxLine = 16 << 20

// Compare finds the difference of two files of the kind FileJSON. Both have
// their hosts in order and one a line, so that neither is held in memory.
func Compare(before, after io.Reader) (*Diff, error) {
	old, err := newHostReader(before)
	if err != nil {
		return nil, err
	}
	now, err := newHostReader(after)
	if err != nil {
		return nil, err
	}
	d := &Diff{}
	for old.ok || now.ok {
		switch {
		case !now.ok || old.ok && old.name < now.name:
			d.Removed = append(d.Removed, old.name)
			old.next()
		case !old.ok || now.name < old.name:
			d.Added = append(d.Added, now.name)
			now.next()
		default:
			if !bytes.Equal(old.vars, now.vars) {
				d.Changed = append(d.Changed, Changed{now.name, changedFields(old.vars, now.vars)})
			}
			old.next()
			now.next()
		}
	}
	// To the end: a reader that verifies what it reads tells so only there.
	for _, r := range []*hostReader{old, now} {
		if err := r.finish(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// hostReader reads the lines of hosts.
type hostReader struct {
	lines *bufio.Scanner
	name  string
	vars  []byte
	ok    bool // a host has been read
}

func newHostReader(r io.Reader) (*hostReader, error) {
	h := &hostReader{lines: bufio.NewScanner(r)}
	h.lines.Buffer(make([]byte, 1<<16), maxLine)
	if !h.lines.Scan() {
		return nil, fmt.Errorf("compare inventories: %w", io.ErrUnexpectedEOF)
	}
	h.next()
	return h, nil
}

func (h *hostReader) next() {
	h.ok = false
	if !h.lines.Scan() {
		return
	}
	line := bytes.TrimSuffix(h.lines.Bytes(), []byte{','})
	if len(line) == 0 || line[0] != '"' {
		return // the end of the hosts
	}
	end := bytes.Index(line, []byte(`": {`))
	if end < 0 {
		return
	}
	h.ok, h.name = true, gjson.ParseBytes(line[:end+1]).String()
	h.vars = append(h.vars[:0], line[end+3:]...)
}

func (h *hostReader) finish() error {
	for h.lines.Scan() {
	}
	if err := h.lines.Err(); err != nil {
		return fmt.Errorf("compare inventories: %w", err)
	}
	return nil
}

// changedFields names the variables that differ, in order.
func changedFields(before, after []byte) []string {
	old := map[string]string{}
	gjson.ParseBytes(before).ForEach(func(k, v gjson.Result) bool {
		old[k.String()] = v.Raw
		return true
	})
	var fields []string
	gjson.ParseBytes(after).ForEach(func(k, v gjson.Result) bool {
		if raw, had := old[k.String()]; !had || raw != v.Raw {
			fields = append(fields, k.String())
		}
		delete(old, k.String())
		return true
	})
	for name := range old {
		fields = append(fields, name)
	}
	slices.Sort(fields)
	return fields
}
