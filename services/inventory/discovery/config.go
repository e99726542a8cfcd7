package discovery

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/ec2"
	"github.com/fiord-bench/fiord/services/inventory/side"
	"github.com/fiord-bench/fiord/services/inventory/source"
)

// Config is a configuration that was read and checked.
type Config struct {
	Sources   []Source
	Inventory ansible.Config
	SideFiles []SideFile
	// Warnings are what was passed over, as Ansible does, each with its line.
	Warnings []string
}

// Source is one place where machines are found; exactly one of the kinds is
// set.
type Source struct {
	// Name in snapshots and in discovery.requested; unique.
	Name string `yaml:"name"`
	// EC2 asks Amazon's API.
	EC2 *ec2.Config `yaml:"ec2"`
	// File is a document of a tool, or static YAML, of the kind Format.
	File   string      `yaml:"file"`
	Format source.Kind `yaml:"format"`
	// Docker engines by endpoint.
	Docker []string `yaml:"docker"`
	// Workers are the hosts in fiord's own registry.
	Workers bool `yaml:"workers"`
}

// SideFile is a file made beside the inventory.
type SideFile struct {
	// Name of the file, which is stored as side/<name>.
	Name string `yaml:"name"`
	// Template is the template itself, TemplateFile its file.
	Template     string `yaml:"template"`
	TemplateFile string `yaml:"template_file"`
}

// file is fiord's own YAML.
type file struct {
	Version        int        `yaml:"version"`
	Sources        []Source   `yaml:"sources"`
	SideFiles      []SideFile `yaml:"side_files"`
	ansible.Config `yaml:",inline"`
}

// maxFile bounds a configuration, in bytes.
const maxFile = 1 << 20

// Load reads the configuration in a file. Paths in it are relative to it.
// Options of Ansible's plugins that look the environment up get it from env.
func Load(path string, env Getenv) (*Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read discovery configuration: %w", err)
	}
	c, err := Parse(raw, filepath.Dir(path), env)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Parse reads a configuration. Paths in it are relative to dir.
func Parse(raw []byte, dir string, env Getenv) (*Config, error) {
	if len(raw) > maxFile {
		return nil, fmt.Errorf("larger than %d bytes", maxFile)
	}
	var kind struct {
		Plugin *string `yaml:"plugin"`
	}
	if err := yaml.Load(raw, &kind); err != nil {
		return nil, err
	}
	var c *Config
	var err error
	if kind.Plugin != nil {
		c, err = parsePlugin(raw, *kind.Plugin, env)
	} else {
		c, err = parseOwn(raw, dir)
	}
	if err != nil {
		return nil, err
	}
	return c, c.validate()
}

func parseOwn(raw []byte, dir string) (*Config, error) {
	var f file
	if err := yaml.Load(raw, &f, yaml.WithKnownFields()); err != nil {
		return nil, plainly(err)
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("version is %d: this fiord reads version 1", f.Version)
	}
	for i, s := range f.Sources {
		if s.File != "" && !filepath.IsAbs(s.File) {
			f.Sources[i].File = filepath.Join(dir, s.File)
		}
		if s.EC2 != nil {
			s.EC2.Name = s.Name
		}
	}
	for i := range f.SideFiles {
		if err := f.SideFiles[i].load(dir); err != nil {
			return nil, err
		}
	}
	return &Config{Sources: f.Sources, Inventory: f.Config, SideFiles: f.SideFiles}, nil
}

// unknownField is how the decoder speaks of an option that isn't there.
var unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)

// wrongKind is how the decoder speaks of a value of another kind.
var wrongKind = regexp.MustCompile("cannot construct (\\S+)(?: `([^`]*)`)? into (\\S+)")

// plainly reports a mistake in a file in the words of who wrote it.
func plainly(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: construct errors: ")
	text = unknownField.ReplaceAllString(text, `there is no option "$1"`)
	text = wrongKind.ReplaceAllStringFunc(text, func(s string) string {
		parts := wrongKind.FindStringSubmatch(s)
		return fmt.Sprintf("expected %s, found %s %s", kindOf(parts[3]), strings.TrimPrefix(parts[1], "!!"), parts[2])
	})
	return errors.New(text)
}

// kindOf names a kind of value without Go's types.
func kindOf(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"), strings.HasSuffix(goType, "Hostnames"):
		return "a list"
	case goType == "string":
		return "text"
	case goType == "bool", strings.HasSuffix(goType, "Bool"):
		return "true or false"
	case strings.HasPrefix(goType, "int"):
		return "a number"
	}
	return "a mapping"
}

func (s *SideFile) load(dir string) error {
	if s.TemplateFile == "" {
		return nil
	}
	path := s.TemplateFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("side file %s: %w", s.Name, err)
	}
	if s.Template != "" {
		return fmt.Errorf("side file %s has template and template_file", s.Name)
	}
	s.Template = string(raw)
	return nil
}

var sideName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// validate reports everything that is wrong.
func (c *Config) validate() error {
	errs := []error{c.Inventory.Validate()}
	seen := map[string]bool{}
	for i, s := range c.Sources {
		kinds := 0
		for _, set := range []bool{s.EC2 != nil, s.File != "", len(s.Docker) > 0, s.Workers} {
			if set {
				kinds++
			}
		}
		switch {
		case s.Name == "":
			errs = append(errs, fmt.Errorf("sources[%d] has no name", i))
		case seen[s.Name]:
			errs = append(errs, fmt.Errorf("two sources are named %s", s.Name))
		case kinds != 1:
			errs = append(errs, fmt.Errorf("source %s has %d of ec2, file, docker and workers, must have one", s.Name, kinds))
		case s.File != "" && !slices.Contains(source.Kinds(), s.Format):
			errs = append(errs, fmt.Errorf("source %s: format is %q, must be one of %v", s.Name, s.Format, source.Kinds()))
		}
		seen[s.Name] = true
		if s.EC2 != nil {
			_, err := ec2.New(*s.EC2)
			errs = append(errs, err)
		}
	}
	for _, f := range c.SideFiles {
		if !sideName.MatchString(f.Name) || strings.Contains(f.Name, "..") {
			errs = append(errs, fmt.Errorf("side file %q: a name has letters, digits, dots, hyphens and underscores", f.Name))
			continue
		}
		if f.Template == "" {
			errs = append(errs, fmt.Errorf("side file %s has no template", f.Name))
			continue
		}
		errs = append(errs, side.Check(f.Name, f.Template))
	}
	return errors.Join(errs...)
}
