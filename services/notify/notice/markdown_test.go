package notice

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fiord-bench/fiord/events"
)

func TestCommentOfAReportedBench(t *testing.T) {
	n, _ := Compose("forge", example(t, filepath.Join(examples, "bench.reported.json")), "https://bench.example.com")
	golden(t, filepath.Join("testdata", "comment.md"), []byte(Markdown(n, 60000)))
}

func TestCommentOfABenchThatWasNotMeasured(t *testing.T) {
	n, _ := Compose("forge", example(t, filepath.Join(examples, "bench.unplaced.json")), "https://bench.example.com")
	golden(t, filepath.Join("testdata", "comment-unplaced.md"), []byte(Markdown(n, 60000)))
}

// A comment is cut between rows, so that the rest is a table and the link stays.
func TestLongCommentsAreCutAtARow(t *testing.T) {
	d := example(t, filepath.Join(examples, "bench.reported.json")).Data.(events.BenchReported)
	for i := range 50 {
		c := d.Comparisons[0]
		c.Point = fmt.Sprintf("bs=%dk,%s", i, strings.Repeat("é|", 300))
		d.Comparisons = append(d.Comparisons, c)
	}
	n, _ := Compose("forge", events.Event{Type: d.EventType(), Data: d}, "")
	for _, limit := range []int{32767, 5000, 2000, 1000} {
		text := Markdown(n, limit)
		if len(text) > limit || !utf8.ValidString(text) || !strings.HasSuffix(text, "[Report]("+d.URL+")\n") {
			t.Errorf("at %d: %d bytes that end in %q", limit, len(text), text[max(0, len(text)-60):])
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "|") && !strings.HasSuffix(line, "|\n") {
				t.Errorf("at %d: a row is cut: %.60q", limit, line)
			}
		}
	}
	if text := Markdown(n, 60000); !strings.Contains(text, "The first 20 of 51 comparisons.") {
		t.Errorf("it is not said that rows are left out:\n%s", text[len(text)-300:])
	}
}

// What a stranger writes into a branch or bench name must not ring a phone, link
// another issue, or be markup.
func TestStrangersCannotWriteMarkup(t *testing.T) {
	for _, hostile := range []string{"@all", "#12", "<img src=x>", "[here](http://evil)", "a|b", "`c`", "!12", "https://evil.example", "*b*", "$x$", "&lt;", "a\nb"} {
		got := Escape(hostile)
		for _, bad := range []string{"@a", "#1", "<i", "](", "s://", "!1"} {
			if strings.Contains(got, bad) && !strings.Contains(got, `\](`) {
				t.Errorf("%q is escaped as %q", hostile, got)
			}
		}
		if strings.Contains(got, "\n") {
			t.Errorf("%q has lines", got)
		}
	}
}
