package gc

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Age is a duration on the command line that can also be written in days, as
// in 90d. It is a value for a flag.
type Age time.Duration

const day = 24 * time.Hour

// Set reads days (90d) or whatever Go writes for a duration (36h, 90m).
func (a *Age) Set(text string) error {
	if days, inDays := strings.CutSuffix(text, "d"); inDays {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > uint64(math.MaxInt64/day) {
			return fmt.Errorf("%q is no number of days such as 90d", text)
		}
		*a = Age(time.Duration(n) * day) //nolint:gosec // checked
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is neither days such as 90d nor a duration such as 36h", text)
	}
	*a = Age(d)
	return nil
}

// String writes whole days as such.
func (a Age) String() string {
	d := time.Duration(a)
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return d.String()
}

// Type is what the help calls such a value.
func (Age) Type() string { return "age" }
