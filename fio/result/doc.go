// Package result reads the JSON that fio prints, from 3.0 to 3.42, json and
// json+, and turns it into typed figures.
//
// fio's output is not always JSON. Text may stand before, between and behind
// the documents; --status-interval prints several, of which each contains the
// one before; descriptions with tabs are not escaped; averages over nothing are
// printed as nan; percentile keys repeat; group_reporting shows the first job's
// name with the last job's options. [Read] copes with all of that, says what it
// met, and never drops anything in silence.
//
// Histograms are kept, so that percentiles over jobs, repeats and hosts are
// those of all their I/Os together. Percentiles are never averaged.
package result
