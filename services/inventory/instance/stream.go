package instance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Write writes the snapshot as one JSON object, an instance a line, without
// holding the whole document in memory.
func (s *Snapshot) Write(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	head, err := json.Marshal(struct {
		At      any `json:"at"`
		Sources any `json:"sources"`
	}{s.At, s.Sources})
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	b.Write(head[:len(head)-1])
	b.WriteString(`,"instances":[`)
	for i := range s.Instances {
		raw, err := Encode(&s.Instances[i])
		if err != nil {
			return fmt.Errorf("write snapshot: instance %s: %w", s.Instances[i].ID, err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(raw)
	}
	b.WriteString("\n]}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// Read reads what Write wrote, an instance at a time.
func Read(r io.Reader) (*Snapshot, error) {
	d := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
	s := &Snapshot{}
	if err := expect(d, json.Delim('{')); err != nil {
		return nil, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("read snapshot: %w", err)
		}
		switch key {
		case "at":
			err = d.Decode(&s.At)
		case "sources":
			err = d.Decode(&s.Sources)
		case "instances":
			err = s.readInstances(d)
		default:
			var ignored json.RawMessage
			err = d.Decode(&ignored)
		}
		if err != nil {
			return nil, fmt.Errorf("read snapshot: %v: %w", key, err)
		}
	}
	// The closing brace, and then the end: a reader that verifies what it reads
	// tells so only there.
	if err := expect(d, json.Delim('}')); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("read snapshot: after its end: %w", err)
	}
	return s, nil
}

func (s *Snapshot) readInstances(d *json.Decoder) error {
	if err := expect(d, json.Delim('[')); err != nil {
		return err
	}
	for d.More() {
		var i Instance
		if err := d.Decode(&i); err != nil {
			return err
		}
		if err := i.Validate(); err != nil {
			return err
		}
		if !isCompact(i.Vars) {
			canonical, err := Canonical(i.Vars)
			if err != nil {
				return fmt.Errorf("instance %s: %w", i.ID, err)
			}
			i.Vars = canonical
		}
		s.Instances = append(s.Instances, i)
	}
	return expect(d, json.Delim(']'))
}

func expect(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	if t != want {
		return fmt.Errorf("read snapshot: found %v, expected %v", t, want)
	}
	return nil
}
