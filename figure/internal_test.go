package figure

import (
	"image/color"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A stall or a spike of one interval must survive any thinning, and the mean
// must stay the mean.
func TestColumnsKeepExtremesAndMean(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		s := Series{Step: time.Second, Values: make([]float64, 1+r.IntN(5000))}
		least, most := math.Inf(1), math.Inf(-1)
		for i := range s.Values {
			if s.Values[i] = r.ExpFloat64(); r.IntN(10) == 0 {
				s.Values[i] = math.NaN()
				continue
			}
			least, most = min(least, s.Values[i]), max(most, s.Values[i])
		}
		n := 1 + r.IntN(600)
		cols := s.columns(n)
		low, top, end := math.Inf(1), math.Inf(-1), s.at(0)
		for _, c := range cols {
			if c.from != end {
				t.Fatalf("a gap between columns at %v", end)
			}
			end = c.to
			if !math.IsNaN(c.mid) {
				low, top = min(low, c.low), max(top, c.top)
				if c.mid < c.low-1e-9 || c.mid > c.top+1e-9 {
					t.Fatalf("mean %v outside %v to %v", c.mid, c.low, c.top)
				}
			}
		}
		if low != least || top != most || end != s.end() || len(cols) != min(n, len(s.Values)) {
			t.Fatalf("%d values in %d columns: %v to %v until %v, want %v to %v until %v", len(s.Values), n, low, top, end, least, most, s.end())
		}
	}
}

func TestSilences(t *testing.T) {
	nan := math.NaN()
	series := func(start float64, v ...float64) Series {
		return Series{Start: time.Duration(start * 1e9), Step: time.Second, Values: v}
	}
	for name, tt := range map[string]struct {
		all  []Series
		want []span
	}{
		"none":                     {[]Series{series(0, 1, 2, 3)}, nil},
		"one in the middle":        {[]Series{series(0, 1, 0, 3)}, []span{{1, 2}}},
		"two joined, one alone":    {[]Series{series(0, 1, 0, 0, 3, 0)}, []span{{1, 3}, {4, 5}}},
		"all":                      {[]Series{series(0, 0, 0)}, []span{{0, 2}}},
		"no number counts":         {[]Series{series(0, nan, 1, nan)}, []span{{0, 1}, {2, 3}}},
		"the other one works":      {[]Series{series(0, 1, 0, 1), series(0, 1, 1, 0)}, nil},
		"both silent":              {[]Series{series(0, 1, 0, 1), series(0, 1, 0, 0)}, []span{{1, 2}}},
		"between two parts":        {[]Series{series(0, 1, 1), series(4, 1)}, []span{{2, 4}}},
		"another grid":             {[]Series{series(0, 0, 0, 1), {Start: 0, Step: 500 * time.Millisecond, Values: []float64{1, 0, 0, 1, 1, 1}}}, []span{{0.5, 1.5}}},
		"nothing":                  {nil, nil},
		"starts late, not silence": {[]Series{series(3, 1, 1)}, nil},
	} {
		got := silences(tt.all)
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(span{})); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		q    Quantity
		v    float64
		want string
	}{
		{IOPS, 0, "0 IOPS"}, {IOPS, 0.5, "0.5 IOPS"}, {IOPS, 999.4, "999 IOPS"}, {IOPS, 999.7, "1 kIOPS"}, {IOPS, 48211, "48.2 kIOPS"}, {IOPS, 3.35e6, "3.35 MIOPS"},
		{Bandwidth, 512 << 20, "512 MiB/s"}, {Bandwidth, 1023.9 * 1024, "1 MiB/s"}, {Bandwidth, 3 << 30, "3 GiB/s"},
		{Latency, 97, "97 ns"}, {Latency, 82e3, "82 µs"}, {Latency, 2.4e6, "2.4 ms"}, {Latency, 12e9, "12 s"}, {Latency, math.NaN(), "–"}, {Latency, math.Inf(1), "–"},
		{Percent, 12.34, "12.3 %"}, {Count, 1234567, "1.23 M"},
	} {
		if got := tt.q.Format(tt.v); got != tt.want {
			t.Errorf("format %v: got %q, want %q", tt.v, got, tt.want)
		}
	}
}

func TestTicksAreRoundAndFew(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		hi := math.Pow(10, -3+12*r.Float64())
		ticks := linearTicks{unit: IOPS.unitFor(hi), want: 6}.Ticks(0, hi)
		if len(ticks) < 3 || len(ticks) > 9 {
			t.Fatalf("%d ticks up to %v", len(ticks), hi)
		}
		lo := math.Pow(10, 1+4*r.Float64())
		logs, labels := logTicks{Latency}.Ticks(niceDown(lo), niceUp(hi*lo+lo*3)), 0
		for _, tick := range logs {
			if tick.Label != "" {
				labels++
			}
		}
		if labels < 2 || labels > 20 {
			t.Fatalf("%d labels from %v to %v", labels, lo, hi*lo)
		}
	}
}

func TestNice(t *testing.T) {
	for _, tt := range []struct{ v, down, up float64 }{{1, 0.5, 1}, {1.5, 1, 2}, {2, 1, 2}, {7, 5, 10}, {5e4, 2e4, 5e4}, {99, 50, 100}} {
		if d, u := niceDown(tt.v), niceUp(tt.v); math.Abs(d-tt.down) > 1e-9*tt.down || math.Abs(u-tt.up) > 1e-9*tt.up {
			t.Errorf("%v: %v and %v, want %v and %v", tt.v, d, u, tt.down, tt.up)
		}
	}
}

func TestWrapAndShorten(t *testing.T) {
	st := style(textSize, inkTone(), false)
	for _, s := range []string{"", "short", strings.Repeat("word ", 200), strings.Repeat("x", 100_000), "a " + strings.Repeat("long", 50) + " b", "é\xff漢字 \n\t x"} {
		for _, lines := range []int{1, 2, 3} {
			got := wrap(st, s, 150, lines)
			if len(got) > lines {
				t.Errorf("%.20q: %d lines, want at most %d", s, len(got), lines)
			}
			for _, l := range got {
				if st.Width(l) > 150.01 {
					t.Errorf("%.20q: line %q is %v wide", s, l, st.Width(l))
				}
			}
		}
	}
	if got := shorten(st, "rack1-host-07.storage.example.org", 120); !strings.HasPrefix(got, "rack1-h") || !strings.HasSuffix(got, ".org") {
		t.Errorf("shortened to %q: both ends should stay", got)
	}
}

// deficiencies are Machado's matrices (2009) for linear RGB at full severity.
func deficiencies() map[string][9]float64 {
	return map[string][9]float64{
		"normal":       {1, 0, 0, 0, 1, 0, 0, 0, 1},
		"protanopia":   {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
		"deuteranopia": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
		"tritanopia":   {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
	}
}

// Any two series colours must be told apart by everybody, in both themes.
func TestColoursAreToldApart(t *testing.T) {
	for name, m := range deficiencies() {
		for _, theme := range []Theme{Light, Dark} {
			for i := range maxColours {
				for j := range i {
					a, b := seriesTone(i, 100).in(theme), seriesTone(j, 100).in(theme)
					if d := distance(lab(a, m), lab(b, m)); d < 11 {
						t.Errorf("%s, theme %d: colours %d and %d are %.1f apart, want 11", name, theme, j, i, d)
					}
				}
			}
		}
	}
}

// Lines and text must stand out from the paper: 3:1 for lines, 4.5:1 for text.
func TestContrast(t *testing.T) {
	for _, theme := range []Theme{Light, Dark} {
		paper := luminance(paperTone().in(theme))
		check := func(what string, c color.NRGBA, background, want float64) {
			if got := contrast(luminance(c), background); got < want {
				t.Errorf("theme %d: %s has %.2f:1, want %v:1", theme, what, got, want)
			}
		}
		for i := range maxColours {
			check("a series", seriesTone(i, 100).in(theme), paper, 3)
		}
		check("ink", inkTone().in(theme), paper, 7)
		check("muted text", mutedTone().in(theme), paper, 4.5)
		check("a warning", warnTone().in(theme), luminance(warnBox().in(theme)), 4.5)
		for i := range heatLevels {
			check("a value on the scale", heatInk(i).in(theme), luminance(heatTone(i).in(theme)), 3)
		}
	}
}

// The order of the scale must survive without hue.
func TestHeatScaleIsMonotonic(t *testing.T) {
	for i := 1; i < heatLevels; i++ {
		if luminance(heatTone(i).light) >= luminance(heatTone(i-1).light) {
			t.Errorf("light: level %d is not darker than the one below", i)
		}
		if luminance(heatTone(i).dark) <= luminance(heatTone(i-1).dark) {
			t.Errorf("dark: level %d is not lighter than the one below", i)
		}
	}
}

func linear(v uint8) float64 {
	f := float64(v) / 255
	if f <= 0.04045 {
		return f / 12.92
	}
	return math.Pow((f+0.055)/1.055, 2.4)
}

func luminance(c color.NRGBA) float64 {
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// lab converts a colour as seen through m to CIE Lab.
func lab(c color.NRGBA, m [9]float64) [3]float64 {
	in := [3]float64{linear(c.R), linear(c.G), linear(c.B)}
	var rgb [3]float64
	for i := range rgb {
		rgb[i] = min(1, max(0, m[3*i]*in[0]+m[3*i+1]*in[1]+m[3*i+2]*in[2]))
	}
	f := func(v float64) float64 {
		if v > 0.008856 {
			return math.Cbrt(v)
		}
		return 7.787*v + 16.0/116
	}
	x := f((0.4124*rgb[0] + 0.3576*rgb[1] + 0.1805*rgb[2]) / 0.95047)
	y := f(0.2126*rgb[0] + 0.7152*rgb[1] + 0.0722*rgb[2])
	z := f((0.0193*rgb[0] + 0.1192*rgb[1] + 0.9505*rgb[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func distance(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}
