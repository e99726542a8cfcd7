package facts

import (
	"encoding/json"
	"fmt"

	"github.com/fiord-bench/fiord/internal/environment"
)

// Change is one value that differs between two environments.
type Change = environment.Change

// Diff lists what differs, in the order of the names, without what always does.
func Diff(before, after Environment) ([]Change, error) {
	a, err := json.Marshal(before)
	if err != nil {
		return nil, fmt.Errorf("encode environment: %w", err)
	}
	b, err := json.Marshal(after)
	if err != nil {
		return nil, fmt.Errorf("encode environment: %w", err)
	}
	return environment.Diff(a, b)
}
