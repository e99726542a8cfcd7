package job

import "strings"

// lists are options of numbers that mean something by several values: one each
// for reads, writes and trims, or a range.
var lists = map[string]bool{
	"bs": true, "ba": true, "rate": true, "rate_min": true, "rate_iops": true, "rate_iops_min": true,
	"percentage_random": true, "cmdprio_percentage": true, "cmdprio_class": true, "cmdprio_hint": true,
	"cmdprio": true, "filesize": true, "startdelay": true,
}

// severalValues tells that an option of one number is given several. fio does
// not mind: it splits every number at commas, colons and hyphens, stores each
// part over the one before, and so makes size=4k,1t a terabyte.
func severalValues(o *Option) bool {
	if !o.HasValue || o.Spec == nil {
		return false
	}
	switch o.Spec.Kind {
	case KindSize, KindInt, KindBool, KindFlag, KindTime:
	default:
		return false
	}
	value := strings.TrimSpace(o.Value)
	if lists[o.Spec.Name] {
		// A range may have two ends; a list of ranges is one too many.
		return o.Spec.Name == "filesize" && strings.Count(value, "-")+strings.Count(value, ",")+strings.Count(value, ":") > 1
	}
	return value != "" && strings.ContainsAny(value[1:], ",:-") // the first may be a sign
}

// backwards tells that a range of sizes has a zero in it, or its ends in the
// wrong order.
func backwards(o *Option) bool {
	last := int64(1)
	for _, part := range strings.FieldsFunc(o.Value, func(r rune) bool { return strings.ContainsRune(",:-", r) }) {
		size, err := ParseSize(part, o.kbBase)
		if err != nil {
			return false // refused elsewhere
		}
		if size.Known() && size.Bytes < last {
			return true
		}
		last = size.Bytes
	}
	return false
}
