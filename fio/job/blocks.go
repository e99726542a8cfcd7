package job

import (
	"errors"
	"math"
	"strings"
)

// blockSizes returns the smallest and largest block that the job moves, in
// bytes. bs, bsrange and bssplit are read whatever else is set, so that the
// result errs towards more; fio's default is 4096.
func (j *Job) blockSizes() (smallest, largest int64, err error) {
	assumed := true // fio's default counts for what is not set
	for _, name := range []string{"bs", "bsrange", "bssplit"} {
		o := j.Get(name)
		if o == nil {
			continue
		}
		if o.Computed || o.Machine {
			return 0, 0, errors.New(name + " depends on the machine")
		}
		assumed = assumed && strings.HasPrefix(o.Value, ",") // ,8k leaves reads at the default
		sizes, err := blocksOf(o)
		if err != nil {
			return 0, 0, err
		}
		for _, n := range sizes {
			if smallest == 0 || n < smallest {
				smallest = n
			}
			largest = max(largest, n)
		}
	}
	if assumed {
		smallest, largest = smallestOf(smallest, defaultBlock), max(largest, defaultBlock)
	}
	return smallest, largest, nil
}

const defaultBlock = 4096

// smallestOf is the smaller of two sizes of which the first may be unset.
func smallestOf(n, other int64) int64 {
	if n == 0 {
		return other
	}
	return min(n, other)
}

// blocksOf lists the sizes in a block size option. In a split such as
// 4k/50:64k/50 what follows a slash is a share.
func blocksOf(o *Option) ([]int64, error) {
	var sizes []int64
	for _, part := range strings.FieldsFunc(o.Value, func(r rune) bool { return strings.ContainsRune(",:- ", r) }) {
		if o.Name == "bssplit" {
			part, _, _ = strings.Cut(part, "/")
		}
		if part == "" {
			continue
		}
		size, err := ParseSize(part, o.kbBase)
		if err != nil || !size.Known() || size.Bytes < 1 {
			return nil, errors.New(o.Name + "=" + o.Value + " cannot be read")
		}
		sizes = append(sizes, size.Bytes)
	}
	if len(sizes) == 0 {
		return nil, errors.New(o.String() + " cannot be read")
	}
	return sizes, nil
}

// sizesOf returns the smallest and largest value of a size option that may be a
// list or a range, in bytes; set is false when the job does not set it.
func (j *Job) sizesOf(name string) (low, high int64, set bool, err error) {
	o := j.Get(name)
	if o == nil {
		return 0, 0, false, nil
	}
	if o.Computed || o.Machine {
		return 0, 0, true, errors.New(name + " depends on the machine")
	}
	low = math.MaxInt64
	for _, part := range strings.FieldsFunc(o.Value, func(r rune) bool { return strings.ContainsRune(",:-", r) }) {
		size, err := ParseSize(part, o.kbBase)
		if err != nil || !size.Known() {
			return 0, 0, true, errors.New(name + "=" + o.Value + " cannot be read")
		}
		// Within a range fio reads units either way, whatever kb_base says.
		other, _ := ParseSize(part, 2024-o.kbBase)
		low, high = min(low, size.Bytes), max(high, size.Bytes, other.Bytes)
	}
	if low == math.MaxInt64 {
		return 0, 0, true, errors.New(name + "=" + o.Value + " cannot be read")
	}
	return low, high, true, nil
}

// plus and times are sums and products that stop at the largest number.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func times(a, b int64) int64 {
	if a < 0 || b < 0 {
		return 0
	}
	if b != 0 && a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}
