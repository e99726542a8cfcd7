package index

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// project writes the rows of a bench, and of those of its runs about which
// something was heard.
func (w *writer) project(bench string, runs map[string]bool) error {
	b, ok := w.index.memory.Bench(bench)
	if !ok { // forgotten meanwhile, because so much else was heard of
		if err := w.ensure(bench); err != nil {
			return err
		}
		if b, ok = w.index.memory.Bench(bench); !ok {
			return nil
		}
	}
	devices := devicesOf(b)
	for _, r := range b.Runs {
		if runs[r.Run] {
			if err := w.run(r, devices[r.Host]); err != nil {
				return err
			}
		}
	}
	lines := linesOf(b, devices)
	// What lines there were may have been of another name, before the request came.
	if err := w.exec("DELETE FROM line WHERE bench = ?", b.ID); err != nil {
		return err
	}
	for _, l := range lines {
		if err := w.line(b, l); err != nil {
			return err
		}
	}
	return w.bench(b, lines, devices)
}

func (w *writer) bench(b model.Bench, lines []Line, devices map[string]events.Device) error {
	n := b.Counts()
	repo, ref, commit, pull := "", "", "", 0
	if o := b.Origin; o != nil {
		repo, ref, commit, pull = o.Repo.Name, o.Ref, o.Commit, o.Pull
	}
	who, right := requester(b)
	verdict, headline := ended(b)
	main := mainLine(lines)
	var hosts, models, sections []string
	for _, r := range b.Runs {
		hosts = append(hosts, r.Host)
	}
	for _, d := range devices {
		models = append(models, d.Model)
	}
	for _, l := range lines {
		sections = append(sections, l.Series)
	}
	if repo != "" {
		if err := w.exec("INSERT OR IGNORE INTO repo VALUES (?)", repo); err != nil {
			return err
		}
	}
	parts := []string{b.Name, repo, ref, commit, b.ID, who, list(hosts), list(models), list(sections)}
	search := strings.ToLower(strings.Join(parts, " "))
	if err := w.exec("INSERT OR REPLACE INTO words (rowid, id, search) VALUES (?, ?, ?)", keyOf(b.ID), b.ID, search); err != nil {
		return err
	}
	return w.exec("INSERT OR REPLACE INTO bench VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		b.ID, b.Name, repo, ref, commit, pull, who, right, string(b.State), verdict, headline,
		millis(b.At), millis(b.EndedAt), n.Planned, n.Completed, n.Ended(), n.Ended()-n.Completed, b.Confirms,
		list(hosts), list(models), list(sections), search,
		main.IOPS, main.Bandwidth, main.P99, greatest(lines))
}

// requester is who asked for a bench, and by what right.
func requester(b model.Bench) (who, right string) {
	if b.Request != nil {
		if r := b.Request.RequestedBy(); r != nil {
			return r.Name, string(r.Right)
		}
	}
	return "", ""
}

// ended are the verdict and the sentence of a bench's end; empty before.
func ended(b model.Bench) (verdict, headline string) {
	switch {
	case b.Report != nil:
		return string(b.Report.Verdict), b.Report.Headline
	case b.Unplaced != nil:
		return "unplaced", b.Unplaced.Problems[0].Message
	case b.Cancelled != nil:
		return "cancelled", b.Cancelled.Reason
	}
	return "", ""
}

func (w *writer) run(r *model.Run, d events.Device) error {
	integrity, host := "", cmp.Or(r.Host, r.Pool)
	if r.Completed != nil {
		integrity = string(r.Completed.Integrity.State)
	}
	err := w.exec("INSERT OR REPLACE INTO run VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", r.Run, r.Bench, r.Slot, r.Index, r.Job, r.Point.Key(), r.Repeat, host, deviceID(d),
		string(r.State), integrity, millis(r.StartedAt), millis(r.EndedAt), r.Reason)
	if err != nil {
		return err
	}
	if r.Completed != nil {
		for _, name := range r.Completed.Summary.Directions() {
			f := r.Completed.Summary.Direction(name)
			v := func(figure string) any { return value(f.Latency.Value(figure)) }
			if err := w.exec("INSERT OR REPLACE INTO metric VALUES (?,?,?,?,?,?,?,?,?,?)", r.Run, name, f.IOPS, f.BandwidthBytes, v("lat"), v("p50"), v("p95"), v("p99"), v("p999"), v("max")); err != nil {
				return err
			}
		}
	}
	if r.Started == nil {
		return w.exec("UPDATE host SET last = max(last, ?) WHERE name = ?", millis(r.EndedAt), r.Host)
	}
	return w.started(r, d)
}

// started writes what a run's start says of its host and device.
func (w *writer) started(r *model.Run, d events.Device) error {
	at, facts := millis(r.StartedAt), []byte("{}")
	if len(r.Started.Facts) > 0 {
		var err error
		if facts, err = json.Marshal(r.Started.Facts); err != nil {
			return err
		}
	}
	err := w.exec(`INSERT INTO host VALUES (?1, ?2, ?2, ?3) ON CONFLICT (name) DO UPDATE SET
		facts = CASE WHEN ?2 >= last THEN ?3 ELSE facts END, first = min(first, ?2), last = max(last, ?2)`, r.Host, at, string(facts))
	if err != nil || r.Started.Device == nil {
		return err
	}
	err = w.exec(`INSERT INTO device VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10) ON CONFLICT (id) DO UPDATE SET
		host = CASE WHEN ?10 >= last THEN ?2 ELSE host END, path = CASE WHEN ?10 >= last THEN ?3 ELSE path END,
		firmware = CASE WHEN ?10 >= last THEN ?7 ELSE firmware END, scheduler = CASE WHEN ?10 >= last THEN ?9 ELSE scheduler END,
		first = min(first, ?10), last = max(last, ?10)`,
		deviceID(d), r.Host, d.Path, d.Model, d.Serial, d.WWN, d.Firmware, int64(min(d.Size, math.MaxInt64)), d.Scheduler, at)
	if err != nil {
		return err
	}
	f := r.Started.Facts
	return w.exec(`INSERT INTO seen VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) ON CONFLICT (host, device, kernel, firmware, scheduler, fio) DO UPDATE SET
		first = min(first, ?7), last = max(last, ?7)`, r.Host, deviceID(d), f["kernel"], d.Firmware, d.Scheduler, cmp.Or(f["fio"], f["fio_version"]), at)
}

func (w *writer) line(b model.Bench, l Line) error {
	return w.exec("INSERT OR REPLACE INTO line VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", b.ID, l.Key, l.Position, millis(b.At), l.Host, l.Device, l.Model, l.Job, l.Point, l.Series,
		l.Runs, l.Sound, l.IOPS, l.Bandwidth, l.P50, l.P99, l.IOPSChange, l.P99Change, l.Verdict)
}

// devicesOf are the devices measured, by host.
func devicesOf(b model.Bench) map[string]events.Device {
	out := map[string]events.Device{}
	for _, r := range b.Runs {
		if r.Started != nil && r.Started.Device != nil {
			d := *r.Started.Device
			if d.Serial == "" && d.WWN == "" {
				d.Serial = r.Host + ":" + d.Path // told apart by where they are
			}
			out[r.Host] = d
		}
	}
	return out
}

// deviceID tells devices apart wherever they are: by serial, else by WWN.
func deviceID(d events.Device) string { return cmp.Or(d.Serial, d.WWN) }

// list writes names between bars, each once, so that a name can be looked for.
func list(names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "" })
	slices.Sort(names)
	if names = slices.Compact(names); len(names) == 0 {
		return ""
	}
	return "|" + strings.Join(names, "|") + "|"
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// value is a figure, NULL where it is not known.
func value(v float64) any {
	if math.IsNaN(v) {
		return nil
	}
	return v
}
