package figure_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/figure"
)

var update = flag.Bool("update", false, "rewrite golden files")

func svg(t *testing.T, f *figure.Figure) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// element is one element of a parsed SVG.
type element struct {
	name  string
	attrs map[string]string
	text  string
}

// parse reads an SVG as XML, which is what refuses a stray ampersand.
func parse(t *testing.T, doc string) []element {
	t.Helper()
	var out []element
	d := xml.NewDecoder(strings.NewReader(doc))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("the SVG is no XML: %v", err)
		}
		switch tok := token.(type) {
		case xml.StartElement:
			e := element{name: tok.Name.Local, attrs: map[string]string{}}
			for _, a := range tok.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			out = append(out, e)
		case xml.CharData:
			if len(out) > 0 {
				out[len(out)-1].text += string(tok)
			}
		}
	}
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What must hold for every figure there is.
func TestEveryFigure(t *testing.T) {
	for name, f := range cases() {
		t.Run(name, func(t *testing.T) {
			doc := svg(t, f)
			elements := parse(t, doc)
			width, height := number(t, elements[0].attrs["width"]), number(t, elements[0].attrs["height"])
			if strings.Contains(doc, "NaN") || strings.Contains(doc, "Inf") {
				t.Error("a coordinate is no number")
			}
			for _, e := range elements {
				switch e.name {
				case "text":
					insideText(t, e, width, height)
				case "path":
					insidePath(t, e, width, height)
				}
			}
			if again := svg(t, f); again != doc {
				t.Error("drawn twice, it differs")
			}
			var b bytes.Buffer
			if err := f.WritePNG(&b, figure.Dark); err != nil {
				t.Fatal(err)
			}
			img, err := png.Decode(&b)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := img.Bounds().Dx(), int(width*192/72); got != want {
				t.Errorf("the PNG is %d pixels wide, want %d", got, want)
			}
		})
	}
}

// insideText checks that a text ends before the figure does.
func insideText(t *testing.T, e element, width, height float64) {
	t.Helper()
	x, y, length := number(t, e.attrs["x"]), number(t, e.attrs["y"]), 0.0
	if l := e.attrs["textLength"]; l != "" {
		length = number(t, l)
	}
	if x < -0.5 || x+length > width+0.5 || y < 0 || y > height {
		t.Errorf("text %q at %v,%v of length %v leaves the figure of %v×%v", e.text, x, y, length, width, height)
	}
}

// insidePath checks every point of a path.
func insidePath(t *testing.T, e element, width, height float64) {
	t.Helper()
	d := strings.NewReplacer("M", " ", "L", " ", "Z", " ").Replace(e.attrs["d"])
	if strings.Contains(d, "A") { // glyphs: centred on points that are checked otherwise
		return
	}
	fields := strings.Fields(d)
	for i := 0; i+1 < len(fields); i += 2 {
		x, y := number(t, fields[i]), number(t, fields[i+1])
		if x < -1 || x > width+1 || y < -1 || y > height+1 {
			t.Fatalf("a point at %v,%v leaves the figure of %v×%v", x, y, width, height)
		}
	}
}

// Golden files of small figures: a change in what is drawn shows in review.
func TestGolden(t *testing.T) {
	all := cases()
	for _, name := range []string{"time-stall", "time-two", "time-empty", "bars-one", "shifts", "surface", "percentiles-single"} {
		file := filepath.Join("testdata", name+".svg")
		got := svg(t, all[name])
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("%s differs (-want +got); -update rewrites it:\n%s", file, diff)
		}
	}
}

// texts joins what a figure says.
func texts(t *testing.T, f *figure.Figure) string {
	t.Helper()
	var b strings.Builder
	for _, e := range parse(t, svg(t, f)) {
		if e.name == "text" {
			b.WriteString(e.text + "\n")
		}
	}
	return b.String()
}

func TestFiguresSayWhatTheyShow(t *testing.T) {
	all := cases()
	for name, wants := range map[string][]string{
		"time-one":           {"IOPS over time", "60 intervals of 1 s", "kIOPS", "time (s)", "read – mean 48 kIOPS"},
		"time-stall":         {"log and summary disagree", "15 of 60 intervals are silent", "no I/O completed – 15 s in 2 stretches", "fio's iops_mean – 1.99 kIOPS"},
		"time-mixed":         {"MiB/s", "read – mean 514 MiB/s", "trim – mean 40.1 MiB/s"},
		"time-latency":       {"5 ms", "100 µs", "p99.9 – 2.4 ms", "n = 2,880,412 I/Os"},
		"time-fifty":         {"50 series", "their median", "highest: rack4-host-49.storage.example.org", "lowest: rack0-host-00.storage.example.org"},
		"time-huge":          {"least to greatest per column", "time (h)", "no I/O completed – 100 ms in 1 stretch"},
		"time-empty":         {"no samples"},
		"bars-depth":         {"bs=4k, iodepth=32", "kIOPS", "whiskers: least to greatest"},
		"bars-many":          {"first 40 of 60 points drawn"},
		"percentiles":        {"99.99", "read – n = 200,400", "percentile"},
		"percentiles-single": {"n = 3"},
		"histogram":          {"% of I/Os per 1/20 of a decade"},
		"heatmap":            {"share of an interval's I/Os:", "10 ms"},
		"surface":            {"iodepth →", "numjobs ↑", "in kIOPS", "–"},
		"load":               {"numjobs=16", "128"},
	} {
		said := texts(t, all[name])
		for _, want := range wants {
			if !strings.Contains(strings.ReplaceAll(said, "\n", " "), want) {
				t.Errorf("%s does not say %q; it says:\n%s", name, want, said)
			}
		}
	}
}

// The box shows four lines at most; the text equivalent has every flag in full.
func TestDescriptionHoldsAllFlags(t *testing.T) {
	long := strings.Repeat("why ", 100)
	f := figure.Time{Head: figure.Head{Title: "T", Flags: []string{"one", "two", "three", "four", "five", long}}}.Figure()
	for _, e := range parse(t, svg(t, f)) {
		if e.name == "desc" {
			for _, want := range []string{"one", "five", strings.TrimSpace(long)} {
				if !strings.Contains(e.text, want) {
					t.Errorf("the description misses %q", want)
				}
			}
			return
		}
	}
	t.Error("there is no description")
}

// Names come from job files: markup, controls and broken UTF-8 included.
func TestHostileNames(t *testing.T) {
	name := "</text><script>alert(1)</script>\x00\x1b[31m\xff\"'&"
	f := figure.Time{
		Head: figure.Head{Title: name, Subject: name, Facts: []string{name}, Flags: []string{name}}, Quantity: figure.IOPS,
		Series: []figure.Series{{Name: name, Note: name, Step: 1e9, Values: []float64{1, 2}}},
	}.Figure()
	for _, e := range parse(t, svg(t, f)) {
		if e.name == "script" {
			t.Fatal("a name became an element")
		}
	}
}

// Whatever a job, host or branch is called, the figure stays one document in
// its bounds.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"randread", "</text><script>", "a\x00b\xff", strings.Repeat("x ", 300), "漢字 é 🚀", "\u202eright to left", "&amp;]]>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		fig := figure.Time{
			Head: figure.Head{Title: name, Subject: name, Facts: []string{name, name}, Flags: []string{name}}, Quantity: figure.IOPS,
			Series: []figure.Series{{Name: name, Note: name, Step: 1e9, Values: []float64{1, 2}}}, Refs: []figure.Ref{{Name: name, Value: 1}},
		}.Figure()
		elements := parse(t, svg(t, fig))
		width, height := number(t, elements[0].attrs["width"]), number(t, elements[0].attrs["height"])
		for _, e := range elements {
			switch e.name {
			case "text":
				insideText(t, e, width, height)
			case "metadata":
				if !json.Valid([]byte(e.text)) {
					t.Fatalf("the metadata is no JSON: %s", e.text)
				}
			case "svg", "title", "desc", "style", "path":
			default:
				t.Fatalf("a name became an element: %s", e.name)
			}
		}
	})
}

// Programs find in the figure what its lines were drawn of: the values, where
// they lie, and the silence.
func TestAFigureCarriesItsValues(t *testing.T) {
	f := figure.Time{Head: figure.Head{Title: "Latency"}, Quantity: figure.Latency, Series: []figure.Series{
		{Name: "p99 <of all>", Start: 2e9, Step: 1e9, Values: []float64{81_234.5678, math.NaN(), 90_000}},
	}}.Figure()
	var got struct {
		Area     [4]float64
		From, To float64
		Units    []struct {
			Name string
			Size float64
		}
		Lines []struct {
			Name     string
			From, To float64
			Mid      []*float64
			Low      []float64
		}
	}
	elements := parse(t, svg(t, f))
	for _, e := range elements {
		if e.name == "metadata" {
			if err := json.Unmarshal([]byte(e.text), &got); err != nil {
				t.Fatal(err)
			}
		}
	}
	width, height := number(t, elements[0].attrs["width"]), number(t, elements[0].attrs["height"])
	if a := got.Area; !(a[0] > 0 && a[1] > 0 && a[2] > a[0]+width/2 && a[2] <= width && a[3] > a[1]+height/3 && a[3] < height) {
		t.Errorf("the plot lies at %v in %g × %g", got.Area, width, height)
	}
	if got.From != 2 || got.To != 5 || len(got.Units) != 4 || got.Units[1].Name != "µs" || len(got.Lines) != 1 {
		t.Fatalf("%+v", got)
	}
	l := got.Lines[0]
	if l.Name != "p99 <of all>" || l.From != 2 || l.To != 5 || len(l.Mid) != 3 || *l.Mid[0] != 81_235 || l.Mid[1] != nil || l.Low != nil {
		t.Errorf("%+v", l)
	}
}

func BenchmarkTimeFigure(b *testing.B) {
	huge := noisy("read", 400_000, 310_000, 9000, 11)
	for b.Loop() {
		f := figure.Time{Head: figure.Head{Title: "IOPS"}, Quantity: figure.IOPS, Series: []figure.Series{huge}}.Figure()
		if err := f.WriteSVG(io.Discard); err != nil {
			b.Fatal(err)
		}
		if err := f.WritePNG(io.Discard, figure.Light); err != nil {
			b.Fatal(err)
		}
	}
}
