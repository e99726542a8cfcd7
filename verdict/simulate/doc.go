// Package simulate holds the code that decides about benches against simulated
// histories, and keeps the tables of docs/guides/verdicts.md.
//
// It has tests alone. Each table is a test: each of its cells is a share of
// simulated histories for which something holds, with the bound that it must keep.
// By default a cell comes from few histories, which takes seconds and allows for
// four standard errors; `make simulate` takes 2,000 and writes the tables, each with
// the number of histories behind it, into the guide. All draws are seeded by the
// table, the row and the history: the same command writes the same tables.
package simulate
