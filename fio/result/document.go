package result

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// DocumentVersion is the version of Document that this package writes. Fields
// are only ever added within a version.
const DocumentVersion = 1

// Document is fiord's result.json: everything that fio measured, typed, in
// base units, with histograms as pairs of nanoseconds and counts.
type Document struct {
	Version    int         `json:"version"`
	FioVersion string      `json:"fio_version"`
	Finished   time.Time   `json:"finished,omitzero"`
	Summary    Summary     `json:"summary"`
	Globals    [][]Setting `json:"global_options,omitempty"`
	Jobs       []Job       `json:"jobs"`
	Disks      []Disk      `json:"disks,omitempty"`
	Noise      []Noise     `json:"noise,omitempty"`      // lines that fio printed around its JSON
	NoiseMore  int         `json:"noise_more,omitempty"` // lines beyond those kept
	Warnings   []string    `json:"warnings,omitempty"`
}

// Document makes the document of an output.
func (o *Output) Document() *Document {
	return &Document{
		Version: DocumentVersion, FioVersion: o.Version, Finished: o.Time, Summary: o.Summary(),
		Globals: o.Globals, Jobs: o.Jobs, Disks: o.Disks,
		Noise: o.Noise, NoiseMore: o.NoiseMore, Warnings: o.Warnings,
	}
}

// Write writes the document as indented JSON.
func (d *Document) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	if err := enc.Encode(d); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// ReadDocument reads a document of a version that this package knows.
func ReadDocument(r io.Reader) (*Document, error) {
	var d Document
	if err := json.NewDecoder(io.LimitReader(r, MaxBytes)).Decode(&d); err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	if d.Version != DocumentVersion {
		return nil, fmt.Errorf("read result: version %d, this program reads %d", d.Version, DocumentVersion)
	}
	if len(d.Summary.Sections) == 0 && len(d.Jobs) > 0 { // from before there were sections in it

		d.Summary = (&Output{Jobs: d.Jobs, Globals: d.Globals}).Summary()
	}
	return &d, nil
}
