package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrCursor is wrapped where a cursor is not one that this index gave out.
var ErrCursor = errors.New("the cursor is not one of this list")

// Run is a run as a row.
type Run struct {
	ID        string             `json:"run"`
	Bench     string             `json:"bench"`
	Name      string             `json:"name"`
	Job       string             `json:"job"`
	Point     string             `json:"point,omitempty"`
	Repeat    int                `json:"repeat"` // from 0
	Host      string             `json:"host,omitempty"`
	Device    string             `json:"device,omitempty"`
	State     string             `json:"state"`
	Integrity string             `json:"integrity,omitempty"`
	Started   time.Time          `json:"started,omitzero"`
	Ended     time.Time          `json:"ended,omitzero"`
	Reason    string             `json:"reason,omitempty"`
	Metrics   map[string]Figures `json:"metrics,omitempty"` // by section and direction
}

// Figures of a section and direction of a run: per second, B/s and ns. Nil is unknown.
type Figures struct {
	IOPS      *float64 `json:"iops"`
	Bandwidth *float64 `json:"bandwidth_bytes"`
	Mean      *float64 `json:"mean_ns"`
	P50       *float64 `json:"p50_ns"`
	P95       *float64 `json:"p95_ns"`
	P99       *float64 `json:"p99_ns"`
	P999      *float64 `json:"p999_ns"`
	Max       *float64 `json:"max_ns"`
}

// RunQuery chooses runs. Empty fields choose all.
type RunQuery struct {
	Bench, Host, Device, State string
	Since, Until               time.Time // of their end
	After                      string    // cursor
	Limit                      int
}

// Cursor is where the list goes on behind a run.
func (r Run) Cursor() string { return cursor(millis(r.Ended), r.ID) }

// Runs lists runs, those that ended last first and those that have not ended behind
// all, and says whether more follow.
func (x *Index) Runs(ctx context.Context, q RunQuery) ([]Run, bool, error) {
	var c condition
	c.equal("r.bench", q.Bench)
	c.equal("r.host", q.Host)
	c.equal("r.device", q.Device)
	c.equal("r.state", q.State)
	c.between("r.ended", q.Since, q.Until)
	if err := c.after("(r.ended, r.id) < (?, ?)", q.After, 2); err != nil {
		return nil, false, err
	}
	//nolint:gosec // the conditions are this package's own text; values are bound
	rows, err := x.db.QueryContext(ctx, `SELECT r.id, r.bench, coalesce(b.name, ''), r.job, r.point, r.repeat, r.host, r.device, r.state, r.integrity, r.started, r.ended, r.reason
		FROM run r LEFT JOIN bench b ON b.id = r.bench`+c.where()+" ORDER BY r.ended DESC, r.id DESC LIMIT ?", append(c.args, q.Limit+1)...)
	if err != nil {
		return nil, false, fmt.Errorf("list runs: %w", err)
	}
	runs, err := scan(rows, func(s scanner) (r Run, err error) {
		var started, ended int64
		err = s.Scan(&r.ID, &r.Bench, &r.Name, &r.Job, &r.Point, &r.Repeat, &r.Host, &r.Device, &r.State, &r.Integrity, &started, &ended, &r.Reason)
		r.Started, r.Ended = fromMillis(started), fromMillis(ended)
		return r, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list runs: %w", err)
	}
	runs, more := cut(runs, q.Limit)
	for i := range runs {
		if runs[i].Metrics, err = x.metrics(ctx, runs[i].ID); err != nil {
			return nil, false, fmt.Errorf("read figures of run %s: %w", runs[i].ID, err)
		}
	}
	return runs, more, nil
}

func (x *Index) metrics(ctx context.Context, run string) (map[string]Figures, error) {
	rows, err := x.db.QueryContext(ctx, "SELECT series, iops, bw, lat, p50, p95, p99, p999, most FROM metric WHERE run = ?", run)
	if err != nil {
		return nil, err
	}
	var out map[string]Figures
	_, err = scan(rows, func(s scanner) (_ struct{}, err error) {
		var name string
		var f Figures
		err = s.Scan(&name, &f.IOPS, &f.Bandwidth, &f.Mean, &f.P50, &f.P95, &f.P99, &f.P999, &f.Max)
		if out == nil {
			out = map[string]Figures{}
		}
		out[name] = f
		return struct{}{}, err
	})
	return out, err
}

// Measured is a line of a bench with the bench it is of.
type Measured struct {
	At     time.Time `json:"at"`
	Bench  string    `json:"bench"`
	Name   string    `json:"name"`
	Repo   string    `json:"repository,omitempty"`
	Ref    string    `json:"ref,omitempty"`
	Commit string    `json:"commit,omitempty"`
	Line
}

// Cursor is where the list goes on behind a line.
func (m Measured) Cursor() string {
	return cursor(m.At.UnixMilli(), m.Bench, strconv.FormatInt(m.Key, 10))
}

// SeriesQuery chooses lines. Empty fields choose all; several values of one field
// choose each of them.
type SeriesQuery struct {
	Names, Repos, Hosts, Devices, Models, Jobs, Series, Benches []string
	Points                                                      []string // keys; "-" is the point without options
	Since, Until                                                time.Time
	After                                                       string // cursor
	Limit                                                       int
}

const measuredColumns = "l.at, l.bench, b.name, b.repo, b.ref, b.hash, l.key, l.pos, l.host, l.device, l.model, l.job, l.point, l.series, l.runs, l.sound, l.iops, l.bw, l.p50, l.p99, l.iops_change, l.p99_change, l.verdict"

func scanMeasured(s scanner) (m Measured, err error) {
	var at int64
	err = s.Scan(append([]any{&at, &m.Bench, &m.Name, &m.Repo, &m.Ref, &m.Commit}, m.columns()...)...)
	m.At = fromMillis(at)
	return m, err
}

// Series lists what benches measured, oldest first, and says whether more follows.
func (x *Index) Series(ctx context.Context, q SeriesQuery) ([]Measured, bool, error) {
	var c condition
	c.in("b.name", q.Names)
	c.in("b.repo", q.Repos)
	c.in("l.host", q.Hosts)
	c.in("l.device", q.Devices)
	c.in("l.model", q.Models)
	c.in("l.job", q.Jobs)
	c.in("l.series", q.Series)
	c.in("l.bench", q.Benches)
	points := make([]string, len(q.Points))
	for i, p := range q.Points {
		points[i] = strings.TrimPrefix(p, "-")
	}
	c.in("l.point", points)
	c.between("l.at", q.Since, q.Until)
	if err := c.after("(l.at, l.bench, l.key) > (?, ?, ?)", q.After, 3); err != nil {
		return nil, false, err
	}
	//nolint:gosec // the conditions are this package's own text; values are bound
	rows, err := x.db.QueryContext(ctx, "SELECT "+measuredColumns+" FROM line l JOIN bench b ON b.id = l.bench"+c.where()+" ORDER BY l.at, l.bench, l.key LIMIT ?", append(c.args, q.Limit+1)...)
	if err != nil {
		return nil, false, fmt.Errorf("list series: %w", err)
	}
	list, err := scan(rows, scanMeasured)
	if err != nil {
		return nil, false, fmt.Errorf("list series: %w", err)
	}
	list, more := cut(list, q.Limit)
	return list, more, nil
}

// mostKept is how many different lines the page of a host or device shows.
const mostKept = 100

// Newest lists the newest line of each section, point and bench name of a host, or of
// a device if host is empty, with their histories; newest first.
func (x *Index) Newest(ctx context.Context, host, device string) ([]Measured, error) {
	var c condition
	c.equal("host", host)
	c.equal("device", device)
	//nolint:gosec // as above
	rows, err := x.db.QueryContext(ctx, "SELECT "+measuredColumns+" FROM (SELECT *, max(at) FROM line"+c.where()+" GROUP BY key ORDER BY at DESC LIMIT ?) l JOIN bench b ON b.id = l.bench ORDER BY b.name, l.job, l.point, l.series",
		append(c.args, mostKept)...)
	if err != nil {
		return nil, fmt.Errorf("list newest figures: %w", err)
	}
	list, err := scan(rows, scanMeasured)
	if err != nil {
		return nil, fmt.Errorf("list newest figures: %w", err)
	}
	for i := range list {
		if list[i].History, err = x.history(ctx, list[i].Key, list[i].At); err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
	}
	return list, nil
}

// condition is the WHERE of a query being made.
type condition struct {
	parts []string
	args  []any
}

func (c *condition) add(part string, values ...any) {
	c.parts, c.args = append(c.parts, part), append(c.args, values...)
}

func (c *condition) equal(column, value string) {
	if value != "" {
		c.add(column+" = ?", value)
	}
}

func (c *condition) in(column string, values []string) {
	if len(values) == 0 {
		return
	}
	c.parts = append(c.parts, column+" IN (?"+strings.Repeat(",?", len(values)-1)+")")
	for _, v := range values {
		c.args = append(c.args, v)
	}
}

func (c *condition) between(column string, since, until time.Time) {
	if !since.IsZero() {
		c.add(column+" >= ?", since.UnixMilli())
	}
	if !until.IsZero() {
		c.add(column+" < ?", until.UnixMilli())
	}
}

// after goes on behind a cursor of so many parts, of which the first is a time and a
// third one a key.
func (c *condition) after(part, cursor string, parts int) error {
	if cursor == "" {
		return nil
	}
	fields := strings.Split(cursor, ".")
	if len(fields) != parts {
		return ErrCursor
	}
	values := make([]any, parts)
	for i, f := range fields {
		values[i] = f
		if i == 1 {
			continue
		}
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return ErrCursor
		}
		values[i] = n
	}
	c.add(part, values...)
	return nil
}

func (c *condition) where() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.parts, " AND ")
}

func cursor(at int64, rest ...string) string {
	return strings.Join(append([]string{strconv.FormatInt(at, 10)}, rest...), ".")
}

type scanner interface{ Scan(...any) error }

// scan reads all rows and closes them.
func scan[T any](rows *sql.Rows, read func(scanner) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }()
	out := []T{}
	for rows.Next() {
		v, err := read(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// one reads a single row, and says whether there is one.
func one(ctx context.Context, db *sql.DB, to []any, query string, args ...any) (bool, error) {
	err := db.QueryRowContext(ctx, query, args...).Scan(to...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// cut drops what was read beyond a limit, to know that it is there.
func cut[T any](list []T, limit int) ([]T, bool) {
	if len(list) > limit {
		return list[:limit], true
	}
	return list, false
}
