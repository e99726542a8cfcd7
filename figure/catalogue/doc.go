// Package catalogue lists every figure that fiord draws, and draws them: those
// of one run, of runs compared, of a bench as a whole, and of a bench's history.
//
// Each figure is one entry of the table in catalogue.go: its name (which is part
// of its file's name and of its address), its title, what it is drawn from, and
// whether it is drawn as soon as its subject has ended or when it is asked for.
// Pages, reports, the service and the commands ask this table, so that a new
// figure is an entry there and a function beside the others.
//
// A figure that has nothing to show is still a figure: it says so. Where many are
// drawn without being asked for, those are left out.
package catalogue
