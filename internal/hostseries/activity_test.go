package hostseries

import (
	"bytes"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func sample(start, span time.Duration, user float64) Sample {
	return Sample{
		Start: start, Span: span, CPU: CPU{User: user, Idle: 100 - user}, Memory: 1 << 30,
		FreqMin: math.NaN(), FreqMean: math.NaN(), Throttles: 0,
		Devices: []Device{{ReadIOPS: user * 10, WriteBytes: 4096.25, InFlight: 1.5, Busy: 99.99}},
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	want := Series{Devices: []string{"cciss!c0d0"}, Samples: []Sample{
		sample(40*time.Millisecond, time.Second, 12.5), sample(90*time.Second, 300*time.Millisecond, 0),
	}}
	var b bytes.Buffer
	if err := Write(&b, want); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(b.String(), "\n"); lines[1] != "40,1000,12.5,0,0,0,87.5,1073741824,,,0,125,0,0,4096.25,1.5,99.99" {
		t.Errorf("row %s", lines[1])
	}
	got, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Error(diff)
	}
}

func TestRowsOfAnotherShapeAreNotWritten(t *testing.T) {
	if err := Write(&bytes.Buffer{}, Series{Samples: []Sample{sample(0, time.Second, 1)}}); err == nil {
		t.Error("a row with a device was written to a file without")
	}
}

// A run of a day keeps its whole length, and its means, in MaxRows.
func TestALongSeriesIsMergedNotCut(t *testing.T) {
	s := Series{Devices: []string{"vda"}}
	step, at, throttles := time.Second, time.Duration(0), 0.0
	for at < 24*time.Hour {
		one := sample(at, step, float64(at/time.Hour))
		one.Throttles, one.FreqMin = 1, 1000+float64(at/time.Hour)
		throttles++
		at += step
		if s.Add(one) {
			step *= 2
		}
		if len(s.Samples) > MaxRows {
			t.Fatalf("%d rows", len(s.Samples))
		}
	}
	last := s.Samples[len(s.Samples)-1]
	if s.Samples[0].Start != 0 || last.End() != at {
		t.Errorf("from %s to %s, want to %s", s.Samples[0].Start, last.End(), at)
	}
	busy, counted, low := 0.0, 0.0, math.Inf(1)
	for i, one := range s.Samples {
		busy += one.CPU.User * one.Span.Seconds()
		counted += one.Throttles
		low = min(low, one.FreqMin)
		if i > 0 && one.Start != s.Samples[i-1].End() {
			t.Fatalf("row %d begins at %s, the one before ends at %s", i, one.Start, s.Samples[i-1].End())
		}
	}
	if mean := busy / at.Seconds(); math.Abs(mean-11.5) > 0.01 {
		t.Errorf("mean %g, want 11.5", mean)
	}
	if counted != throttles || low != 1000 {
		t.Errorf("%g throttles of %g, lowest frequency %g", counted, throttles, low)
	}
}

func TestUnknownValuesDoNotSpoilKnownOnes(t *testing.T) {
	a, b := sample(0, time.Second, 10), sample(time.Second, 3*time.Second, 30)
	b.CPU.Steal, b.FreqMean, a.Throttles = math.NaN(), 2000, math.NaN()
	got := merge(a, b)
	if got.CPU.User != 25 || got.CPU.Steal != 0 || got.FreqMean != 2000 || !math.IsNaN(got.FreqMin) || got.Throttles != 0 || got.Span != 4*time.Second {
		t.Errorf("merged %+v", got)
	}
}

func TestWhatIsNoActivityIsRefused(t *testing.T) {
	head := strings.Join(hostColumns, ",") + "\n"
	row := "0,1000,1,1,1,1,96,5,,,\n"
	for name, tc := range map[string]struct {
		text string
		want error
		says string
	}{
		"nothing":          {"", ErrFormat, "empty"},
		"another table":    {"a,b,c\n", ErrFormat, "line 1: 3 columns"},
		"a wrong column":   {strings.Replace(head, "cpu_idle", "idle", 1), ErrFormat, `column 7 is "idle"`},
		"no device name":   {strings.TrimSpace(head) + ",:a,:b,:c,:d,:e,:f\n", ErrFormat, "names no device"},
		"too few cells":    {head + "0,1000\n", ErrFormat, "line 2"},
		"a word":           {head + strings.Replace(row, "96", "many", 1), ErrFormat, `line 2: "many"`},
		"not a number":     {head + strings.Replace(row, "96", "NaN", 1), ErrFormat, `"NaN"`},
		"less than none":   {head + strings.Replace(row, "96", "-1", 1), ErrFormat, `"-1"`},
		"beyond time":      {head + "9" + strings.Repeat("0", 15) + row[1:], ErrFormat, "no milliseconds"},
		"no interval":      {head + strings.Replace(row, "1000", "0", 1), ErrFormat, "not in order"},
		"overlap":          {head + row + "999" + row[1:], ErrFormat, "line 3: intervals are not in order"},
		"too many devices": {strings.Join(header(make([]string, MaxDevices+1)), ",") + "\n", ErrTooLarge, "devices"},
		"too many bytes":   {head + `"` + strings.Repeat("x", MaxBytes), ErrTooLarge, "bytes"},
	} {
		_, err := Read(strings.NewReader(tc.text))
		if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, want %q", name, err, tc.says)
		}
	}
	var long strings.Builder
	long.WriteString(head)
	for i := range MaxRows + 1 {
		long.WriteString(strings.Replace(row, "0,", number(float64(i)*1000)+",", 1))
	}
	if _, err := Read(strings.NewReader(long.String())); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d rows: %v", MaxRows+1, err)
	}
}

// FuzzRead holds that whatever is read can be written and read again.
func FuzzRead(f *testing.F) {
	recorded, err := os.ReadFile("testdata/recorded.csv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(recorded)
	f.Add([]byte(strings.Join(hostColumns, ",") + "\n0,1,,,,,,,,,\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Read(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("error of neither kind: %v", err)
			}
			return
		}
		var b bytes.Buffer
		if err := Write(&b, s); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if len(again.Samples) != len(s.Samples) || !cmp.Equal(again.Devices, s.Devices, cmpopts.EquateEmpty()) {
			t.Fatalf("%d rows of %q became %d of %q", len(s.Samples), s.Devices, len(again.Samples), again.Devices)
		}
	})
}
