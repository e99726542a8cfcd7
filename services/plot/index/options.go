package index

import (
	"context"
	"fmt"
)

// Options are what the benches can be chosen by.
type Options struct{ Hosts, Models, Repos, Names []string }

// mostOptions bounds each list.
const mostOptions = 500

// Options lists what there is to choose from.
func (x *Index) Options(ctx context.Context) (Options, error) {
	var out Options
	for query, to := range map[string]*[]string{
		"SELECT name FROM host ORDER BY name LIMIT ?":                                &out.Hosts,
		"SELECT DISTINCT model FROM device WHERE model != '' ORDER BY model LIMIT ?": &out.Models,
		"SELECT name FROM repo ORDER BY name LIMIT ?":                                &out.Repos,
		"WITH RECURSIVE n(v) AS (SELECT min(name) FROM bench UNION ALL SELECT (SELECT min(name) FROM bench WHERE name > v) FROM n WHERE v IS NOT NULL) SELECT v FROM n WHERE v IS NOT NULL LIMIT ?": &out.Names,
	} {
		if err := x.texts(ctx, query, to); err != nil {
			return out, fmt.Errorf("list what there is to choose from: %w", err)
		}
	}
	return out, nil
}

func (x *Index) texts(ctx context.Context, query string, to *[]string) error {
	rows, err := x.db.QueryContext(ctx, query, mostOptions)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		*to = append(*to, text)
	}
	return rows.Err()
}
