package result

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxDepth is how deep tools may wrap a result.
const maxDepth = 8

// results are the results within a value: itself, those of an array, those that
// a tool wrapped into a document or a string of its own.
func (n *node) results(depth int) []*node {
	if n == nil || depth > maxDepth {
		return nil
	}
	if n.kind == '{' && (n.get("jobs").isJobs() || n.get("client_stats").isJobs()) {
		return []*node{n}
	}
	var all []*node
	for _, m := range n.members {
		all = append(all, m.value.results(depth+1)...)
	}
	for _, item := range n.items {
		all = append(all, item.results(depth+1)...)
	}
	if n.kind == '"' && strings.Contains(n.text, `"fio version"`) {
		s := &scanner{text: []byte(n.text), depth: depth + 1}
		s.scan()
		all = append(all, s.docs...)
	}
	return all
}

// isJobs tells fio's lists from those of other tools.
func (n *node) isJobs() bool {
	if n == nil || n.kind != '[' {
		return false
	}
	return len(n.items) == 0 || n.items[0].kind == '{' && (n.items[0].get("jobname") != nil || n.items[0].get("read") != nil || n.items[0].get("write") != nil)
}

// taken is a document that counts so far.
func (s *scanner) take(n *node) {
	s.out.Documents++
	if last := len(s.docs) - 1; last >= 0 && sameRun(s.docs[last], n) {
		s.docs[last] = n // each contains the one before
		return
	}
	s.docs = append(s.docs, n)
}

// sameRun tells whether two documents are of one run (--status-interval): of the
// same jobs, with nothing that became less, and as much later as the jobs ran on.
func sameRun(a, b *node) bool {
	if a.get("fio version").str() != b.get("fio version").str() {
		return false
	}
	x, y := jobNodes(a), jobNodes(b)
	if len(x) != len(y) {
		return false
	}
	f := &filler{out: &Output{}}
	between := f.int(b.get("timestamp_ms")) - f.int(a.get("timestamp_ms"))
	if between < 0 {
		return false
	}
	for i := range x {
		if x[i].get("jobname").str() != y[i].get("jobname").str() || !slices.Equal(settings(x[i].get("job options")), settings(y[i].get("job options"))) {
			return false
		}
		// Seconds, cut: two documents of one run are as far apart as their jobs.
		if e := x[i].get("elapsed"); e != nil {
			apart := between/1000 - (f.int(y[i].get("elapsed")) - f.int(e))
			if apart < -2 || apart > 2 {
				return false
			}
		}
		for _, d := range []string{"read", "write", "trim", "mixed"} {
			for _, counter := range []string{"total_ios", "io_bytes", "runtime"} {
				if f.int(x[i].get(d).get(counter)) > f.int(y[i].get(d).get(counter)) {
					return false
				}
			}
		}
	}
	return !again(f, x, y, between)
}

// again tells of jobs that were run a second time: they did other I/Os and ran
// just as long, although time has passed.
func again(f *filler, x, y []*node, between int64) bool {
	changed, longer := false, false
	for i := range x {
		for _, d := range []string{"read", "write", "trim", "mixed"} {
			changed = changed || f.int(x[i].get(d).get("total_ios")) != f.int(y[i].get(d).get("total_ios"))
			longer = longer || f.int(y[i].get(d).get("runtime")) > f.int(x[i].get(d).get("runtime"))+min(between/2, 100)
		}
	}
	return between > 200 && changed && !longer
}

func jobNodes(n *node) []*node {
	var all []*node
	for _, list := range []string{"jobs", "client_stats"} {
		if jobs := n.get(list); jobs != nil {
			all = append(all, jobs.items...)
		}
	}
	return all
}

// ParseRuns reads all results in a text, in their order: of several runs whose
// output was appended, and of arrays. Of a run that printed several documents
// (--status-interval) the last one counts.
func ParseRuns(text []byte) ([]*Output, error) {
	text, err := unwrap(text)
	if err != nil {
		return nil, err
	}
	s := &scanner{text: plain(text)}
	s.scan()
	if len(s.docs) == 0 {
		cause := knownFormat(s.text)
		if cause == nil {
			return []*Output{&s.out}, fmt.Errorf("read fio output: %w%s", ErrNoResult, s.hint())
		}
		return []*Output{&s.out}, fmt.Errorf("read fio output: %w: %w", ErrNoResult, cause)
	}
	runs := make([]*Output, 0, len(s.docs))
	for _, doc := range s.docs {
		version := doc.get("fio version").str()
		if old.MatchString(version) {
			return []*Output{&s.out}, fmt.Errorf("read fio output: %s: %w: %w", version, ErrNoResult, ErrOldFio)
		}
		out := s.out
		if len(s.docs) > 1 {
			out.Documents = 1 // each a run of its own
		}
		out.fill(doc)
		runs = append(runs, &out)
	}
	return runs, nil
}

// old are the versions before 3.0, with their previews (2.99).
var old = regexp.MustCompile(`^fio-[12]\.`)
