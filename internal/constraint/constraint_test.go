package constraint_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/internal/constraint"
)

// node is a host of the kind the language was made for.
var node = constraint.Facts{
	Values: map[string]string{
		"architecture":          "x86_64",
		"kernel":                "6.1.0-18-amd64",
		"virtual":               "kvm",
		"is_virtual":            "true",
		"system_overload_10min": "07",
		"memory_free":           "7.65 GiB",
		"swap_free":             "1073741824",
		"processor":             "Intel(R) Xeon(R) CPU @ 2.20GHz",
		"load":                  "0.25",
		"share":                 "12%",
		"city":                  "Zürich",
	},
	Containers: []string{"db", "web-1"},
}

func TestConditionsHoldAsSwarmsDid(t *testing.T) {
	for input, want := range map[string]bool{
		"architecture==x86_64":                      true,
		"architecture=x86_64":                       true,
		"constraint:architecture==x86_64":           true,
		"  constraint: architecture == x86_64  ":    true,
		"architecture==x86":                         false,
		"architecture==X86_64":                      false,
		"architecture==/(?i)X86_64/":                true,
		"architecture!=arm*":                        true,
		"kernel!=5.*":                               true,
		"kernel==6.*":                               true,
		"kernel==6?1*":                              true,
		"kernel==6.1.0":                             false,
		"kernel==*amd64":                            true,
		"kernel==*1*0*18*":                          true,
		"kernel==*1*0*19*":                          false,
		"city==Z?rich":                              true,
		"city==*???????":                            false,
		"virtual==/physical|kvm/":                   true,
		"virtual==/kv/":                             false,
		"virtual!=/kv/":                             true,
		"virtual==/a|kvm/":                          true,
		"processor==Intel(R)*":                      true,
		"system_overload_10min==/[0-2][0-5]/":       false,
		"system_overload_10min<=25":                 true,
		"system_overload_10min<7":                   false,
		"system_overload_10min>=7":                  true,
		"system_overload_10min>7":                   false,
		"memory_free>=7GiB":                         true,
		"memory_free>=8GiB":                         false,
		"swap_free>=1GiB":                           true,
		"swap_free>1GiB":                            false,
		"swap_free>=1GB":                            true,
		"load<=0.25":                                true,
		"share<20":                                  true,
		"kernel>=5":                                 false,
		"nosuch==x":                                 false,
		"nosuch!=x":                                 true,
		"nosuch<=1":                                 false,
		"affinity:container==db":                    true,
		"affinity:container==web-*":                 true,
		"affinity:container!=db":                    false,
		"affinity:container!=/cache|mail/":          true,
		"affinity:container==/web-[0-9]/":           true,
		"is_virtual==true":                          true,
		"architecture==*":                           true,
		"processor==Intel(R) Xeon(R) CPU @ 2.20GHz": true,
	} {
		c, err := constraint.Parse(input)
		if err != nil {
			t.Errorf("Parse(%q): %v", input, err)
			continue
		}
		if got := c.Holds(node); got != want {
			t.Errorf("%s holds = %v, want %v", input, got, want)
		}
	}
}

func TestSyntaxErrorsCarryThePosition(t *testing.T) {
	for input, want := range map[string]struct {
		column  string
		problem string
	}{
		"":                       {"column 1:", "expected the name of a fact"},
		"==x":                    {"column 1:", "expected the name of a fact"},
		"architecture":           {"column 13:", "expected an operator"},
		"zone ~ a":               {"column 6:", "expected an operator"},
		"zone==":                 {"column 7:", "expected a value"},
		"zone==~":                {"column 8:", "expected a value"},
		"zone===a":               {"column 7:", `unexpected "="`},
		"zone=>1":                {"column 6:", `unexpected ">"`},
		"zone==~~a":              {"column 8:", `unexpected "~"`},
		"load<=low":              {"column 7:", "compares numbers"},
		"load<=1e5":              {"column 7:", "compares numbers"},
		"free>=8GiBs":            {"column 7:", "8GiB"},
		"zone==/a":               {"column 7:", "/expression/"},
		"zone==//":               {"column 7:", "/expression/"},
		"zone==/[/":              {"column 8:", "missing closing ]"},
		"zone==/(/":              {"column 8:", "missing closing )"},
		"zone==/a)(b/":           {"column 8:", "unexpected )"},
		"affinity:image==x":      {"column 10:", "affinity:container"},
		"affinity:container<=3":  {"column 19:", "name of a container"},
		"zone==a\tb":             {"column 8:", "control character"},
		"zöne==a":                {"column 2:", "expected an operator"},
		strings.Repeat("a", 501): {"column 501:", "longer than 500"},
		"zone==\xff":             {"column 1:", "UTF-8"},
	} {
		_, err := constraint.Parse(input)
		var syntax *constraint.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("Parse(%q) = %v, want a syntax error", input, err)
			continue
		}
		if !strings.Contains(err.Error(), want.column) || !strings.Contains(err.Error(), want.problem) {
			t.Errorf("Parse(%q) = %v, want %s … %s", input, err, want.column, want.problem)
		}
	}
}

func TestEvaluationExplainsEachMiss(t *testing.T) {
	set, err := constraint.ParseAll([]string{
		"architecture==aarch64", "architecure==x86_64", "kernel>=5", "system_overload_10min<=25",
		"virtual==~kvm", "is_virtual==~false", "affinity:container==cache", "affinity:container!=db", "zone==a",
	})
	if err != nil {
		t.Fatal(err)
	}
	r := set.Evaluate(node)
	if r.OK() || r.Preferred != 1 {
		t.Errorf("OK = %v, Preferred = %d; want false, 1", r.OK(), r.Preferred)
	}
	want := []string{
		`architecture is "x86_64"`,
		"no fact architecure; did you mean architecture?",
		`kernel is "6.1.0-18-amd64", which is no number`,
		"no container of that name",
		"has a container of that name",
		"no fact zone",
	}
	if len(r.Misses) != len(want) {
		t.Fatalf("%d misses, want %d: %+v", len(r.Misses), len(want), r.Misses)
	}
	for i, w := range want {
		if r.Misses[i].Why != w {
			t.Errorf("miss %d: %q, want %q", i, r.Misses[i].Why, w)
		}
	}
}

func TestSoftConditionsNeverRuleOut(t *testing.T) {
	set, err := constraint.ParseAll([]string{"zone==~a", "load<=~0.1", "architecture==~x86_64"})
	if err != nil {
		t.Fatal(err)
	}
	if r := set.Evaluate(node); !r.OK() || r.Preferred != 1 {
		t.Errorf("%+v, want OK with one preferred", r)
	}
}

func TestOneBadConditionSpoilsTheSet(t *testing.T) {
	if _, err := constraint.ParseAll([]string{"a==b", "c"}); err == nil || !strings.Contains(err.Error(), `"c"`) {
		t.Errorf("ParseAll = %v, want an error naming the condition", err)
	}
}

func TestZeroConstraintHoldsNowhere(t *testing.T) {
	if (constraint.Constraint{}).Holds(node) {
		t.Error("the zero value holds")
	}
}

func TestLintSuggestsTheNumericForm(t *testing.T) {
	for input, want := range map[string]string{
		"system_overload_10min==/[0-2][0-5]/": "system_overload_10min<=25",
		"system_overload_10min==/0[0-9]/":     "system_overload_10min<=9",
		"system_overload_10min==~/0[0-9]/":    "system_overload_10min<=~9",
		"system_overload_10min!=/0[0-9]/":     "system_overload_10min>9",
		"system_overload_10min==/[5-9]\\d/":   "system_overload_10min>=50",
		"system_overload_10min==/[2-3][0-9]/": "system_overload_10min>=20 and system_overload_10min<=39",
		"system_overload_10min!=/[2-3][0-9]/": "",
		"architecture=x86_64":                 "architecture==x86_64",
		"virtual==kvm|physical":               "virtual==/kvm|physical/",
		"system_overload_10min==[0-2][0-5]":   "system_overload_10min==/[0-2][0-5]/",
		"architecture==*":                     "",
	} {
		advice, err := constraint.Lint(input)
		if err != nil || len(advice) != 1 {
			t.Errorf("Lint(%q) = %+v, %v; want one advice", input, advice, err)
			continue
		}
		if advice[0].Instead != want || advice[0].Constraint != input || advice[0].Problem == "" {
			t.Errorf("Lint(%q) = %+v, want instead %q", input, advice[0], want)
		}
	}
}

func TestLintNamesTheNumbersLeftOut(t *testing.T) {
	advice, err := constraint.Lint("system_overload_10min==/[0-2][0-5]/")
	if err != nil || len(advice) != 1 {
		t.Fatal(advice, err)
	}
	if want := "6 to 9, 16 to 19 between 0 and 25"; !strings.Contains(advice[0].Problem, want) {
		t.Errorf("problem %q doesn't name %q", advice[0].Problem, want)
	}
}

func TestLintKeepsQuietAboutWhatIsMeant(t *testing.T) {
	for _, input := range []string{
		"architecture==x86_64", "kernel!=5.*", "virtual==/kvm|physical/", "system_overload_10min<=25",
		"memory_free>=8GiB", "processor==Intel(R) Xeon(R)*", "cxx==g++", "affinity:container==web-1", "release==/12/",
	} {
		if advice, err := constraint.Lint(input); err != nil || len(advice) != 0 {
			t.Errorf("Lint(%q) = %+v, %v; want nothing", input, advice, err)
		}
	}
	if _, err := constraint.Lint("zone"); err == nil {
		t.Error("Lint of a bad condition reports no error")
	}
}

// Whatever is accepted has a canonical form that means the same, and is
// evaluated without a panic.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"architecture==x86_64", "constraint:kernel!=~5.*", "system_overload_10min=/[0-2][0-5]/", "memory_free>=8GiB",
		"affinity:container==db", "a<~-1.5k", "x==/(?i)a{1,3}/", "load<=.", "city==Z?rich*",
	} {
		f.Add(seed, "x86_64")
	}
	f.Fuzz(func(t *testing.T, input, fact string) {
		c, err := constraint.Parse(input)
		if err != nil {
			var syntax *constraint.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(input) {
				t.Fatalf("Parse(%q) = %v", input, err)
			}
			return
		}
		again, err := constraint.Parse(c.String())
		if err != nil {
			t.Fatalf("canonical form %q of %q: %v", c.String(), input, err)
		}
		facts := constraint.Facts{Values: map[string]string{c.Key: fact}, Containers: []string{fact}}
		if c.Holds(facts) != again.Holds(facts) || c.Soft != again.Soft {
			t.Fatalf("%q and its canonical form %q disagree on %q", input, c.String(), fact)
		}
		set := constraint.Set{c}
		if !c.Soft && set.Evaluate(facts).OK() != c.Holds(facts) {
			t.Fatalf("evaluation of %q disagrees with Holds", input)
		}
		if _, err := constraint.Lint(input); err != nil {
			t.Fatalf("Lint(%q) = %v", input, err)
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	set, err := constraint.ParseAll([]string{"architecture==x86_64", "kernel!=5.*", "system_overload_10min<=25", "memory_free>=1GiB", "virtual==/physical|kvm/"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !set.Evaluate(node).OK() {
			b.Fatal("doesn't hold")
		}
	}
}
