package figure_test

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/figure"
)

// swarmCases are fifty of what has room for six.
func swarmCases(all map[string]*figure.Figure) {
	head := func(title string) figure.Head {
		return figure.Head{Title: title, Subject: "fleet · job randread", Facts: []string{"50 hosts"}}
	}
	var sets []figure.Distribution
	load := figure.Load{Head: head("Latency over throughput"), Throughput: figure.IOPS}
	trend := figure.Trend{Head: head("IOPS from commit to commit"), Quantity: figure.IOPS}
	for i := range 12 {
		trend.Commits = append(trend.Commits, figure.Commit{Label: fmt.Sprintf("c%02d", i)})
	}
	for i := range 50 {
		name := fmt.Sprintf("rack%d-host-%02d.storage.example.org", i%5, i)
		sets = append(sets, lognormal(name, 80e3*(1+float64(i)/60), 0.3+float64(i%7)/40, 5000+100*i, uint64(i)))
		c := figure.LoadCurve{Name: name}
		for _, depth := range []float64{1, 2, 4, 8, 16, 32} {
			top := 120_000 + 3_000*float64(i)
			iops := top * (1 - math.Exp(-depth*12_000/top))
			c.Points = append(c.Points, figure.LoadPoint{Label: fmt.Sprint(depth), Throughput: iops, Latency: depth / iops * 1e9})
		}
		load.Curves = append(load.Curves, c)
		line := figure.TrendLine{Name: name}
		for j := range 12 {
			line.Values = append(line.Values, noisy("", 3, 40_000+500*float64(i), 600, uint64(100*i+j)).Values)
		}
		trend.Lines = append(trend.Lines, line)
	}
	all["histogram-fifty"] = figure.Histogram{Head: head("Latency histogram"), Quantity: figure.Latency, Sets: sets}.Figure()
	all["cdf-fifty"] = figure.CDF{Head: head("Latency, cumulative"), Quantity: figure.Latency, Sets: sets}.Figure()
	all["percentiles-fifty"] = figure.Percentiles{Head: head("Latency by percentile"), Quantity: figure.Latency, Sets: sets}.Figure()
	all["difference-fifty"] = figure.Difference{Head: head("Latency against the first, by percentile"), Before: sets[0], After: sets[1:]}.Figure()
	all["load-fifty"] = load.Figure()
	all["trend-fifty"] = trend.Figure()
}

// Fifty curves are all drawn, and the ones to look at are named.
func TestOfManyCurvesTheExtremesAreNamed(t *testing.T) {
	all := map[string]*figure.Figure{}
	swarmCases(all)
	for name, want := range map[string][]string{
		"histogram-fifty":   {"50 curves", "their median", "greatest p99: rack", "least p99: rack", "n = "},
		"cdf-fifty":         {"50 curves", "their median", "greatest p99: rack", "least p99: rack", "n = "},
		"percentiles-fifty": {"50 curves", "their median", "greatest p99: rack", "least p99: rack", "n = "},
		"difference-fifty":  {"49 curves", "their median", "greatest at p99: rack", "least at p99: rack"},
		"load-fifty":        {"50 curves", "highest: rack4-host-49", "lowest: rack0-host-00"},
		"trend-fifty":       {"50 curves", "their median", "greatest mean: rack4-host-49", "least mean: rack0-host-00"},
	} {
		var b bytes.Buffer
		if err := all[name].WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(b.String(), text) {
				t.Errorf("%s does not say %q", name, text)
			}
		}
		if n := strings.Count(b.String(), `class="l swarm"`); n < 49 {
			t.Errorf("%s draws %d thin curves", name, n)
		}
		if b.Len() > 300_000 {
			t.Errorf("%s has %d bytes", name, b.Len())
		}
	}
}

// Labels of crowded points used to cover lines and each other.
func TestLabelsOfALoadCurveDoNotCoverEachOther(t *testing.T) {
	all := map[string]*figure.Figure{}
	distributionCases(all)
	var b bytes.Buffer
	if err := all["load"].WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	var boxes [][4]float64
	for _, m := range regexp.MustCompile(`<text class="s\d" x="([\d.]+)" y="([\d.]+)" font-size="10"[^>]*>(\d+)<`).FindAllStringSubmatch(b.String(), -1) {
		var x, y float64
		if _, err := fmt.Sscan(m[1]+" "+m[2], &x, &y); err != nil {
			t.Fatal(err)
		}
		boxes = append(boxes, [4]float64{x, y - 8, x + figure.Width(m[3], 10), y})
	}
	if len(boxes) < 12 {
		t.Fatalf("%d labels were placed of 24", len(boxes))
	}
	for i, a := range boxes {
		for _, c := range boxes[:i] {
			if a[0] < c[2] && c[0] < a[2] && a[1] < c[3] && c[1] < a[3] {
				t.Errorf("labels at %v and %v overlap", a, c)
			}
		}
	}
}
