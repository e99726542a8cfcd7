package index

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/services/plot/model"
)

// Host is a host that has measured.
type Host struct {
	Name string `json:"host"`
	// First and Last are when a run of it was first and last heard of.
	First time.Time `json:"first_seen"`
	Last  time.Time `json:"last_seen"`
	// Facts as of its last start of a run.
	Facts   map[string]string `json:"facts,omitempty"`
	Devices []Device          `json:"devices,omitempty"`
	// Running are its runs that have started and not ended.
	Running []Run `json:"running,omitempty"`
	// DayToDay is how much its IOPS differ from one day measured to the next, within
	// the last 30 days that it measured: the median of the relative changes of all
	// its lines, 0.01 is 1%. Nil where no line was measured on two days.
	DayToDay *float64 `json:"day_to_day"`
}

// Device is a device that was measured.
type Device struct {
	// ID is the serial number, else the WWN, else host and path.
	ID        string    `json:"device"`
	Host      string    `json:"host"` // where it was seen last
	Path      string    `json:"path"`
	Model     string    `json:"model,omitempty"`
	Serial    string    `json:"serial,omitempty"`
	WWN       string    `json:"wwn,omitempty"`
	Firmware  string    `json:"firmware,omitempty"`
	Size      int64     `json:"size_bytes,omitempty"`
	Scheduler string    `json:"scheduler,omitempty"`
	First     time.Time `json:"first_seen"`
	Last      time.Time `json:"last_seen"`
}

// Choice narrows lists of hosts and devices: Text is looked for in all that is known
// of them, After is the last name of the page before.
type Choice struct {
	Text, Host, After string
	Limit             int
}

// Hosts lists hosts by name, and whether more follow.
func (x *Index) Hosts(ctx context.Context, c Choice) ([]Host, bool, error) {
	rows, err := x.db.QueryContext(ctx, `SELECT name, first, last, facts FROM host
		WHERE name > ?1 AND (?2 = '' OR instr(lower(name || ' ' || facts), lower(?2)) > 0
			OR EXISTS (SELECT 1 FROM device d WHERE d.host = host.name AND instr(lower(d.id || ' ' || d.model || ' ' || d.firmware), lower(?2)) > 0))
		ORDER BY name LIMIT ?3`, c.After, c.Text, c.Limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("list hosts: %w", err)
	}
	hosts, err := scan(rows, func(s scanner) (h Host, err error) {
		var first, last int64
		var facts string
		if err = s.Scan(&h.Name, &first, &last, &facts); err == nil {
			h.First, h.Last, err = fromMillis(first), fromMillis(last), json.Unmarshal([]byte(facts), &h.Facts)
		}
		return h, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list hosts: %w", err)
	}
	hosts, more := cut(hosts, c.Limit)
	for i := range hosts {
		if err := x.fill(ctx, &hosts[i]); err != nil {
			return nil, false, fmt.Errorf("read host %s: %w", hosts[i].Name, err)
		}
	}
	return hosts, more, nil
}

// Host returns one host. The error wraps [model.ErrUnknown] for one that has never
// measured.
func (x *Index) Host(ctx context.Context, name string) (Host, error) {
	var h Host
	var first, last int64
	var facts string
	row, err := one(ctx, x.db, []any{&first, &last, &facts}, "SELECT first, last, facts FROM host WHERE name = ?", name)
	if err != nil {
		return h, fmt.Errorf("read host %s: %w", name, err)
	}
	if !row {
		return h, fmt.Errorf("host %s: %w", name, model.ErrUnknown)
	}
	h.Name, h.First, h.Last = name, fromMillis(first), fromMillis(last)
	if err := json.Unmarshal([]byte(facts), &h.Facts); err != nil {
		return h, fmt.Errorf("read facts of host %s: %w", name, err)
	}
	return h, x.fill(ctx, &h)
}

// fill reads what a host has and does.
func (x *Index) fill(ctx context.Context, h *Host) (err error) {
	if h.Devices, _, err = x.Devices(ctx, Choice{Host: h.Name, Limit: mostOptions}); err != nil {
		return err
	}
	if h.Running, _, err = x.Runs(ctx, RunQuery{Host: h.Name, State: string(model.StateRunning), Limit: mostOptions}); err != nil {
		return err
	}
	h.DayToDay, err = x.dayToDay(ctx, h.Name, h.Last)
	return err
}

const deviceColumns = "id, host, path, model, serial, wwn, firmware, size, scheduler, first, last"

// Devices lists devices by id, and whether more follow.
func (x *Index) Devices(ctx context.Context, c Choice) ([]Device, bool, error) {
	rows, err := x.db.QueryContext(ctx, "SELECT "+deviceColumns+` FROM device WHERE id > ?1 AND (?2 = '' OR host = ?2)
		AND (?3 = '' OR instr(lower(id || ' ' || host || ' ' || model || ' ' || firmware || ' ' || wwn || ' ' || scheduler), lower(?3)) > 0) ORDER BY id LIMIT ?4`, c.After, c.Host, c.Text, c.Limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("list devices: %w", err)
	}
	devices, err := scan(rows, scanDevice)
	if err != nil {
		return nil, false, fmt.Errorf("list devices: %w", err)
	}
	devices, more := cut(devices, c.Limit)
	return devices, more, nil
}

// Device returns one device. The error wraps [model.ErrUnknown] for one that was never
// measured.
func (x *Index) Device(ctx context.Context, id string) (Device, error) {
	rows, err := x.db.QueryContext(ctx, "SELECT "+deviceColumns+" FROM device WHERE id = ?", id)
	if err != nil {
		return Device{}, fmt.Errorf("read device: %w", err)
	}
	found, err := scan(rows, scanDevice)
	if err != nil {
		return Device{}, fmt.Errorf("read device: %w", err)
	}
	if len(found) == 0 {
		return Device{}, fmt.Errorf("device %s: %w", id, model.ErrUnknown)
	}
	return found[0], nil
}

func scanDevice(s scanner) (d Device, err error) {
	var first, last int64
	err = s.Scan(&d.ID, &d.Host, &d.Path, &d.Model, &d.Serial, &d.WWN, &d.Firmware, &d.Size, &d.Scheduler, &first, &last)
	d.First, d.Last = fromMillis(first), fromMillis(last)
	return d, err
}

// spreadOver is how far back the spread from day to day looks, mostSpread how many
// lines of benches it reads at most.
const (
	spreadOver = 30 * 24 * time.Hour
	mostSpread = 20_000
)

// dayToDay is the median relative change of the IOPS from one day to the next one
// measured. A change of level is one change among many, and so hardly matters.
func (x *Index) dayToDay(ctx context.Context, host string, last time.Time) (*float64, error) {
	rows, err := x.db.QueryContext(ctx, "SELECT key, at / 86400000, avg(iops) FROM (SELECT key, at, iops FROM line WHERE host = ? AND at >= ? AND iops > 0 ORDER BY at DESC LIMIT ?) GROUP BY 1, 2 ORDER BY 1, 2",
		host, last.Add(-spreadOver).UnixMilli(), mostSpread)
	if err != nil {
		return nil, fmt.Errorf("read spread: %w", err)
	}
	type day struct {
		key, day int64
		iops     float64
	}
	days, err := scan(rows, func(s scanner) (d day, err error) { return d, s.Scan(&d.key, &d.day, &d.iops) })
	if err != nil {
		return nil, fmt.Errorf("read spread: %w", err)
	}
	var changes []float64
	for i := range days[min(1, len(days)):] {
		if a, b := days[i], days[i+1]; a.key == b.key {
			changes = append(changes, math.Abs(b.iops/a.iops-1))
		}
	}
	return median(changes), nil
}

// EnvironmentChange is what changed on a host or device between two runs.
type EnvironmentChange struct {
	// After is when the old state was last seen, At when the new one was first.
	After  time.Time `json:"after"`
	At     time.Time `json:"at"`
	Host   string    `json:"host"`
	Device string    `json:"device,omitempty"`
	What   string    `json:"what"` // kernel, firmware, scheduler, fio or host
	Before string    `json:"before,omitempty"`
	Now    string    `json:"now,omitempty"`
}

// state is what was seen together.
type state struct {
	host, device, kernel, firmware, scheduler, fio string
	first, last                                    int64
}

// EnvironmentChanges lists what changed on a host, or of a device if host is empty, newest first.
func (x *Index) EnvironmentChanges(ctx context.Context, host, device string) ([]EnvironmentChange, error) {
	rows, err := x.db.QueryContext(ctx, `SELECT host, device, kernel, firmware, scheduler, fio, first, last FROM seen
		WHERE (?1 = '' OR host = ?1) AND (?2 = '' OR device = ?2) ORDER BY device, first, last LIMIT 5000`, host, device)
	if err != nil {
		return nil, fmt.Errorf("read environment changes: %w", err)
	}
	states, err := scan(rows, func(s scanner) (v state, err error) {
		return v, s.Scan(&v.host, &v.device, &v.kernel, &v.firmware, &v.scheduler, &v.fio, &v.first, &v.last)
	})
	if err != nil {
		return nil, fmt.Errorf("read environment changes: %w", err)
	}
	out := []EnvironmentChange{}
	for len(states) > 0 {
		n := slices.IndexFunc(states, func(s state) bool { return s.device != states[0].device })
		if n < 0 {
			n = len(states)
		}
		out = append(out, changesOf(states[:n])...)
		states = states[n:]
	}
	slices.SortStableFunc(out, func(a, b EnvironmentChange) int { return b.At.Compare(a.At) })
	return out, nil
}

// changesOf compares the states of a device in their order. One that returned to what
// it had been has no state of its own for that; it shows because the older state was
// seen later than the newest.
func changesOf(states []state) []EnvironmentChange {
	var out []EnvironmentChange
	for i := range states[1:] {
		out = append(out, difference(states[i], states[i+1], states[i+1].first)...)
	}
	newest := states[len(states)-1]
	latest := slices.MaxFunc(states, func(a, b state) int { return int(a.last/1000 - b.last/1000) })
	if latest.last > newest.last {
		out = append(out, difference(newest, latest, latest.last)...)
	}
	return out
}

func difference(a, b state, at int64) []EnvironmentChange {
	var out []EnvironmentChange
	for _, f := range []struct{ what, before, now string }{{"host", a.host, b.host}, {"kernel", a.kernel, b.kernel}, {"firmware", a.firmware, b.firmware}, {"scheduler", a.scheduler, b.scheduler}, {"fio", a.fio, b.fio}} {
		if f.before != f.now {
			out = append(out, EnvironmentChange{After: fromMillis(min(a.last, at)), At: fromMillis(at), Host: b.host, Device: b.device, What: f.what, Before: f.before, Now: f.now})
		}
	}
	return out
}
