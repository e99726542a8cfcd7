// Package outcome turns what an attempt left behind, fio's exit and the files in
// the attempt's folder, into the event that ends the run and the list of files
// that are kept. It reads and writes below that folder only.
package outcome
