package natsd

import (
	"slices"
	"testing"
)

func TestNoSubjectIsImportedTwice(t *testing.T) {
	got := widest([]string{"a.next.s.*", "a.next.s.view-1", "a.info", "a.info", "a.*.t", "a.next.t", "k.>", "k.b.c", "k", "n.*", "n.>"})
	want := []string{"a.next.s.*", "a.info", "a.*.t", "k.>", "k", "n.>"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
