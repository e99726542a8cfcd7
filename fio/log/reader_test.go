package log

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// readAll reads a log to its end, a few samples at a time.
func readAll(t testing.TB, r *Reader) []Sample {
	t.Helper()
	var all []Sample
	var dst [3]Sample
	for {
		n, err := r.Read(dst[:])
		all = append(all, dst[:n]...)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryLayoutIsReadByItsColumns(t *testing.T) {
	for _, c := range []struct {
		name   string
		layout Layout
		line   string
		want   Sample
	}{
		{"3.0", LayoutOf(Version{3, 0}, Options{}), "10, 20, 1, 4096", Sample{Time: 10, Value: 20, Max: 20, Dir: Write, BS: 4096}},
		{"3.17 offset", LayoutOf(Version{3, 17}, Options{Offset: true}), "10, 20, 1, 4096, 512", Sample{Time: 10, Value: 20, Max: 20, Dir: Write, BS: 4096, Offset: 512}},
		{"3.18", LayoutOf(Version{3, 18}, Options{}), "10, 20, 2, 0, 1", Sample{Time: 10, Value: 20, Max: 20, Dir: Trim, Prio: 1}},
		{"3.18 offset", LayoutOf(Version{3, 18}, Options{Offset: true}), "10, 20, 0, 0, 7, 1", Sample{Time: 10, Value: 20, Max: 20, Offset: 7, Prio: 1}},
		{"3.28 prio", LayoutOf(Version{3, 28}, Options{}), "10, 20, 0, 0, 0x6001", Sample{Time: 10, Value: 20, Max: 20, Prio: 0x6001}},
		{"3.37 both", LayoutOf(Version{3, 37}, Options{BothValues: true}), "10, 20, 30, 0, 0, 0", Sample{Time: 10, Value: 20, Max: 30}},
		{"3.36 both", LayoutOf(Version{3, 36}, Options{BothValues: true}), "10, 20, 0, 0, 0", Sample{Time: 10, Value: 20, Max: 20}},
		{"3.38 all", LayoutOf(Version{3, 38}, Options{Offset: true, BothValues: true, IssueTime: true}), "10, 20, 30, 1, 4096, 8192, 0x0002, 99", Sample{Time: 10, Value: 20, Max: 30, Dir: Write, BS: 4096, Offset: 8192, Prio: 2, Issue: 99}},
		{"largest", LayoutOf(Version{3, 42}, Options{}), "9999999999999999999, 9999999999999999999, 0, 4294967296, 0", Sample{Time: 9999999999999999999, Value: 9999999999999999999, Max: 9999999999999999999, BS: 1 << 32}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, end := range []string{"\n", "\r\n", ""} {
				r := NewReader(strings.NewReader(c.line+end), &c.layout)
				if diff := cmp.Diff([]Sample{c.want}, readAll(t, r)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestMalformedLinesAreCountedAndShown(t *testing.T) {
	text := "1, 2, 0, 0, 0\nrubbish\n2, 2, 3, 0, 0\n3, 2, 0, 0\n\n4, -2, 0, 0, 0\n5, 2, 0, 0, 0, 0\n99999999999999999999, 2, 0, 0, 0\n7, 2, 0, 0, 0\n"
	layout := Layout{Prio: true}
	r := NewReader(iotest.OneByteReader(strings.NewReader(text)), &layout)
	if got := readAll(t, r); len(got) != 2 {
		t.Errorf("samples %+v", got)
	}
	want := Stats{Bytes: int64(len(text)), Lines: 9, Samples: 2, Malformed: 6, Examples: []Malformed{
		{2, "rubbish", "1 columns instead of 5 (time, value, ddir, bs, prio)"},
		{3, "2, 2, 3, 0, 0", "not numbers in the columns time, value, ddir, bs, prio"},
		{4, "3, 2, 0, 0", "4 columns instead of 5 (time, value, ddir, bs, prio)"},
		{6, "4, -2, 0, 0, 0", "not numbers in the columns time, value, ddir, bs, prio"},
		{7, "5, 2, 0, 0, 0, 0", "6 columns instead of 5 (time, value, ddir, bs, prio)"},
	}}
	if diff := cmp.Diff(want, r.Stats()); diff != "" {
		t.Error(diff)
	}
}

func TestAHugeLineIsOneMalformedLine(t *testing.T) {
	text := "1, 2, 0, 0, 0\n" + strings.Repeat("x", 3*bufferSize) + "\n2, 2, 0, 0, 0\n"
	layout := Layout{Prio: true}
	r := NewReader(strings.NewReader(text), &layout)
	if got := readAll(t, r); len(got) != 2 || got[1].Time != 2 {
		t.Errorf("samples %+v", got)
	}
	if s := r.Stats(); s.Malformed != 1 || s.Lines != 3 || s.Examples[0].Line != 2 {
		t.Errorf("stats %+v", s)
	}
}

func TestAnErrorOfTheSourceIsNotTheEnd(t *testing.T) {
	broken := errors.New("disk gone")
	r := NewReader(io.MultiReader(strings.NewReader("1, 2, 0, 0, 0\n2, 3"), iotest.ErrReader(broken)), &Layout{Prio: true})
	var dst [8]Sample
	if n, err := r.Read(dst[:]); n != 1 || err != nil {
		t.Fatalf("first read: %d, %v", n, err)
	}
	if _, err := r.Read(dst[:]); !errors.Is(err, broken) {
		t.Errorf("second read: %v", err)
	}
}

func TestTimeGoingBackIsCountedForEachDirection(t *testing.T) {
	r := NewReader(strings.NewReader("5, 1, 0, 0, 0\n3, 1, 1, 0, 0\n6, 1, 0, 0, 0\n1, 1, 0, 0, 0\n"), &Layout{Prio: true})
	readAll(t, r)
	if got := r.Stats().Rewinds; got != 1 {
		t.Errorf("rewinds %d, want 1", got)
	}
}

func TestGuessesAreMadeVisible(t *testing.T) {
	for _, c := range []struct {
		text string
		want Layout
	}{
		{"1, 2, 0, 4096\n", Layout{}},
		{"1, 2, 0, 4096, 0\n1, 2, 1, 4096, 1\n", Layout{Prio: true}},
		{"1, 2, 0, 4096, 0\n1, 2, 1, 4096, 8192\n", Layout{Offset: true}},
		{"1, 2, 0, 4096, 0x0000\n", Layout{Prio: true}},
		{"1, 2, 0, 4096, 8192, 0\n", Layout{Offset: true, Prio: true}},
		{"1, 2, 0, 0, 0, 0\n1, 20, 30, 0, 0, 0\n", Layout{Max: true, Prio: true}},
		{"1, 2, 0, 4096, 8192, 0, 77\n", Layout{Offset: true, Prio: true, Issue: true}},
		{"1, 2, 30, 0, 4096, 8192, 0\n", Layout{Max: true, Offset: true, Prio: true}},
	} {
		r := NewReader(strings.NewReader(c.text), nil)
		samples := readAll(t, r)
		if diff := cmp.Diff(c.want, r.Layout(), cmpopts.IgnoreFields(Layout{}, "Guess")); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
		if r.Layout().Guess == "" || len(samples) != strings.Count(c.text, "\n") {
			t.Errorf("%q: guess %q, %d samples", c.text, r.Layout().Guess, len(samples))
		}
	}
}

func TestReadingAllocatesNothingPerLine(t *testing.T) {
	text := lines(50_000, "lat")
	layout := Layout{Prio: true}
	dst := make([]Sample, 512)
	src := bytes.NewReader(text)
	allocs := testing.AllocsPerRun(3, func() {
		src.Reset(text)
		r := NewReader(src, &layout)
		for {
			if _, err := r.Read(dst); err != nil {
				break
			}
		}
	})
	if allocs > 4 {
		t.Errorf("%v allocations for 50,000 lines", allocs)
	}
}

func TestParseVersion(t *testing.T) {
	for s, want := range map[string]Version{
		"fio-3.33": {3, 33}, "3.36-5-g1234": {3, 36}, "fio-3.7": {3, 7}, "fio-3.39-dirty": {3, 39},
	} {
		if got, err := ParseVersion(s); err != nil || got != want {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "fio", "fio-3", "x.y"} {
		if got, err := ParseVersion(s); err == nil {
			t.Errorf("%q: taken for %v", s, got)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("1, 2, 0, 0, 0\n2, 3, 1, 4096, 0x0001\n"), uint8(4))
	f.Add([]byte("1, 2, 3, 0, 0, 0\n"), uint8(255))
	f.Add([]byte("1, 2, 0, 4096"), uint8(0))
	f.Fuzz(func(t *testing.T, text []byte, columns uint8) {
		layout := &Layout{Max: columns&1 > 0, Offset: columns&2 > 0, Prio: columns&4 > 0, Issue: columns&8 > 0}
		if columns&16 > 0 {
			layout = nil
		}
		whole := NewReader(bytes.NewReader(text), layout)
		pieces := NewReader(iotest.OneByteReader(bytes.NewReader(text)), layout)
		a, b := readAll(t, whole), readAll(t, pieces)
		// A guess may differ, because it is made from the first lines at hand.
		if layout != nil {
			if diff := cmp.Diff(fmt.Sprint(a, whole.Stats()), fmt.Sprint(b, pieces.Stats())); diff != "" {
				t.Fatal(diff)
			}
		}
		s := whole.Stats()
		if s.Samples != int64(len(a)) || s.Samples+s.Malformed > s.Lines {
			t.Fatalf("%+v", s)
		}
	})
}
