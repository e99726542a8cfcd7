package foreign

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/catalogue"
)

// Names in a report's folder.
const (
	FileHTML     = "report.html"
	FileMarkdown = "report.md"
	DirFigures   = "figures"
)

// Limits of a report.
const (
	// inlineRuns have their figures in the document; those of the others stand
	// in the figures' folder, and are linked.
	inlineRuns = 12
	// keptRuns is how many runs stay in memory whole, to be drawn over each other.
	keptRuns = 6
)

// ErrNothing means that a folder has no results.
var ErrNothing = errors.New("no results of fio's")

// Row is a run in a report.
type Row struct {
	Name   string   `json:"name"`
	Job    string   `json:"job"`
	Point  string   `json:"point,omitempty"`
	Result string   `json:"result,omitempty"` // path, empty for logs alone
	Logs   []string `json:"logs"`             // paths
	Lines  int64    `json:"lines"`            // read in all logs
	// Summary of what fio counted, or of the logs where nothing else is left.
	Summary events.Summary `json:"summary"`
	// Flags say what is wrong, Notes what should be known.
	Flags []string `json:"flags"`
	Notes []string `json:"notes"`
	// Broken says that the run could not be read; Flags say why.
	Broken bool `json:"broken,omitempty"`
	// Figures are paths of SVG files below the report's folder. A PNG is beside
	// each if it was asked for.
	Figures []string `json:"figures"`
	PNG     bool     `json:"png,omitempty"`
}

// Report is what Write wrote.
type Report struct {
	Title string `json:"title"`
	Runs  []Row  `json:"runs"`
	// Passed are files that look like fio's and were not read.
	Passed []Passed `json:"passed"`
	// Figures of all runs together, as in Row.
	Figures []string `json:"figures"`
	// Problems come first; they are the caller's.
	Problems []string `json:"problems,omitempty"`
}

// Unread counts the runs that could not be read.
func (r *Report) Unread() int {
	n := 0
	for _, run := range r.Runs {
		if run.Broken {
			n++
		}
	}
	return n
}

// Prepare makes a report's folder. One that holds anything but an earlier report
// is refused; that one is removed.
func Prepare(out string) error {
	entries, err := os.ReadDir(out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.MkdirAll(out, 0o755) //nolint:gosec // a report is to be read
	case err != nil:
		return err
	}
	for _, e := range entries {
		if !slices.Contains([]string{FileHTML, FileMarkdown, DirFigures}, e.Name()) {
			return fmt.Errorf("%s holds %s, which is no report of this command's: name a new folder", out, e.Name())
		}
	}
	return Clear(out)
}

// Clear removes a report from its folder, and nothing else.
func Clear(out string) error {
	return errors.Join(
		os.RemoveAll(filepath.Join(out, FileHTML)), os.RemoveAll(filepath.Join(out, FileMarkdown)),
		os.RemoveAll(filepath.Join(out, DirFigures)),
	)
}

// Options of a report.
type Options struct {
	Title string
	// Problems come first in the report.
	Problems []string
	// PNG asks for each figure as pixels too: that takes some thirty times as long
	// as the drawing itself, and ten times its space.
	PNG bool
}

// Write draws what was found in a folder and writes the report into another,
// which must exist: report.html, report.md and figures/.
func Write(ctx context.Context, in fs.FS, found *Found, out string, opt Options) (*Report, error) {
	t, err := parsed()
	if err != nil {
		return nil, fmt.Errorf("parse report: %w", err)
	}
	w := &writer{template: t, in: in, out: out, report: Report{Title: opt.Title, Passed: found.Passed, Problems: opt.Problems}, folders: map[string]bool{}}
	if opt.PNG {
		w.further = []catalogue.Format{catalogue.PNG}
	}
	sections, err := os.CreateTemp(out, ".report-")
	if err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	defer func() {
		_ = sections.Close()
		_ = os.Remove(sections.Name())
	}()
	if err := w.runs(ctx, found.Runs, sections); err != nil {
		return nil, err
	}
	together, err := w.together()
	if err != nil {
		return nil, err
	}
	if _, err := sections.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	if err := w.html(sections, together); err != nil {
		return nil, err
	}
	return &w.report, w.markdown()
}

// writer is a report under way.
type writer struct {
	template *template.Template
	in       fs.FS
	out      string
	report   Report
	further  []catalogue.Format // beside SVG
	kept     []*catalogue.Run
	folders  map[string]bool // of figures, taken
}

// runs draws the runs, some at once, and writes their sections in their order.
func (w *writer) runs(ctx context.Context, list []Run, sections io.Writer) error {
	names := refs(w.report.Title, list)
	done := make([]chan *drawnRun, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0) + 1) // and one that writes
	for i := range list {
		done[i] = make(chan *drawnRun, 1)
	}
	group.Go(func() error {
		for i := range list {
			select {
			case one := <-done[i]:
				if err := w.add(one, sections, i < inlineRuns); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for i := range list {
		folder := w.folder(list[i].Name)
		group.Go(func() error {
			one, err := w.run(ctx, &list[i], names[i], folder)
			done[i] <- one
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if len(list) > keptRuns { // the tables and bars need no more than the summaries
		for i := range w.kept {
			w.kept[i] = &catalogue.Run{RunRef: w.kept[i].RunRef, Completed: w.kept[i].Completed}
		}
	}
	return nil
}

// drawnRun is a run whose figures are written.
type drawnRun struct {
	row      Row
	measured *catalogue.Run // nil for one that could not be read
	pictures []catalogue.Picture
}

// run reads a run, draws it and writes its figures.
func (w *writer) run(ctx context.Context, r *Run, ref events.RunRef, folder string) (*drawnRun, error) {
	one := &drawnRun{row: Row{Name: r.Name, Job: ref.Job, Point: ref.Point.Key(), Result: r.Result, Logs: r.Logs, PNG: len(w.further) > 0}}
	m, notes, err := r.measure(ctx, w.in, ref)
	if ctx.Err() != nil {
		return one, ctx.Err()
	}
	if err != nil { // one broken run does not keep the others from being shown
		one.row.Broken, one.row.Flags = true, []string{err.Error()}
		return one, nil
	}
	one.measured, one.row.Summary, one.row.Notes = m, m.Completed.Summary, notes
	if m.Reading != nil {
		one.row.Lines = m.Reading.Lines
	}
	if one.pictures, one.row.Flags, err = catalogue.All(m, w.further...); err != nil {
		return one, fmt.Errorf("draw %s: %w", r.Name, err)
	}
	one.row.Figures, err = w.save(folder, one.pictures)
	return one, err
}

// add takes a run into the report.
func (w *writer) add(one *drawnRun, sections io.Writer, inline bool) error {
	w.report.Runs = append(w.report.Runs, one.row)
	if m := one.measured; m != nil {
		if len(w.kept) >= keptRuns {
			m = &catalogue.Run{RunRef: m.RunRef, Completed: m.Completed}
		}
		w.kept = append(w.kept, m)
	}
	if !inline {
		one.pictures = nil
	}
	return w.section(sections, one.row, one.pictures)
}

// together draws the runs side by side.
func (w *writer) together() ([]catalogue.Picture, error) {
	if len(w.kept) < 2 {
		return nil, nil
	}
	pictures, err := catalogue.AllOf(w.report.Title, w.kept, w.further...)
	if err != nil {
		return nil, fmt.Errorf("draw all runs: %w", err)
	}
	w.report.Figures, err = w.save(w.folder("all"), pictures)
	return pictures, err
}

// folder returns a name for a run's figures that is fit for a file and a URL.
func (w *writer) folder(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '-'
	}, name)
	clean = strings.Trim(clean, "-.")
	clean = clean[max(0, len(clean)-100):]
	if clean == "" {
		clean = "run"
	}
	unique := clean
	for n := 2; w.folders[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", clean, n)
	}
	w.folders[unique] = true
	return unique
}

// save writes pictures and returns the paths of the SVG files.
func (w *writer) save(folder string, pictures []catalogue.Picture) ([]string, error) {
	dir := path.Join(DirFigures, folder)
	if err := os.MkdirAll(filepath.Join(w.out, dir), 0o755); err != nil { //nolint:gosec // a report is to be read
		return nil, fmt.Errorf("write figures: %w", err)
	}
	var out []string
	for _, p := range pictures {
		at := path.Join(dir, p.Name)
		err := write(w.out, at+".svg", p.SVG)
		if p.PNG != nil {
			err = errors.Join(err, write(w.out, at+".png", p.PNG))
		}
		if err != nil {
			return nil, fmt.Errorf("write figures: %w", err)
		}
		out = append(out, at+".svg")
	}
	return out, nil
}

func write(dir, name string, content []byte) error {
	return os.WriteFile(filepath.Join(dir, name), content, 0o644) //nolint:gosec // a report is to be read
}
