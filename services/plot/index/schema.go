package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver, in Go alone
)

// version of the tables. A database of another one is made anew.
const version = 2

// file is the name of the database in the service's folder.
const file = "index.db"

// tables of the index. Times are in milliseconds since 1970, 0 is unknown; figures
// are in base units (1/s, B/s, ns) and NULL where they are not known.
const tables = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE event (id TEXT PRIMARY KEY, bench TEXT NOT NULL, stored INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX event_bench ON event (bench);
CREATE TABLE bench (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, repo TEXT NOT NULL, ref TEXT NOT NULL, hash TEXT NOT NULL, pull INTEGER NOT NULL,
  who TEXT NOT NULL, by_right TEXT NOT NULL, state TEXT NOT NULL, verdict TEXT NOT NULL, headline TEXT NOT NULL,
  at INTEGER NOT NULL, ended INTEGER NOT NULL, planned INTEGER NOT NULL, completed INTEGER NOT NULL, over INTEGER NOT NULL,
  bad INTEGER NOT NULL, confirms TEXT NOT NULL, hosts TEXT NOT NULL, models TEXT NOT NULL, sections TEXT NOT NULL, search TEXT NOT NULL,
  iops REAL, bw REAL, p99 REAL, change REAL) WITHOUT ROWID;
CREATE INDEX bench_at ON bench (at, id);
CREATE INDEX bench_name ON bench (name, at);
CREATE INDEX bench_verdict ON bench (verdict, at);
CREATE INDEX bench_state ON bench (state, at);
CREATE INDEX bench_choice ON bench (at, verdict, hosts, models, sections, name, repo, ref, state, confirms);
CREATE VIRTUAL TABLE words USING fts5 (id UNINDEXED, search, tokenize = 'trigram');
CREATE TABLE run (
  id TEXT PRIMARY KEY, bench TEXT NOT NULL, slot INTEGER NOT NULL, idx INTEGER NOT NULL, job TEXT NOT NULL, point TEXT NOT NULL, repeat INTEGER NOT NULL,
  host TEXT NOT NULL, device TEXT NOT NULL, state TEXT NOT NULL, integrity TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX run_bench ON run (bench);
CREATE INDEX run_host ON run (host, ended);
CREATE INDEX run_device ON run (device, ended);
CREATE INDEX run_ended ON run (ended, id);
CREATE INDEX run_state ON run (state);
CREATE TABLE metric (run TEXT NOT NULL, series TEXT NOT NULL, iops REAL, bw REAL, lat REAL, p50 REAL, p95 REAL, p99 REAL, p999 REAL, most REAL,
  PRIMARY KEY (run, series)) WITHOUT ROWID;
CREATE TABLE line (
  bench TEXT NOT NULL, key INTEGER NOT NULL, pos INTEGER NOT NULL, at INTEGER NOT NULL, host TEXT NOT NULL, device TEXT NOT NULL, model TEXT NOT NULL,
  job TEXT NOT NULL, point TEXT NOT NULL, series TEXT NOT NULL, runs INTEGER NOT NULL, sound INTEGER NOT NULL,
  iops REAL, bw REAL, p50 REAL, p99 REAL, iops_change REAL, p99_change REAL, verdict TEXT NOT NULL, PRIMARY KEY (bench, key)) WITHOUT ROWID;
CREATE INDEX line_key ON line (key, at, iops, p99);
CREATE INDEX line_at ON line (at, bench, key);
CREATE INDEX line_host ON line (host, at);
CREATE INDEX line_device ON line (device, at);
CREATE TABLE repo (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE host (name TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, facts TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE device (id TEXT PRIMARY KEY, host TEXT NOT NULL, path TEXT NOT NULL, model TEXT NOT NULL, serial TEXT NOT NULL, wwn TEXT NOT NULL, firmware TEXT NOT NULL,
  size INTEGER NOT NULL, scheduler TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX device_host ON device (host);
CREATE TABLE seen (host TEXT NOT NULL, device TEXT NOT NULL, kernel TEXT NOT NULL, firmware TEXT NOT NULL, scheduler TEXT NOT NULL, fio TEXT NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (host, device, kernel, firmware, scheduler, fio)) WITHOUT ROWID;
`

// open opens the database of a folder, or one in memory if the folder is empty. One
// that cannot be used, or is of another version, is removed first: it follows from
// the events.
func open(ctx context.Context, dir string) (*sql.DB, error) {
	if dir == "" {
		db, err := sql.Open("sqlite", "file::memory:")
		if err != nil {
			return nil, fmt.Errorf("open index: %w", err)
		}
		db.SetMaxOpenConns(1)
		return db, create(ctx, db)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of index: %w", err)
	}
	path := filepath.Join(dir, file)
	db, err := connect(ctx, path)
	if err == nil {
		return db, nil
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("remove index that cannot be used: %w", err)
		}
	}
	return connect(ctx, path)
}

// connect opens a file and makes its tables where there are none. The write-ahead
// log lets pages read while events are taken.
func connect(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(10000)&_pragma=mmap_size(268435456)&_pragma=cache_size(-16384)")
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	var found int
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&found)
	switch {
	case err != nil:
	case found == 0:
		err = create(ctx, db)
	case found != version:
		err = fmt.Errorf("index is of version %d, not %d", found, version)
	default:
		var ok string
		if err = db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&ok); err == nil && ok != "ok" {
			err = fmt.Errorf("index is damaged: %s", ok)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open index %s: %w", path, err), db.Close())
	}
	return db, nil
}

func create(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, fmt.Sprintf("BEGIN; %s PRAGMA user_version=%d; COMMIT;", tables, version))
	return err
}
