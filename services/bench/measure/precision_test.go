package measure

import (
	"math"
	"strings"
	"testing"
)

func TestTheIntervalIsThatOfTheMean(t *testing.T) {
	for name, c := range map[string]struct {
		values []float64
		want   float64
		ok     bool
	}{
		"equal":             {[]float64{5, 5, 5}, 0, true},
		"two are too few":   {[]float64{5, 5}, 0, false},
		"no latencies":      {[]float64{0, 0, 0}, 0, false},
		"98, 100, 102":      {[]float64{98, 100, 102}, 4.303 * 2 / math.Sqrt(3) / 100, true},
		"98, 100, 102 more": {[]float64{98, 102, 100, 98, 102, 100}, 2.571 * math.Sqrt(16.0/5/6) / 100, true},
	} {
		got, ok := halfWidth(c.values)
		if ok != c.ok || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v %v, want %v", name, got, ok, c.want)
		}
	}
	if d := student(31) - 2.040; math.Abs(d) > 0.005 {
		t.Errorf("with 31 degrees of freedom %v, want 2.040", student(31))
	}
}

func TestOneWideDirectionKeepsRepeating(t *testing.T) {
	p := &Precision{target: 0.05, figure: "p99", least: 3}
	if why := p.tight(map[string][]float64{"read": {100, 100, 101}, "write": {100, 150, 60}}); why != "" {
		t.Error(why)
	}
	if why := p.tight(map[string][]float64{"read": {100, 100, 101}, "write": {100, 101, 100}}); !strings.HasPrefix(why, "read.p99 is known to ±") {
		t.Errorf("%q", why)
	}
	if why := p.tight(nil); why != "" {
		t.Errorf("nothing was measured: %q", why)
	}
}
