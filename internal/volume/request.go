package volume

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
)

// Rule is the rule of the problems reported here.
const Rule = "volume"

// Options of a bench that problems name.
const (
	optionName    = "volume"
	optionDriver  = "volume_driver"
	optionOptions = "volume_options"
)

// Request is what a bench asks for.
type Request struct {
	Volume  string            // name or name@profile
	Driver  string            // empty for the host's choice
	Options map[string]string // on top of the profile's
}

// Volume is what the engine is asked for.
type Volume struct {
	Name    string
	Driver  string
	Options map[string]string
	Fresh   bool
}

// Places judges paths of this host. Its method returns why a path that an
// option names must not be mounted, nil if it may. Below is the folder that the
// owner's own text confines it to, empty if that confines it to none.
type Places interface {
	MayMount(path, below string) error
}

// plain names are those that every driver takes for a name and none for a path.
var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*(@[A-Za-z0-9][A-Za-z0-9_.-]*)?$`)

// Static reports what no host would do, whatever its owner allows: what anyone
// who reads a request can know.
func (r Request) Static() []events.Problem {
	c := &checker{}
	if r.Volume == "" {
		if r.Driver != "" || len(r.Options) > 0 {
			c.refuse(optionName, "volume_driver and volume_options stand without a volume: name one, or leave them out")
		}
		return c.problems
	}
	if why := badName(r.Volume); why != "" {
		c.refuse(optionName, "volume %q %s: choose a name of letters, digits, '_', '.' and '-', or name@profile", r.Volume, why)
	}
	if r.Driver != "" && !plainDriver.MatchString(r.Driver) {
		c.refuse(optionDriver, "volume driver %q is no name of a driver", r.Driver)
	}
	for _, key := range slices.Sorted(maps.Keys(r.Options)) {
		if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			c.refuse(optionOptions, "%q is no name of an option: name one that the volume's driver knows, or leave it out", key)
			continue
		}
		for _, part := range strings.Split(r.Options[key], ",") {
			if why := never(key, part); why != "" {
				c.refuse(optionOptions+"."+key, "%q %s", part, why)
			}
		}
	}
	return c.problems
}

// plainDriver is a plugin's name: registry/name:tag.
var plainDriver = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/-]*$`)

func badName(name string) string {
	switch {
	case strings.HasPrefix(name, "/"):
		return "is a path, not a name"
	case slices.Contains(strings.Split(name, "/"), ".."), slices.Contains(strings.Split(name, "/"), "."):
		return "leads out of where volumes are"
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`\:,"'{}$`, r) }):
		return "has a character that names of volumes cannot have"
	}
	return ""
}

// kernelFiles are file systems that show the kernel itself, or every device.
var kernelFiles = []string{
	"proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "bpf", "configfs",
	"efivarfs", "pstore", "mqueue", "fusectl", "binfmt_misc", "selinuxfs", "smackfs", "rpc_pipefs",
}

// never says why a part of an option's value is refused on every host.
func never(key, part string) string {
	switch {
	case slices.ContainsFunc(tokens(part), func(t string) bool { return slices.Contains(strings.Split(t, "/"), "..") }):
		return "leads out of the folder that it names: write the path without .."
	case key == "type" && slices.Contains(kernelFiles, strings.ToLower(part)):
		return "is a file system of the kernel, which no bench measures"
	case strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has a control character"
	}
	return ""
}

// Resolve makes of a request what the engine is asked for, if the owner allows
// it. {run} in a profile stands for run. A nil places leaves paths unjudged, for
// whoever asks on another machine.
func (p Policy) Resolve(r Request, run string, places Places) (Volume, []events.Problem) {
	c := &checker{policy: p, places: places, problems: r.Static()}
	v := Volume{Name: r.Volume, Driver: r.Driver, Options: map[string]string{}}
	if v.Driver == "" {
		v.Driver = p.driver()
	}
	var templates map[string]string
	if name, profile, found := strings.Cut(r.Volume, "@"); found {
		if known, ok := p.Profiles[profile]; ok {
			v.Name = name
			templates = c.apply(&v, known, r, run)
		}
	}
	if len(c.problems) > 0 {
		return v, c.problems
	}
	c.name(v.Name, r.Volume)
	for _, key := range slices.Sorted(maps.Keys(r.Options)) {
		if v.Options[key] == r.Options[key] {
			continue // what the profile says too
		}
		delete(templates, key)
		v.Options[key] = r.Options[key]
	}
	if templates == nil && !p.allowsDriver(v.Driver) {
		c.refuse(optionDriver, "volume driver %q is not allowed on this host (allowed: %s): its owner allows more in bench.volumes.drivers", v.Driver, p.drivers())
		return v, c.problems
	}
	c.options(v, templates)
	c.local(v, r.Volume)
	if known, ok := p.profileOf(r.Volume); ok && known.Fresh {
		v.Name, v.Fresh = v.Name+"-"+run, true
	}
	return v, c.problems
}

func (p Policy) profileOf(name string) (Profile, bool) {
	_, profile, _ := strings.Cut(name, "@")
	known, ok := p.Profiles[profile]
	return known, ok
}

type checker struct {
	policy   Policy
	places   Places
	problems []events.Problem
}

func (c *checker) refuse(option, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(text) > 1000 {
		text = strings.ToValidUTF8(text[:1000], "") + "…"
	}
	c.problems = append(c.problems, events.Problem{Rule: Rule, Option: option, Message: text})
}

// apply fills in what a profile says and returns the templates of its options,
// which are the owner's words. For a driver that the bench has chosen instead
// they are not: he wrote them for his own.
func (c *checker) apply(v *Volume, known Profile, r Request, run string) map[string]string {
	own := known.Driver
	if own == "" {
		own = c.policy.driver()
	}
	if r.Driver == "" {
		v.Driver = own
	}
	stand := strings.NewReplacer("{name}", v.Name, "{run}", run)
	for key, text := range known.Options {
		v.Options[key] = stand.Replace(text)
	}
	if v.Driver != own {
		return nil
	}
	templates := maps.Clone(known.Options)
	if templates == nil {
		templates = map[string]string{}
	}
	return templates
}

// name judges the part before a profile's @.
func (c *checker) name(name, asked string) {
	glob, listed := matched(c.policy.Names, name)
	if !listed && name != asked {
		glob, listed = matched(c.policy.Names, asked)
	}
	switch {
	case len(c.policy.Names) > 0 && !listed:
		c.refuse(optionName, "volume %q is not allowed on this host (allowed: %s): its owner allows more in bench.volumes.names",
			asked, strings.Join(c.policy.Names, ", "))
	case !plain.MatchString(name) && !(listed && strings.Contains(glob, "/") && path.Clean(name) == name):
		c.refuse(optionName, "volume %q is no plain name: its owner allows such names by a glob with a / in bench.volumes.names", asked)
	}
}

// localName are the names that the engine's own driver takes.
var localName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{1,254}$`)

// local refuses a name that the engine's own driver would refuse. Any other
// driver may have profiles of its own, behind an @ in the name.
func (c *checker) local(v Volume, asked string) {
	if _, lent := matched(c.policy.Existing, v.Name); lent || v.Driver != Local || localName.MatchString(v.Name) || len(c.problems) > 0 {
		return
	}
	_, profile, named := strings.Cut(v.Name, "@")
	if !named {
		c.refuse(optionName, "volume %q is no name for the driver local: it takes 2 to 255 letters, digits, '_', '.' and '-', the first a letter or digit", asked)
		return
	}
	has := "this host has none"
	if len(c.policy.Profiles) > 0 {
		has = "this host has " + strings.Join(slices.Sorted(maps.Keys(c.policy.Profiles)), ", ")
	}
	c.refuse(optionName, "volume %q asks for the profile %q, which is not known (%s): name one that is, leave the @ out, or have the host's owner describe it in bench.volumes.profiles",
		asked, profile, has)
}

// options judges every option of a volume. templates are the owner's own texts
// of some, by key.
func (c *checker) options(v Volume, templates map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(v.Options)) {
		template, owners := templates[key]
		if owners {
			c.value(v, key, v.Options[key], template)
			continue
		}
		for _, part := range strings.Split(v.Options[key], ",") {
			glob, ok := matched(c.policy.Drivers[v.Driver][key], part)
			if !ok {
				c.refuse(optionOptions+"."+key, "%s=%s of driver %s is not allowed on this host%s: its owner allows options by key and value in bench.volumes.drivers",
					key, part, v.Driver, c.allowed(v.Driver, key))
				continue
			}
			c.value(v, key, part, glob)
		}
	}
}

func (c *checker) allowed(driver, key string) string {
	values := c.policy.Drivers[driver][key]
	if len(values) == 0 {
		return ""
	}
	return " (allowed: " + strings.Join(values, ", ") + ")"
}

// value judges a value that the owner's text admits: a glob or a template.
func (c *checker) value(v Volume, key, value, text string) {
	if value == text || c.places == nil {
		return // he wrote it out himself
	}
	for _, part := range strings.Split(value, ",") {
		if why := never(key, part); why != "" {
			c.refuse(optionOptions+"."+key, "%q %s", part, why)
			return
		}
		for _, at := range paths(v, key, part) {
			if err := c.places.MayMount(at, before(text)); err != nil {
				c.refuse(optionOptions+"."+key, "%s=%s of driver %s is a path, and judged like one: %v", key, part, v.Driver, err)
			}
		}
	}
}

// before is the folder that an owner's text names before its first wildcard or
// placeholder, empty if there is none that confines.
func before(text string) string {
	at := strings.IndexAny(text, "*?[{\\")
	if at < 0 {
		at = len(text)
	}
	text = text[:at]
	if at := strings.IndexByte(text, '/'); at >= 0 {
		text = text[at:] // behind lowerdir= or a server's name
	}
	dir, _ := path.Split(text)
	if dir = path.Clean(dir); dir == "/" || dir == "." {
		return ""
	}
	return dir
}
