package runner

import (
	"strings"
	"testing"
	"time"
)

func TestParseProgressReadsFioLines(t *testing.T) {
	for _, tc := range []struct {
		name, line string
		want       Progress
	}{
		{
			"mixed job of fio 3.33",
			"Jobs: 2 (f=2): [m(2)][60.0%][r=3614MiB/s,w=3612MiB/s][r=925k,w=925k IOPS][eta 00m:02s]",
			Progress{
				Percent: 60, ETA: 2 * time.Second, Jobs: 2,
				Read:  Rate{BytesPerSec: 3614 << 20, IOPS: 925e3},
				Write: Rate{BytesPerSec: 3612 << 20, IOPS: 925e3},
			},
		},
		{
			"trim with a bare byte rate and a long way to go",
			"Jobs: 1 (f=1): [D(1)][0.1%][t=512B/s][t=1 IOPS][eta 01d:02h:03m:04s]",
			Progress{
				Percent: 0.1, ETA: 26*time.Hour + 3*time.Minute + 4*time.Second, Jobs: 1,
				Trim: Rate{BytesPerSec: 512, IOPS: 1},
			},
		},
		{
			"rate limits in front of the rates",
			"Jobs: 1 (f=1), 0-1000 IOPS: [r(1)][5.0%][r=4000KiB/s][r=1000 IOPS][eta 00m:57s]",
			Progress{Percent: 5, ETA: 57 * time.Second, Jobs: 1, Read: Rate{BytesPerSec: 4000 << 10, IOPS: 1000}},
		},
		{
			"ramp time", "Jobs: 1 (f=1): [/(1)][-.-%][r=1MB/s][r=2 IOPS][eta 00m:09s]",
			Progress{Percent: -1, ETA: 9 * time.Second, Jobs: 1, Ramping: true, Read: Rate{BytesPerSec: 1e6, IOPS: 2}},
		},
		{"nothing known yet", "Jobs: 2 (f=2)", Progress{Percent: -1, ETA: -1, Jobs: 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := ParseProgress(tc.line)
			if !ok || got != tc.want {
				t.Fatalf("got %+v, %v\nwant %+v", got, ok, tc.want)
			}
		})
	}
}

func TestParseProgressLeavesOtherTextAlone(t *testing.T) {
	for _, line := range []string{"", "fio: terminating on signal 2", "note: both iodepth >= 1", "Jobs: many (f=1)"} {
		if p, ok := ParseProgress(line); ok {
			t.Errorf("%q was read as %+v", line, p)
		}
	}
}

func TestProgressWriterCutsAtCarriageReturnsAcrossWrites(t *testing.T) {
	var got []float64
	w := NewProgressWriter(time.Now, func(p Progress) { got = append(got, p.Percent) })
	stream := "Jobs: 1 (f=1)\rJobs: 1 (f=1): [r(1)][20.0%][r=1MiB/s][r=9 IOPS][eta 00m:04s]\r" +
		"\nnoise\nJobs: 1 (f=1): [r(1)][40.0%][r=1MiB/s][r=9 IOPS][eta 00m:03s]\r\n"
	for i := 0; i < len(stream); i += 7 {
		chunk := stream[i:min(i+7, len(stream))]
		if n, err := w.Write([]byte(chunk)); n != len(chunk) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", chunk, n, err)
		}
	}
	if len(got) != 2 || got[0] != 20 || got[1] != 40 {
		t.Fatalf("saw %v, want [20 40]", got)
	}
}

func TestProgressWriterHoldsNoMoreThanALine(t *testing.T) {
	w := NewProgressWriter(time.Now, func(Progress) { t.Error("progress out of noise") })
	for range 100 {
		_, _ = w.Write([]byte(strings.Repeat("x", maxLine)))
	}
	if len(w.line) > maxLine {
		t.Fatalf("holds %d bytes", len(w.line))
	}
}

func FuzzParseProgress(f *testing.F) {
	for _, s := range []string{
		"Jobs: 2 (f=2): [m(2)][60.0%][r=3614MiB/s,w=3612MiB/s][r=925k,w=925k IOPS][eta 00m:02s]",
		"Jobs: 1 (f=1): [/(1)][-.-%][r=0KiB/s][r=0 IOPS][eta 1158050441d:06h:59m:50s]",
		"Jobs: 1 (f=0): [f(1)][100.0%][w=1e9GiB/s][w=NaN IOPS][eta -1s]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		p, ok := ParseProgress(line)
		if !ok {
			return
		}
		total := p.Total()
		if p.Percent > 100 || p.ETA < -1 || !(total.IOPS >= 0) || !(total.BytesPerSec >= 0) {
			t.Fatalf("%q gives %+v", line, p)
		}
	})
}
