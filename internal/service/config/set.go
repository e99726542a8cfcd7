package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// A Section is one struct of settings.
type Section struct {
	Name  string // its key in the file; "" for settings at the top level
	Value any    // pointer to a struct that holds the defaults
	Bare  bool   // its flags are named without Name
}

// A Validator is a section that can judge its values as a whole. Its errors
// name the settings by their key inside the section.
type Validator interface{ Validate() error }

// A Set is all of the settings of one program.
type Set struct {
	fields   []Field
	byKey    map[string]*Field
	sections []Section
	siblings []string
}

// New describes the sections of a program. siblings are the names of sections
// that the same file and environment may hold for other programs; those among
// them that this program has are its own nevertheless. The errors
// are mistakes of the programmer: a field without a tag, or two settings that
// would share a key, a flag or a variable.
func New(sections []Section, siblings ...string) (*Set, error) {
	s := &Set{byKey: map[string]*Field{}, sections: sections}
	for _, section := range sections {
		v := reflect.ValueOf(section.Value)
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			return nil, fmt.Errorf("describe section %q: %T is not a pointer to a struct", section.Name, section.Value)
		}
		bare := ""
		if section.Bare {
			bare = section.Name + "."
		}
		fields, err := describe(v.Elem(), section.Name, bare)
		if err != nil {
			return nil, err
		}
		s.fields = append(s.fields, fields...)
	}
	err := s.index()
	s.siblings = slices.DeleteFunc(slices.Clone(siblings), func(name string) bool {
		return s.byKey[name] != nil || s.hasGroup(name)
	})
	return s, err
}

// index fills byKey and finds settings that would be mistaken for each other.
func (s *Set) index() error {
	seen := map[string]string{}
	for i := range s.fields {
		f := &s.fields[i]
		s.byKey[f.Key] = f
		for _, name := range []string{"key " + f.Key, "flag --" + f.Flag, "variable " + f.Env} {
			if other, taken := seen[name]; taken && f.Flag != "" {
				return fmt.Errorf("describe settings: %s and %s share the %s", other, f.Key, name)
			}
			seen[name] = f.Key
		}
	}
	return nil
}

// Fields lists the settings in the order of their declaration.
func (s *Set) Fields() []Field { return slices.Clone(s.fields) }

// A Source is where a Set is loaded from.
type Source struct {
	File    string         // YAML file; "" for none
	Environ []string       // NAME=value, as os.Environ returns it
	Flags   *pflag.FlagSet // parsed, with the flags of AddFlags; nil for none
}

// Load lays the layers of src over the sections' values and validates them.
// The error lists everything that is wrong, a line each, and says where.
func (s *Set) Load(src Source) error {
	layers := []func(Source) (*layer, error){s.readFile, s.readEnviron, s.readFlags}
	merged, origins := koanf.New("."), map[string]string{}
	var problems []error
	for _, read := range layers {
		l, err := read(src)
		problems = append(problems, err)
		if err := merged.Load(l, nil); err != nil {
			return fmt.Errorf("merge settings: %w", err)
		}
		for key, origin := range l.origins {
			origins[key] = origin
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	for _, f := range s.fields {
		if origin, given := origins[f.Key]; given {
			problems = append(problems, f.decode(merged, origin))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	return s.validate()
}

func (s *Set) validate() error {
	var problems []error
	for _, section := range s.sections {
		v, ok := section.Value.(Validator)
		if !ok {
			continue
		}
		if err := v.Validate(); err != nil {
			problems = append(problems, prefixed(section.Name, err))
		}
	}
	return errors.Join(problems...)
}

func prefixed(section string, err error) error {
	if section == "" {
		return err
	}
	return fmt.Errorf("%s: %w", section, err)
}

// A layer is what one source says, by key; it implements [koanf.Provider].
type layer struct {
	values  map[string]any    // nested as the keys are
	origins map[string]string // key → "fiord.yaml:12", "FIORD_X", "--x"
}

func newLayer() *layer {
	return &layer{values: map[string]any{}, origins: map[string]string{}}
}

// Read implements [koanf.Provider].
func (l *layer) Read() (map[string]any, error) { return l.values, nil }

// ReadBytes implements [koanf.Provider]; layers are parsed already.
func (l *layer) ReadBytes() ([]byte, error) { return nil, errors.ErrUnsupported }

// set stores value under the dotted key.
func (l *layer) set(key string, value any, origin string) {
	l.origins[key] = origin
	parts := strings.Split(key, ".")
	at := l.values
	for _, part := range parts[:len(parts)-1] {
		next, ok := at[part].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[part] = next
		}
		at = next
	}
	at[parts[len(parts)-1]] = value
}

// setSecretFile stores what the file at path holds, without the newline that
// editors and secret stores put at the end.
func (l *layer) setSecretFile(key, path, origin string) error {
	text, err := readSecret(path)
	if err != nil {
		return fmt.Errorf("%s: read secret: %w", origin, err)
	}
	l.set(key, text, origin)
	return nil
}

func readSecret(path string) (string, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	return strings.TrimRight(string(text), "\r\n"), err
}
