package volume

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Local is the driver that every engine has.
const Local = "local"

// Policy is what the owner allows. The zero value allows plain local volumes
// that fiord makes itself.
type Policy struct {
	// Driver is the one of benches that name none. Naming it allows it.
	Driver string `json:"driver,omitempty"`
	// Names are globs of the volumes that benches may name, the part before a
	// known profile's @; empty for every plain name. A name with a / needs a
	// glob with one.
	Names []string `json:"names,omitempty"`
	// Existing are globs of volumes that others made and benches may use all the
	// same: read, overwrite and delete what is in them.
	Existing []string `json:"existing,omitempty"`
	// Drivers that benches may name besides, with the options they may give.
	Drivers map[string]Options `json:"drivers,omitempty"`
	// Profiles by the part behind the @.
	Profiles map[string]Profile `json:"profiles,omitempty"`
}

// Options are globs of the values that each key may have. A value with commas is
// compared part by part.
type Options map[string][]string

// Profile is what name@profile asks the driver for.
type Profile struct {
	Driver string `json:"driver,omitempty"`
	// Options go to the driver; {name} stands for the part before the @, {run}
	// for the run.
	Options map[string]string `json:"options,omitempty"`
	// Fresh makes a volume for each start of fio.
	Fresh bool `json:"fresh,omitempty"`
}

// Validate reports what in the policy cannot be meant.
func (p Policy) Validate() error {
	var errs []error
	glob := func(where string, list []string) {
		for _, g := range list {
			if g == "" || !doublestar.ValidatePattern(g) {
				errs = append(errs, fmt.Errorf("volumes.%s: %q is no glob", where, g))
			}
		}
	}
	glob("names", p.Names)
	glob("existing", p.Existing)
	for driver, options := range p.Drivers {
		if driver == "" {
			errs = append(errs, errors.New("volumes.drivers: a driver has no name"))
		}
		for key, values := range options {
			glob("drivers."+driver+".options."+key, values)
			if len(values) == 0 {
				errs = append(errs, fmt.Errorf("volumes.drivers.%s.options.%s allows no value: list some, or leave the option out", driver, key))
			}
		}
	}
	return errors.Join(errs...)
}

// driver of benches that name none.
func (p Policy) driver() string {
	if p.Driver == "" {
		return Local
	}
	return p.Driver
}

func (p Policy) allowsDriver(name string) bool {
	_, listed := p.Drivers[name]
	return listed || name == p.driver()
}

// drivers are those that a bench may name, for messages.
func (p Policy) drivers() string {
	return strings.Join(slices.Compact(slices.Sorted(func(yield func(string) bool) {
		if !yield(p.driver()) {
			return
		}
		for name := range maps.Keys(p.Drivers) {
			if !yield(name) {
				return
			}
		}
	})), ", ")
}

// matched returns the first glob that a text matches.
func matched(globs []string, text string) (glob string, ok bool) {
	for _, g := range globs {
		if match, err := doublestar.Match(g, text); err == nil && match {
			return g, true
		}
	}
	return "", false
}
