package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/ingest/checkout"
)

type document struct {
	Version  int       `yaml:"version"`
	Webhooks []Webhook `yaml:"webhooks"`
	Events   []Sender  `yaml:"events"`
	Git      []gitKey  `yaml:"git"`
}

type gitKey struct {
	checkout.Credential `yaml:",inline"`
	TokenFile           string `yaml:"token_file,omitempty"`
}

// Load reads a keys file and the files that it names, which must be readable
// by their owner alone.
func Load(path string) (*Ring, error) {
	src, err := private(path)
	if err != nil {
		return nil, err
	}
	var doc document
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if doc.Version != 1 {
		return nil, fmt.Errorf("%s: version is %d: this fiord reads version 1", path, doc.Version)
	}
	r, err := doc.ring(filepath.Dir(path))
	if err == nil {
		err = r.validate()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// ring resolves the files; relative names are relative to the keys file.
func (doc document) ring(dir string) (*Ring, error) {
	var errs []error
	fill := func(id string, value *string, file string) {
		switch {
		case file == "":
			return
		case *value != "":
			errs = append(errs, fmt.Errorf("%s: give the secret or a file of it, not both", id))
			return
		case !filepath.IsAbs(file):
			file = filepath.Join(dir, file)
		}
		content, err := private(file)
		*value = strings.TrimSpace(string(content))
		errs = append(errs, err)
	}
	for i := range doc.Webhooks {
		fill(doc.Webhooks[i].ID, &doc.Webhooks[i].Secret, doc.Webhooks[i].SecretFile)
	}
	for i := range doc.Events {
		fill(doc.Events[i].ID, &doc.Events[i].Token, doc.Events[i].TokenFile)
	}
	r := &Ring{webhooks: doc.Webhooks, senders: doc.Events}
	for i := range doc.Git {
		fill(doc.Git[i].URL, &doc.Git[i].Token, doc.Git[i].TokenFile)
		r.git = append(r.git, doc.Git[i].Credential)
	}
	return r, errors.Join(errs...)
}

// private reads a file that nobody but its owner may write, and nobody outside
// its group may read.
func private(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	const othersOrGroupWrite fs.FileMode = 0o027
	if mode := info.Mode().Perm(); mode&othersOrGroupWrite != 0 {
		return nil, fmt.Errorf("read keys: %s has mode %04o: chmod 600 it, or 640 for a group of readers", path, mode)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return content, nil
}
