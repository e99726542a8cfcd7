package events_test

import (
	"reflect"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// A new event that names a bench or a run must not be overlooked where events
// are sorted by it.
func TestEveryEventThatNamesABenchOrARunIsAboutIt(t *testing.T) {
	for _, e := range events.Examples() {
		data := reflect.ValueOf(e.Data)
		named := data.FieldByName("Bench")
		if e.Type == events.TypeBenchRequested {
			named = reflect.ValueOf(events.BenchID(e))
		}
		want := ""
		if named.IsValid() && named.Kind() == reflect.String {
			want = named.String()
		}
		if got := events.BenchOf(e); got != want {
			t.Errorf("%s is about bench %q, want %q", e.Type, got, want)
		}
		ref := data.FieldByName("RunRef")
		run, ok := events.RunOf(e)
		if ok != ref.IsValid() || ok && !reflect.DeepEqual(run, ref.Interface()) {
			t.Errorf("%s is about run %+v, %t", e.Type, run, ok)
		}
		if ended := e.Type.Ends(); ended == "run" && !ok || ended == "bench" && want == "" {
			t.Errorf("%s ends a %s that it does not name", e.Type, ended)
		}
	}
}

func TestEveryEndIsOfARunOrOfABench(t *testing.T) {
	if got := len(events.RunEnds()); got != 5 {
		t.Errorf("a run has %d ends", got)
	}
	if got := len(events.BenchEnds()); got != 3 {
		t.Errorf("a bench has %d ends", got)
	}
	for _, typ := range events.Types() {
		if ends := typ.Ends(); ends != "" && ends != "run" && ends != "bench" {
			t.Errorf("%s ends a %s", typ, ends)
		}
	}
}
