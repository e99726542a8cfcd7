package log

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// histLog makes a log at the coarsest, 29 bins, from rows of time and count.
func histLog(t *testing.T, rows ...[2]int) *HistReader {
	t.Helper()
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%d, 0, 4096, %d%s\n", r[0], r[1], strings.Repeat(", 0", 28))
	}
	h, err := OpenHist(strings.NewReader(b.String()), Config{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHistogramsOfSeveralJobsAreWalkedSideBySide(t *testing.T) {
	tracks := []HistTrack{
		{Reader: histLog(t, [2]int{500, 1}, [2]int{1000, 2}, [2]int{3000, 4})},
		{Reader: histLog(t, [2]int{500, 10}, [2]int{1001, 20}), ShiftMS: 1000},
		{Reader: histLog(t)},
	}
	var got [][2]int64
	err := WalkHist(1000, tracks, func(c HistCell) error {
		got = append(got, [2]int64{c.StartMS, int64(c.Hist[Read].N())})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// 1000 ends the first second; 2001 begins the third; nothing is in between.
	want := [][2]int64{{0, 3}, {1000, 10}, {2000, 24}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWalkingEndsWithTheFirstError(t *testing.T) {
	stop := errors.New("enough")
	steps := 0
	err := WalkHist(100, []HistTrack{{Reader: histLog(t, [2]int{100, 1}, [2]int{200, 1})}}, func(HistCell) error {
		steps++
		return stop
	})
	if !errors.Is(err, stop) || steps != 1 {
		t.Errorf("%v after %d steps", err, steps)
	}
	if err := WalkHist(0, nil, nil); err == nil {
		t.Error("a step of zero was accepted")
	}
}
