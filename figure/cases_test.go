package figure_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/figure"
)

// cases are the figures a critical reader should look at: every kind, with one,
// few and many series, with nothing, little and much data, with long names.
// `go test -run Gallery -gallery DIR` draws them all.
func cases() map[string]*figure.Figure {
	all := map[string]*figure.Figure{}
	for _, add := range []func(map[string]*figure.Figure){timeCases, rowCases, distributionCases, gridCases, swarmCases} {
		add(all)
	}
	return all
}

func timeCases(all map[string]*figure.Figure) {
	head := func(title string, facts ...string) figure.Head {
		return figure.Head{Title: title, Subject: "randread-nvme · job randread · node-a.lab", Facts: facts}
	}
	all["time-one"] = figure.Time{
		Head: head("IOPS over time", "60 intervals of 1 s", "1 job", "fio 3.33"), Quantity: figure.IOPS,
		Series: []figure.Series{noisy("read", 60, 48_000, 1500, 1)},
	}.Figure()
	stalled := noisy("read", 60, 1985, 80, 2)
	for i := 20; i < 34; i++ {
		stalled.Values[i] = 0
	}
	stalled.Values[50] = 0
	all["time-stall"] = figure.Time{
		Head: figure.Head{
			Title: "IOPS over time", Subject: "stalls · job randread · node-a.lab", Facts: []string{"60 intervals of 1 s", "1 job"},
			Flags: []string{"log and summary disagree: the log integrates to 88,012 I/Os, fio counted 119,100 (35% more)", "15 of 60 intervals are silent"},
		}, Quantity: figure.IOPS,
		Series: []figure.Series{stalled}, Refs: []figure.Ref{{Name: "fio's iops_mean", Value: 1985}},
	}.Figure()
	all["time-mixed"] = figure.Time{
		Head: head("Bandwidth over time", "120 intervals of 500 ms", "4 jobs"), Quantity: figure.Bandwidth,
		Series: []figure.Series{noisy("read", 120, 512<<20, 30<<20, 3), noisy("write", 120, 220<<20, 25<<20, 4), noisy("trim", 120, 40<<20, 3<<20, 5)},
	}.Figure()
	lat := func(name, note string, base float64, seed uint64) figure.Series {
		s := noisy(name, 60, base, base/8, seed)
		s.Note = note
		s.Values[31] = math.NaN()
		return s
	}
	all["time-latency"] = figure.Time{
		Head: head("Completion latency over time", "60 intervals of 1 s", "n = 2,880,412 I/Os", "percentiles from histogram bins"), Quantity: figure.Latency,
		Series: []figure.Series{
			lat("p99.9", "2.4 ms", 2.4e6, 6), lat("p99", "410 µs", 410e3, 7), lat("p50", "82 µs", 82e3, 8), lat("mean", "97 µs", 97e3, 9),
		},
	}.Figure()
	six := make([]figure.Series, 6)
	for i := range six {
		six[i] = noisy(fmt.Sprintf("host-%02d", i), 90, float64(20_000+4000*i), 900, uint64(i))
	}
	all["time-six"] = figure.Time{Head: head("IOPS over time, by host", "90 intervals of 1 s", "6 hosts"), Quantity: figure.IOPS, Series: six}.Figure()
	fifty := make([]figure.Series, 50)
	for i := range fifty {
		fifty[i] = noisy(fmt.Sprintf("rack%d-host-%02d.storage.example.org", i%5, i), 300, float64(20_000+300*i), 1800, uint64(i))
	}
	all["time-fifty"] = figure.Time{Head: head("IOPS over time, by host", "300 intervals of 1 s", "50 hosts"), Quantity: figure.IOPS, Series: fifty}.Figure()
	huge := noisy("read", 400_000, 310_000, 9000, 11)
	huge.Step = 100 * time.Millisecond
	huge.Values[123_456] = 0
	huge.Values[300_000] = 620_000
	all["time-huge"] = figure.Time{Head: head("IOPS over time", "400,000 intervals of 100 ms", "1 job"), Quantity: figure.IOPS, Series: []figure.Series{huge}}.Figure()
	all["time-tiny"] = figure.Time{Head: head("IOPS over time", "1 interval of 1 s"), Quantity: figure.IOPS,
		Series: []figure.Series{{Name: "read", Step: time.Second, Values: []float64{7}}}}.Figure()
	all["time-two"] = figure.Time{Head: head("IOPS over time", "2 intervals of 250 ms"), Quantity: figure.IOPS,
		Series: []figure.Series{{Name: "read", Step: 250 * time.Millisecond, Values: []float64{0.2, 0.9}}}}.Figure()
	all["time-zero"] = figure.Time{Head: head("IOPS over time", "30 intervals of 1 s"), Quantity: figure.IOPS,
		Series: []figure.Series{{Name: "read", Step: time.Second, Values: make([]float64, 30)}}}.Figure()
	all["time-empty"] = figure.Time{Head: head("IOPS over time"), Quantity: figure.IOPS}.Figure()
	long := strings.Repeat("a-very-long-job-name-that-somebody-generated-", 6)
	all["time-long"] = figure.Time{
		Head: figure.Head{
			Title: "Bandwidth over time of " + long, Subject: long + " · " + long,
			Facts: []string{"60 intervals of 1 s", "n = 12,345,678 I/Os", "128 jobs merged", "fio 3.33", "null_blk on Linux 6.1.0-18-cloud-amd64"},
			Flags: []string{long, "second", "third", "fourth", "fifth"},
		}, Quantity: figure.Bandwidth,
		Series: []figure.Series{noisy(long+"one", 60, 3e9, 1e8, 1), noisy(long+"two", 60, 2e9, 1e8, 2)},
	}.Figure()
}

func rowCases(all map[string]*figure.Figure) {
	head := figure.Head{Title: "IOPS by point", Subject: "randread-nvme · node-a.lab", Facts: []string{"median of 5 repeats", "whiskers: least to greatest"}}
	var groups []figure.BarGroup
	for i, depth := range []int{1, 2, 4, 8, 16, 32} {
		level := 12_000 * math.Pow(1.8, float64(i))
		groups = append(groups, figure.BarGroup{Name: fmt.Sprintf("bs=4k, iodepth=%d", depth), Bars: []figure.Bar{
			{Name: "read", Values: noisy("", 5, level, level/20, uint64(i)).Values},
			{Name: "write", Values: noisy("", 5, level/3, level/30, uint64(i+9)).Values},
		}})
	}
	all["bars-depth"] = figure.Bars{Head: head, Quantity: figure.IOPS, Groups: groups}.Figure()
	all["bars-one"] = figure.Bars{Head: head, Quantity: figure.Latency, Groups: []figure.BarGroup{{Name: "as written", Bars: []figure.Bar{{Name: "read", Values: []float64{82e3}}}}}}.Figure()
	all["bars-empty"] = figure.Bars{Head: head, Quantity: figure.IOPS}.Figure()
	var many []figure.BarGroup
	for i := range 60 {
		many = append(many, figure.BarGroup{Name: fmt.Sprintf("%s host-%02d", strings.Repeat("long-name-", 12), i), Bars: []figure.Bar{{Name: "read", Values: []float64{float64(i) * 1e6}}}})
	}
	all["bars-many"] = figure.Bars{Head: head, Quantity: figure.Bandwidth, Groups: many}.Figure()
	all["shifts"] = figure.Shifts{
		Head: figure.Head{Title: "Against the baseline", Subject: "main 0123456789 · 5 against 5 runs", Facts: []string{"95% intervals"}}, Threshold: 0.05,
		Rows: []figure.Shift{
			{Name: "read.iops at bs=4k, iodepth=8", Change: -0.123, Low: -0.15, High: -0.1, Told: true, Worse: true},
			{Name: "read.p99 at bs=4k, iodepth=8", Change: -0.22, Low: -0.27, High: -0.15, Told: true},
			{Name: "read.iops at bs=4k, iodepth=1", Change: 0.01, Low: -0.02, High: 0.03},
			{Name: "read.p99 at bs=4k, iodepth=1", Change: 0.08, Low: -1, High: 1e9},
		},
	}.Figure()
}

func distributionCases(all map[string]*figure.Figure) {
	head := func(title string) figure.Head {
		return figure.Head{Title: title, Subject: "randread-nvme · job randread · node-a.lab", Facts: []string{"completion latency", "from fio's bins"}}
	}
	read, write := lognormal("read", 80e3, 0.35, 200_000, 1), lognormal("write", 220e3, 0.6, 20_000, 2)
	for i, bulk := range lognormal("", 4e6, 0.2, 400, 3).Bins { // a second mode in the tail
		read.Bins[i].Count += bulk.Count
	}
	both := []figure.Distribution{read, write}
	all["histogram"] = figure.Histogram{Head: head("Latency histogram"), Quantity: figure.Latency, Sets: both}.Figure()
	all["cdf"] = figure.CDF{Head: head("Latency, cumulative"), Quantity: figure.Latency, Sets: both}.Figure()
	all["percentiles"] = figure.Percentiles{Head: head("Latency by percentile"), Quantity: figure.Latency, Sets: both}.Figure()
	single := []figure.Distribution{{Name: "read", Bins: []figure.Bin{{Low: 100, High: 101, Count: 3}}}}
	all["histogram-single"] = figure.Histogram{Head: head("Latency histogram"), Quantity: figure.Latency, Sets: single}.Figure()
	all["cdf-single"] = figure.CDF{Head: head("Latency, cumulative"), Quantity: figure.Latency, Sets: single}.Figure()
	all["percentiles-single"] = figure.Percentiles{Head: head("Latency by percentile"), Quantity: figure.Latency, Sets: single}.Figure()
	all["percentiles-empty"] = figure.Percentiles{Head: head("Latency by percentile"), Quantity: figure.Latency}.Figure()
	var load []figure.LoadCurve
	for n, name := range []string{"numjobs=1", "numjobs=4", "numjobs=16"} {
		c := figure.LoadCurve{Name: name}
		for _, depth := range []float64{1, 2, 4, 8, 16, 32, 64, 128} {
			top := 180_000 + 60_000*float64(n)
			iops := top * (1 - math.Exp(-depth*12_000*float64(n+1)/top))
			c.Points = append(c.Points, figure.LoadPoint{Label: fmt.Sprint(depth), Throughput: iops, Latency: depth * float64(n+1) / iops * 1e9})
		}
		load = append(load, c)
	}
	slower := lognormal("after", 84e3, 0.35, 200_000, 7)
	for i, bulk := range lognormal("", 9e6, 0.2, 900, 8).Bins {
		slower.Bins[i].Count += bulk.Count
	}
	all["difference"] = figure.Difference{Head: head("Latency against the baseline, by percentile"), Before: read, After: []figure.Distribution{slower}}.Figure()
	all["difference-small"] = figure.Difference{Head: head("Latency against the baseline, by percentile"), Before: write, After: []figure.Distribution{lognormal("again", 222e3, 0.6, 20_000, 9)}}.Figure()
	all["difference-empty"] = figure.Difference{Head: head("Latency against the baseline, by percentile")}.Figure()
	trend := figure.Trend{Head: head("IOPS from commit to commit"), Quantity: figure.IOPS}
	lines := []figure.TrendLine{{Name: "iodepth=1"}, {Name: "iodepth=8"}}
	for i := range 24 {
		c := figure.Commit{Label: fmt.Sprintf("%07x", 0xabc1234+i*0x1111)}
		level := 50_000.0
		switch {
		case i == 11:
			c.Mark, level = figure.Worse, 41_000
		case i == 15:
			c.Mark, level = figure.Accepted, 41_000
		case i > 11:
			level = 41_000
		}
		trend.Commits = append(trend.Commits, c)
		for j := range lines {
			values := noisy("", 5, level*float64(1+2*j), 700, uint64(i+100*j)).Values
			if i == 5 && j == 1 {
				values = nil
			}
			lines[j].Values = append(lines[j].Values, values)
		}
	}
	trend.Lines = lines
	all["trend"] = trend.Figure()
	trend.Changes = []figure.TrendChange{{At: 11, Line: "iodepth=8", Change: -0.1803, Worse: true}, {At: 11, Line: "iodepth=1", Change: -0.1794, Worse: true}}
	all["trend-change"] = trend.Figure()
	all["trend-changes"] = busyTrend()
	all["trend-one"] = figure.Trend{Head: head("IOPS from commit to commit"), Quantity: figure.IOPS, Commits: trend.Commits[:1], Lines: []figure.TrendLine{{Name: "as written", Values: [][]float64{{5}}}}}.Figure()
	all["trend-empty"] = figure.Trend{Head: head("IOPS from commit to commit"), Quantity: figure.IOPS}.Figure()
	all["load"] = figure.Load{Head: head("Latency over throughput"), Throughput: figure.IOPS, Curves: load}.Figure()
}

func gridCases(all map[string]*figure.Figure) {
	head := figure.Head{Title: "Latency over time", Subject: "randread-nvme · node-a.lab", Facts: []string{"120 intervals of 1 s", "from fio's histogram logs"}}
	heat := figure.Heatmap{Head: head, Step: time.Second}
	for i := range 120 {
		level, n := 80e3, 2000
		if i >= 40 && i < 60 {
			level = 900e3
		}
		if i == 90 {
			n = 0
		}
		heat.Columns = append(heat.Columns, lognormal("", level, 0.4, n, uint64(i)))
	}
	all["heatmap"] = heat.Figure()
	all["heatmap-empty"] = figure.Heatmap{Head: head}.Figure()
	surface := figure.Surface{Head: figure.Head{Title: "IOPS by queue depth and jobs", Subject: "randread-nvme · node-a.lab", Facts: []string{"median of 3 repeats"}},
		Quantity: figure.IOPS, XName: "iodepth", YName: "numjobs", X: []string{"1", "2", "4", "8", "16", "32"}, Y: []string{"1", "2", "4", "8"}}
	for j := range surface.Y {
		var row []float64
		for i := range surface.X {
			row = append(row, 250_000*(1-math.Exp(-float64(int(1)<<(i+j))/20)))
		}
		surface.Values = append(surface.Values, row)
	}
	surface.Values[3][5] = math.NaN()
	all["surface"] = surface.Figure()
}

// busyTrend has sixty commits, a swarm of lines with names of their own, and
// changes closer to each other than their labels are wide.
func busyTrend() *figure.Figure {
	t := figure.Trend{Head: figure.Head{Title: "p99 of latency from commit to commit", Subject: "randread-nvme · ada/disks refs/heads/main"}, Quantity: figure.Latency}
	for i := range 60 {
		t.Commits = append(t.Commits, figure.Commit{Label: fmt.Sprintf("%07x", 0xabc1234+i*0x1111)})
	}
	for j := range 40 {
		line := figure.TrendLine{Name: fmt.Sprintf("</title><b>&amp; bs=4k,iodepth=%d", j)}
		for i := range 60 {
			line.Values = append(line.Values, noisy("", 3, float64(100_000*(1+j%7)*(1+i/30)), 5_000, uint64(i+100*j)).Values)
		}
		t.Lines = append(t.Lines, line)
		t.Changes = append(t.Changes, figure.TrendChange{At: 30 + j%2, Line: line.Name, Change: 1 + float64(j)/100, Worse: true})
	}
	for i, at := range []int{0, 3, 4, 5, 6, 7, 8, 58, 59, 60, -1} { // the first, the last and those outside are left out
		t.Changes = append(t.Changes, figure.TrendChange{At: at, Line: "bs=4k", Change: -0.01 * float64(i), Worse: i%2 > 0})
	}
	return t.Figure()
}

// lognormal draws n latencies into bins of one percent.
func lognormal(name string, level, sigma float64, n int, seed uint64) figure.Distribution {
	r := rand.New(rand.NewPCG(seed, 2))
	d := figure.Distribution{Name: name}
	for v := 1e3; v < 1e9; v *= 1.02 {
		d.Bins = append(d.Bins, figure.Bin{Low: v, High: v * 1.02})
	}
	for range n {
		i := int(math.Log(level*math.Exp(sigma*r.NormFloat64())/1e3) / math.Log(1.02))
		d.Bins[min(max(i, 0), len(d.Bins)-1)].Count++
	}
	return d
}

// noisy is a series around a level, the same for the same seed.
func noisy(name string, n int, level, spread float64, seed uint64) figure.Series {
	r := rand.New(rand.NewPCG(seed, 1))
	s := figure.Series{Name: name, Step: time.Second, Values: make([]float64, n)}
	for i := range s.Values {
		s.Values[i] = max(0, level+spread*r.NormFloat64())
	}
	return s
}
