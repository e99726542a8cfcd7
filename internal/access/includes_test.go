package access_test

import (
	"testing"

	"github.com/fiord-bench/fiord/internal/access"
)

func TestARoleIncludesThoseBeforeIt(t *testing.T) {
	for i, r := range access.Roles() {
		for j, other := range access.Roles() {
			if r.Includes(other) != (i >= j) {
				t.Errorf("%s includes %s: %v", r, other, !(i >= j))
			}
		}
		if !r.Includes("") || access.Role("").Includes(r) || r.Includes("king") || access.Role("king").Includes(r) {
			t.Errorf("%s and what is no role", r)
		}
	}
}
