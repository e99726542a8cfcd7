package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// FileVariable names the YAML file where no --config flag does.
const FileVariable = EnvPrefix + "CONFIG"

// serviceLink matches what Kubernetes adds to the environment of every pod
// when a Service is called fiord-something: nobody wrote those.
var serviceLink = regexp.MustCompile(`_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$`)

func (s *Set) readEnviron(src Source) (*layer, error) {
	l := newLayer()
	known := s.variables()
	var problems []error
	for _, pair := range src.Environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, EnvPrefix) {
			continue
		}
		switch key, ok := known[name]; {
		case ok && strings.HasSuffix(name, "_FILE") && s.byKey[key].Env != name:
			problems = append(problems, l.setSecretFile(key, value, name))
		case ok:
			l.set(key, value, name)
		case !s.foreignVariable(name):
			problems = append(problems, fmt.Errorf("%s is not a setting%s", name, didYouMean(name, keys(known))))
		}
	}
	return l, errors.Join(problems...)
}

// variables maps each variable that is read to the key it sets.
func (s *Set) variables() map[string]string {
	known := map[string]string{}
	for _, f := range s.fields {
		if f.Env == "" {
			continue
		}
		known[f.Env] = f.Key
		if f.secret() {
			known[f.Env+"_FILE"] = f.Key
		}
	}
	return known
}

// foreignVariable says whether name, which is no setting of ours, may stand in
// the environment nevertheless.
func (s *Set) foreignVariable(name string) bool {
	if name == FileVariable || strings.HasPrefix(name, EnvPrefix+"TEST_") {
		return true
	}
	for _, sibling := range s.siblings {
		if own := EnvPrefix + strings.ToUpper(sibling); name == own || strings.HasPrefix(name, own+"_") {
			return true
		}
	}
	return serviceLink.MatchString(name)
}

// AddFlags declares a flag for each setting. Secrets get --name-file only:
// anybody on the host can read a command line.
func (s *Set) AddFlags(flags *pflag.FlagSet) {
	for _, f := range s.fields {
		if f.Flag == "" {
			continue
		}
		v := &flagValue{kind: f.Type, text: f.Default}
		name, help := f.Flag, f.Help
		if f.secret() {
			name, help, v.kind = name+"-file", help+" (name of a file)", "file"
		}
		flag := flags.VarPF(v, name, "", help)
		if f.Type == "bool" {
			flag.NoOptDefVal = "true"
		}
	}
}

func (s *Set) readFlags(src Source) (*layer, error) {
	l := newLayer()
	if src.Flags == nil {
		return l, nil
	}
	var problems []error
	for _, f := range s.fields {
		name := f.Flag
		if f.secret() {
			name += "-file"
		}
		flag := src.Flags.Lookup(name)
		if f.Flag == "" || flag == nil || !flag.Changed {
			continue
		}
		if f.secret() {
			problems = append(problems, l.setSecretFile(f.Key, flag.Value.String(), "--"+name))
			continue
		}
		l.set(f.Key, flag.Value.String(), "--"+name)
	}
	return l, errors.Join(problems...)
}

// flagValue keeps the text of a flag; given twice, lists and maps grow.
type flagValue struct {
	kind, text string
	given      bool
}

func (v *flagValue) Type() string   { return v.kind }
func (v *flagValue) String() string { return v.text }

func (v *flagValue) Set(text string) error {
	if v.given && (v.kind == "list" || v.kind == "map") {
		text = v.text + "," + text
	}
	v.text, v.given = text, true
	return nil
}

// keys are sorted, so that messages do not change from run to run.
func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
