package index

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Query chooses benches. Empty fields choose all.
type Query struct {
	// Text is looked for in names, repositories, commits, hosts, models and sections.
	Text                 string
	Name, Repo, Branch   string
	Host, Model, Section string
	Verdict, State       string // see [Row]
	Since, Until         time.Time
	Sort                 string // of Sorts; empty for the newest first
	Ascending            bool
	Ended, First         bool // ended alone; without those that confirm another
	Skip, Limit          int
	broad                bool // the words match too much to look them up
}

// Sorts are the names by which benches can be sorted, with their columns.
func Sorts() map[string]string {
	return map[string]string{"at": "at", "name": "name", "iops": "iops", "bandwidth": "bw", "p99": "p99", "change": "change"}
}

// Row is a bench as a row of a table.
type Row struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Repo   string `json:"repository,omitempty"`
	Ref    string `json:"ref,omitempty"`
	Commit string `json:"commit,omitempty"`
	Pull   int    `json:"pull,omitempty"`
	// Who asked, and by what right.
	Who   string `json:"requester,omitempty"`
	Right string `json:"right,omitempty"`
	// State is requested, placed, running, reported, unplaced or cancelled.
	State string `json:"state"`
	// Verdict of a bench that was reported; unplaced or cancelled of one that was
	// not; empty while it has not ended.
	Verdict  string    `json:"verdict,omitempty"`
	Headline string    `json:"headline,omitempty"`
	At       time.Time `json:"at"`
	Ended    time.Time `json:"ended,omitzero"`
	// Runs planned, completed, and over in any way.
	Planned   int    `json:"planned"`
	Completed int    `json:"completed"`
	Over      int    `json:"over"`
	Confirms  string `json:"confirms,omitempty"`
	// Hosts and Models measured, at most some of them.
	Hosts  []string `json:"hosts,omitempty"`
	Models []string `json:"models,omitempty"`
	// Change that is farthest from none, less is worse; nil if none was judged.
	Change *float64 `json:"change"`
	Lines  []Line   `json:"lines"`
}

// Result is a page of rows.
type Result struct {
	Rows []Row
	// More says that rows follow.
	More bool
	// Verdicts counts what the query matches without its verdict and state, by
	// verdict, and by state where there is no verdict yet.
	Verdicts map[string]int
}

// pageLines is how many benches a page has if a query does not say.
const pageLines = 50

// words are those of a query's text: in a query of the index of trigrams, or each
// alone where it is shorter or where too much matches.
func (q Query) words() (match string, alone []string) {
	var indexed []string
	for word := range strings.FieldsSeq(strings.ToLower(q.Text)) {
		if q.broad || len([]rune(word)) < 3 {
			alone = append(alone, word)
		} else {
			indexed = append(indexed, `"`+strings.ReplaceAll(word, `"`, `""`)+`"`)
		}
	}
	return strings.Join(indexed, " AND "), alone
}

// broadFrom is from how many matches on it is faster to look at each row.
const broadFrom = 2000

// measure decides how the words of a query are looked for.
func (x *Index) measure(ctx context.Context, q *Query) error {
	match, _ := q.words()
	if match == "" {
		return nil
	}
	var n int
	err := x.db.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM words WHERE search MATCH ? LIMIT ?)", match, broadFrom).Scan(&n)
	q.broad = n == broadFrom
	return err
}

// where is the condition of a query.
func (q Query) where(all bool) (string, []any) {
	var parts []string
	var args []any
	add := func(part string, values ...any) { parts, args = append(parts, part), append(args, values...) }
	equal := func(column, value string) {
		if value != "" {
			add(column+" = ?", value)
		}
	}
	match, words := q.words()
	for _, word := range words {
		add("instr(search, ?) > 0", word)
	}
	if match != "" {
		add("id IN (SELECT id FROM words WHERE search MATCH ?)", match)
	}
	equal("name", q.Name)
	equal("repo", q.Repo)
	if q.Branch != "" {
		add("ref IN (?, ?, ?)", q.Branch, "refs/heads/"+q.Branch, "refs/tags/"+q.Branch)
	}
	for column, value := range map[string]string{"hosts": q.Host, "models": q.Model, "sections": q.Section} {
		if value != "" {
			add("instr("+column+", ?) > 0", "|"+value+"|")
		}
	}
	if !q.Since.IsZero() {
		add("at >= ?", q.Since.UnixMilli())
	}
	if !q.Until.IsZero() {
		add("at < ?", q.Until.UnixMilli())
	}
	if q.Ended {
		add("state NOT IN ('requested', 'placed', 'running')")
	}
	if q.First {
		add("confirms = ''")
	}
	if all {
		equal("verdict", q.Verdict)
		if q.State == "open" {
			add("state IN ('requested', 'placed', 'running')")
		} else {
			equal("state", q.State)
		}
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

// Search returns the benches that a query chooses, with their lines and histories.
func (x *Index) Search(ctx context.Context, q Query) (Result, error) {
	if q.Limit <= 0 {
		q.Limit = pageLines
	}
	var out Result
	if err := x.measure(ctx, &q); err != nil {
		return out, fmt.Errorf("search benches: %w", err)
	}
	if err := x.rows(ctx, q, &out); err != nil {
		return out, fmt.Errorf("search benches: %w", err)
	}
	for i := range out.Rows {
		lines, err := x.lines(ctx, out.Rows[i])
		if err != nil {
			return out, fmt.Errorf("read lines of bench %s: %w", out.Rows[i].ID, err)
		}
		out.Rows[i].Lines = lines
	}
	return out, x.count(ctx, q, &out)
}

func (x *Index) rows(ctx context.Context, q Query, out *Result) error {
	where, args := q.where(true)
	column, ok := Sorts()[q.Sort]
	if !ok {
		column = "at"
	}
	order := column + " DESC NULLS LAST, id DESC"
	if q.Ascending {
		order = column + " ASC NULLS LAST, id"
	}
	if column == "at" {
		order = strings.ReplaceAll(order, " NULLS LAST", "") // never unknown, and so read off the index
	}
	//nolint:gosec // the conditions and the order are this package's own text; values are bound
	rows, err := x.db.QueryContext(ctx, `SELECT id, name, repo, ref, hash, pull, who, by_right, state, verdict, headline, at, ended, planned, completed, over, confirms, hosts, models, change
		FROM bench`+where+" ORDER BY "+order+" LIMIT ? OFFSET ?", append(args, q.Limit+1, q.Skip)...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r Row
		var at, ended int64
		var hosts, models string
		if err := rows.Scan(&r.ID, &r.Name, &r.Repo, &r.Ref, &r.Commit, &r.Pull, &r.Who, &r.Right, &r.State, &r.Verdict, &r.Headline, &at, &ended,
			&r.Planned, &r.Completed, &r.Over, &r.Confirms, &hosts, &models, &r.Change); err != nil {
			return err
		}
		r.At, r.Ended, r.Hosts, r.Models = fromMillis(at), fromMillis(ended), unlist(hosts), unlist(models)
		out.Rows = append(out.Rows, r)
	}
	if len(out.Rows) > q.Limit {
		out.Rows, out.More = out.Rows[:q.Limit], true
	}
	return rows.Err()
}

// count counts what matches by verdict.
func (x *Index) count(ctx context.Context, q Query, out *Result) error {
	where, args := q.where(false)
	//nolint:gosec // as above
	rows, err := x.db.QueryContext(ctx, "SELECT CASE verdict WHEN '' THEN 'open' ELSE verdict END, count(*) FROM bench"+where+" GROUP BY verdict", args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	out.Verdicts = map[string]int{}
	for rows.Next() {
		var verdict string
		var n int
		if err := rows.Scan(&verdict, &n); err != nil {
			return err
		}
		out.Verdicts[verdict] = n
	}
	return rows.Err()
}

// historyLength is how many earlier benches a line's history goes back.
const historyLength = 30

const lineColumns = "key, pos, host, device, model, job, point, series, runs, sound, iops, bw, p50, p99, iops_change, p99_change, verdict"

// lines reads the lines of a bench with their histories.
func (x *Index) lines(ctx context.Context, r Row) ([]Line, error) {
	rows, err := x.db.QueryContext(ctx, "SELECT "+lineColumns+" FROM line WHERE bench = ? ORDER BY pos", r.ID)
	if err != nil {
		return nil, err
	}
	lines, err := scanLines(rows)
	if err != nil {
		return nil, err
	}
	for i := range min(len(lines), historyLength) {
		if lines[i].History, err = x.history(ctx, lines[i].Key, r.At); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

func scanLines(rows *sql.Rows) ([]Line, error) {
	defer func() { _ = rows.Close() }()
	lines := []Line{}
	for rows.Next() {
		var l Line
		if err := rows.Scan(l.columns()...); err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, rows.Err()
}

// columns are where lineColumns are read into.
func (l *Line) columns() []any {
	return []any{&l.Key, &l.Position, &l.Host, &l.Device, &l.Model, &l.Job, &l.Point, &l.Series, &l.Runs, &l.Sound, &l.IOPS, &l.Bandwidth, &l.P50, &l.P99, &l.IOPSChange, &l.P99Change, &l.Verdict}
}

// history reads the last lines of a key up to a time, oldest first.
func (x *Index) history(ctx context.Context, key int64, until time.Time) ([]Past, error) {
	rows, err := x.db.QueryContext(ctx, "SELECT at, iops, p99 FROM (SELECT at, iops, p99 FROM line WHERE key = ? AND at <= ? ORDER BY at DESC LIMIT ?) ORDER BY at", key, until.UnixMilli(), historyLength)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []Past
	for rows.Next() {
		var p Past
		if err := rows.Scan(&p.At, &p.IOPS, &p.P99); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

func unlist(text string) []string {
	if text = strings.Trim(text, "|"); text == "" {
		return nil
	}
	return strings.Split(text, "|")
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
