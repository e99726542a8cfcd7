package volume

import (
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/events"
)

// Judge judges a volume that the engine has already. asked is what Resolve
// made of the request; found is what the engine has under that name, and ours
// says that fiord of this host made it. A volume is not safe because fiord made
// it: it may have done so when its owner still allowed more.
func (p Policy) Judge(asked, found Volume, ours bool, places Places) []events.Problem {
	c := &checker{policy: p, places: places}
	if !ours {
		glob, ok := matched(p.Existing, asked.Name)
		if !ok {
			c.refuse(optionName, "volume %q exists, and fiord of this host did not make it: what is in it may be another application's. Choose another name; the host's owner allows it in bench.volumes.existing", asked.Name)
			return c.problems
		}
		if glob == asked.Name {
			return nil // he means this one
		}
	}
	if found.Driver != asked.Driver {
		c.refuse(optionDriver, "volume %q exists with driver %s, and driver %s is asked for: choose another name, or remove it", asked.Name, found.Driver, asked.Driver)
		return c.problems
	}
	if maps.Equal(found.Options, asked.Options) || len(found.Options) == 0 && len(asked.Options) == 0 {
		return nil // judged by Resolve
	}
	if !ours {
		c.options(found, nil)
		return c.problems
	}
	for _, key := range slices.Sorted(maps.Keys(both(found.Options, asked.Options))) {
		if found.Options[key] != asked.Options[key] {
			c.refuse(optionOptions+"."+key, "volume %q exists with %s=%q, and %q is asked for: choose another name, or remove it",
				asked.Name, key, found.Options[key], asked.Options[key])
		}
	}
	return c.problems
}

func both(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, b)
	return out
}

// Refused is an error that carries problems of a bench.
type Refused []events.Problem

// Error implements error.
func (r Refused) Error() string {
	text := "volume is refused"
	for _, p := range r {
		text += ": " + p.Message
	}
	return text
}
