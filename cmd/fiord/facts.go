package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/internal/registry"
)

// factLines lists a host's facts the way --where writes them.
func factLines(h registry.Host) []string {
	facts := h.AllFacts()
	lines := []string{"", screen.Clean(h.Name) + ":"}
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		lines = append(lines, fmt.Sprintf("  %s==%s", screen.Clean(name), screen.Clean(facts[name])))
	}
	return lines
}
