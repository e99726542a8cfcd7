package catalogue

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// plotter is somebody else's program that draws a folder of logs.
type plotter struct {
	name     string
	commands [][]string // for the same figures as ours
	suffix   string     // of what they draw
	draws    int        // at least so many files
}

// plotters are the programs that people draw fio's logs with: fio's own script,
// and fio-plot, which wants its files named by the point they are of.
func plotters() []plotter {
	fioPlot := []string{"fio-plot", "-i", ".", "--source", "bench", "-T", "bench", "-g", "-r", "randrw", "-d", "1", "-n", "1"}
	with := func(types ...string) []string {
		return append(append([]string{}, fioPlot...), append([]string{"-t"}, types...)...)
	}
	return []plotter{
		{"fio_generate_plots", [][]string{{"fio_generate_plots", "bench"}}, ".svg", 5},
		{"fio-plot", [][]string{with("iops"), with("bw", "lat")}, ".png", 2},
	}
}

// BenchmarkAgainstPlotters draws the case of BenchmarkTimeFigures with fiord and
// with other programs, by turns in one run, and reports how many times as long
// they take. Ours includes writing the files. Programs that are not on the
// machine are left out.
func BenchmarkAgainstPlotters(b *testing.B) {
	dir := b.TempDir()
	logs, _ := perIO(b, dir, million)
	for _, l := range logs { // as fio-plot wants it
		name := "randrw-iodepth-1-numjobs-1" + strings.TrimPrefix(l.Name, "fio")
		if err := os.Link(filepath.Join(dir, l.Name), filepath.Join(dir, name)); err != nil {
			b.Fatal(err)
		}
	}
	var here []plotter
	for _, p := range plotters() {
		if _, err := exec.LookPath(p.name); err == nil {
			here = append(here, p)
		}
	}
	if len(here) == 0 {
		b.Skip("no other plotter is on the machine: apt-get install fio gnuplot")
	}
	ours, theirs := time.Duration(0), make([]time.Duration, len(here))
	for b.Loop() {
		began := time.Now()
		out := b.TempDir()
		for _, f := range timeFigures(b, logs) {
			at := filepath.Join(out, f.Name)
			if err := errors.Join(os.WriteFile(at+".svg", f.SVG, 0o600), os.WriteFile(at+".png", f.PNG, 0o600)); err != nil {
				b.Fatal(err)
			}
		}
		ours += time.Since(began)
		for i, p := range here {
			theirs[i] += p.draw(b, dir)
		}
	}
	b.ReportMetric(ours.Seconds()/float64(b.N), "fiord-s")
	for i, p := range here {
		b.ReportMetric(theirs[i].Seconds()/float64(b.N), p.name+"-s")
		b.ReportMetric(theirs[i].Seconds()/ours.Seconds(), p.name+"-ratio")
	}
}

// draw runs the plotter in a folder of links of its own, and tells how long it
// took. A program that draws nothing is not compared with.
func (p plotter) draw(b *testing.B, logs string) time.Duration {
	b.Helper()
	dir := b.TempDir()
	ours := p.name != "fio-plot" // which would take the plain names for another run
	for _, path := range glob(b, logs, "*.log") {
		if strings.HasPrefix(filepath.Base(path), "fio_") != ours {
			continue
		}
		if err := os.Link(path, filepath.Join(dir, filepath.Base(path))); err != nil {
			b.Fatal(err)
		}
	}
	// fio leaves a log of submission beside those two, and its script gives up
	// where there is none. One row costs nothing to draw.
	if err := os.WriteFile(filepath.Join(dir, "fio_slat.1.log"), []byte("0, 900, 0, 4096, 0\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	var said []byte
	for _, line := range p.commands {
		c := exec.CommandContext(b.Context(), line[0], line[1:]...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		said = fmt.Appendf(said, "%s: %v\n%s", strings.Join(line, " "), err, out)
	}
	took := time.Since(began)
	if n := len(glob(b, dir, "*"+p.suffix)); n < p.draws {
		b.Fatalf("%s drew %d files of %d:\n%s", p.name, n, p.draws, said)
	}
	return took
}

func glob(b *testing.B, dir, pattern string) []string {
	b.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		b.Fatal(err)
	}
	return found
}
