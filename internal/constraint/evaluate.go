package constraint

import (
	"fmt"
	"slices"
	"strings"
)

// Facts are what conditions are held against.
type Facts struct {
	// Values of facts by name, as text.
	Values map[string]string
	// Containers are the names of the host's containers.
	Containers []string
}

// A Miss is a condition that doesn't hold.
type Miss struct {
	// Constraint in its canonical form.
	Constraint string `json:"constraint"`
	// Fact by name.
	Fact string `json:"fact"`
	// Have is what the host has, empty when Unknown.
	Have string `json:"have,omitempty"`
	// Unknown says that the host has no such fact.
	Unknown bool `json:"unknown,omitempty"`
	// Why in a few words, for people.
	Why string `json:"why"`
}

// A Result is a host held against a set.
type Result struct {
	// Misses are the hard conditions that don't hold: empty if the host will do.
	Misses []Miss
	// Preferred counts the soft conditions that hold.
	Preferred int
}

// OK says whether every hard condition holds.
func (r Result) OK() bool { return len(r.Misses) == 0 }

// Holds says whether the facts meet the condition.
func (c Constraint) Holds(f Facts) bool {
	if c.Affinity {
		return c.match != nil && slices.ContainsFunc(f.Containers, c.match) == (c.Op == Equal)
	}
	fact, known := f.Values[c.Key]
	switch {
	case c.Op == NotEqual:
		return c.match != nil && !(known && c.match(fact))
	case !known:
		return false
	case c.Op == Equal:
		return c.match != nil && c.match(fact)
	}
	n, ok := parseNumber(fact)
	return ok && c.compare(n)
}

func (c Constraint) compare(n float64) bool {
	switch c.Op {
	case LessOrEqual:
		return n <= c.number
	case GreaterOrEqual:
		return n >= c.number
	case Less:
		return n < c.number
	case Greater:
		return n > c.number
	}
	return false
}

// Evaluate holds facts against every condition.
func (s Set) Evaluate(f Facts) Result {
	var r Result
	for _, c := range s {
		switch holds := c.Holds(f); {
		case holds && c.Soft:
			r.Preferred++
		case !holds && !c.Soft:
			r.Misses = append(r.Misses, c.explain(f))
		}
	}
	return r
}

// explain says why the condition doesn't hold.
func (c Constraint) explain(f Facts) Miss {
	m := Miss{Constraint: c.String(), Fact: c.Key}
	if c.Affinity {
		m.Why = "no container of that name"
		if c.Op == NotEqual {
			m.Why = "has a container of that name"
		}
		return m
	}
	fact, known := f.Values[c.Key]
	if !known {
		m.Unknown, m.Why = true, "no fact "+c.Key
		if near := nearest(c.Key, f.Values); near != "" {
			m.Why += "; did you mean " + near + "?"
		}
		return m
	}
	m.Have = fact
	m.Why = fmt.Sprintf("%s is %q", c.Key, fact)
	if _, ok := parseNumber(fact); c.Op.numeric() && !ok {
		m.Why += ", which is no number"
	}
	return m
}

// nearest finds the fact whose name is at most two typing errors away.
func nearest(key string, facts map[string]string) string {
	best, distance := "", 3
	for name := range facts {
		d := typingErrors(key, name)
		if d < distance || d == distance && d < 3 && name < best {
			best, distance = name, d
		}
	}
	return best
}

// typingErrors is the Levenshtein distance, ignoring case; 3 stands for more
// than 2, and for names too short to tell an error from another name.
func typingErrors(a, b string) int {
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 || len(a) < 4 {
		return 3
	}
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return min(row[len(b)], 3)
}
