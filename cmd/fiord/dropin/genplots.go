package dropin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fiord-bench/fiord/figure"
)

// errNoLogs means that there is nothing to draw from.
var errNoLogs = errors.New("no log was found")

// draw draws what is wished from the logs in a folder. The names of the figures
// are those of fio2gnuplot's plots of raw values: NAME-2Draw.png of a log, and
// compare-OUTPUT-2Draw.png of several. Its smoothed ones are not drawn, since
// they show values that nobody measured.
func (c *Command) draw(ctx context.Context, dir string, w wish) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	to := filepath.Join(dir, w.Dir)
	if filepath.IsAbs(w.Dir) {
		to = w.Dir
	}
	if err := os.MkdirAll(to, 0o755); err != nil { //nolint:gosec // others read the volume
		return err
	}
	any := false
	for _, kind := range w.kinds() {
		all, err := traces(ctx, root.FS(), w, kind)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			continue
		}
		any = true
		if err := c.drawKind(to, w, kind, all); err != nil {
			return err
		}
	}
	if !any {
		return fmt.Errorf("%w in %s (%s)", errNoLogs, dir, wanted(w))
	}
	return nil
}

func wanted(w wish) string {
	text := strings.Join(w.kinds(), " or ")
	if w.Pattern != "" {
		text += ", named " + w.Pattern
	}
	return text
}

// drawKind draws, or counts, the traces of one kind.
func (c *Command) drawKind(to string, w wish, kind string, all []trace) error {
	c.say("%d %s logs", len(all), kind)
	if !w.Draw {
		return writeNumbers(filepath.Join(to, w.output(kind)+".global"), all)
	}
	for _, t := range all {
		for _, flag := range t.Flags {
			c.say("%s", flag)
		}
		if err := save(to, strings.TrimSuffix(t.Name, ".log")+"-2Draw", timeFigure(w, kind, t.Name, []trace{t})); err != nil {
			return err
		}
	}
	if len(all) < 2 {
		return nil
	}
	return save(to, "compare-"+w.output(kind)+"-2Draw", timeFigure(w, kind, fmt.Sprintf("%d logs", len(all)), all))
}

// timeFigure draws traces over time.
func timeFigure(w wish, kind, subject string, all []trace) *figure.Figure {
	f := figure.Time{Quantity: figure.IOPS, Head: figure.Head{Title: "IOPS over time", Subject: subject}}
	if kind == "bw" {
		f.Quantity, f.Title = figure.Bandwidth, "Bandwidth over time"
	}
	if w.Title != "" {
		f.Title = w.Title
	}
	longest, step := 0, 0.0
	for _, t := range all {
		f.Series = append(f.Series, t.Series...)
		f.Flags = append(f.Flags, t.Flags...)
		for _, s := range t.Series {
			longest, step = max(longest, len(s.Values)), s.Step.Seconds()
		}
	}
	f.Facts = []string{fmt.Sprintf("n = %d intervals of %g s", longest, step)}
	return f.Figure()
}

// save writes a figure as PNG, which has always been there, and as SVG.
func save(dir, name string, f *figure.Figure) error {
	var svg, png bytes.Buffer
	if err := errors.Join(f.WriteSVG(&svg), f.WritePNG(&png, figure.Light)); err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	for ending, content := range map[string][]byte{".svg": svg.Bytes(), ".png": png.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name+ending), content, 0o644); err != nil { //nolint:gosec // others read the volume
			return fmt.Errorf("keep figure: %w", err)
		}
	}
	return nil
}
