package constraint

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Advice is a remark on a condition that is legal.
type Advice struct {
	// Constraint as it was written.
	Constraint string `json:"constraint"`
	// Problem says what it does that may not be meant.
	Problem string `json:"problem"`
	// Instead is the condition to write, empty when there is no telling.
	Instead string `json:"instead,omitempty"`
}

// Lint finds what is legal and probably not meant. A condition that doesn't
// parse has no advice, but an error.
func Lint(input string) ([]Advice, error) {
	c, err := Parse(input)
	if err != nil {
		return nil, err
	}
	var advice []Advice
	if c.single {
		advice = append(advice, Advice{Constraint: input, Problem: `a single "=" is read as "=="`, Instead: c.String()})
	}
	if a, ok := c.lintNumericRegexp(); ok {
		a.Constraint = input
		advice = append(advice, a)
	}
	if c.Op == Equal && !c.Affinity && strings.Trim(c.Value, "*") == "" {
		advice = append(advice, Advice{Constraint: input, Problem: "holds for every host that has the fact at all"})
	}
	if !strings.HasPrefix(c.Value, "/") && regexpLike.MatchString(c.Value) {
		advice = append(advice, Advice{Constraint: input,
			Problem: "looks like a regular expression and is taken as plain text",
			Instead: strings.Replace(c.String(), c.Value, "/"+c.Value+"/", 1)})
	}
	return advice, nil
}

// regexpLike recognises text that was probably meant as an expression. Names
// of processors have brackets and plus signs, so those alone don't count.
var regexpLike = regexp.MustCompile(`\[[^\]]*-[^\]]*\]|\||^\^|\$$|\\d|\.\+`)

// digitsOnly recognises expressions that can only match digits.
var digitsOnly = regexp.MustCompile(`^(?:[0-9\[\]\-(){},|?+*]|\\d)+$`)

// maxPercent is as far as lint counts: the facts that people write such
// expressions for are percentages.
const maxPercent = 100

// lintNumericRegexp suggests the numeric form for expressions such as
// /[0-2][0-5]/, which people write for "at most 25" and which leaves out 06 to
// 09 and 16 to 19.
func (c Constraint) lintNumericRegexp() (Advice, bool) {
	body, isRegexp := strings.CutPrefix(c.Value, "/")
	if !isRegexp || c.Op.numeric() || c.Affinity || !digitsOnly.MatchString(strings.TrimSuffix(body, "/")) {
		return Advice{}, false
	}
	var matched []int
	for n := range maxPercent + 1 {
		if c.match(fmt.Sprintf("%02d", n)) || c.match(strconv.Itoa(n)) {
			matched = append(matched, n)
		}
	}
	if len(matched) < 2 {
		return Advice{}, false
	}
	low, high := matched[0], matched[len(matched)-1]
	a := Advice{Problem: "compares a number as text", Instead: c.numericForm(low, high)}
	if gaps := missing(matched); len(gaps) > 0 {
		a.Problem = fmt.Sprintf("compares a number as text, and leaves out %s between %d and %d", ranges(gaps), low, high)
	}
	return a, true
}

// numericForm is the condition with numbers for values from low to high.
func (c Constraint) numericForm(low, high int) string {
	soft := ""
	if c.Soft {
		soft = softMark
	}
	write := func(op Op, n int) string { return fmt.Sprintf("%s%s%s%d", c.Key, op, soft, n) }
	switch {
	case c.Op == NotEqual && low == 0:
		return write(Greater, high)
	case c.Op == NotEqual && high == maxPercent:
		return write(Less, low)
	case c.Op == NotEqual:
		return "" // two ranges: no single condition says it
	case low == 0:
		return write(LessOrEqual, high)
	case high >= maxPercent-1:
		return write(GreaterOrEqual, low)
	}
	return write(GreaterOrEqual, low) + " and " + write(LessOrEqual, high)
}

// missing lists what an ascending list leaves out between its ends.
func missing(list []int) []int {
	var gaps []int
	for n := list[0]; n <= list[len(list)-1]; n++ {
		if _, found := slices.BinarySearch(list, n); !found {
			gaps = append(gaps, n)
		}
	}
	return gaps
}

// ranges writes an ascending list briefly: "6 to 9, 16 to 19".
func ranges(list []int) string {
	var parts []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		part := strconv.Itoa(list[i])
		if j > i {
			part += " to " + strconv.Itoa(list[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
