package screen

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Table lines up columns. Columns named in Right are flush right, as numbers
// should be.
type Table struct {
	Header []string
	Right  map[string]bool
	rows   [][]string
}

// Add adds a row of as many cells as there are headers.
func (t *Table) Add(cells ...string) {
	for i := range cells {
		cells[i] = Clean(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// Write writes the header and the rows. Columns that are empty in every row
// are left out.
func (t *Table) Write(w io.Writer) error {
	widths := t.widths()
	for _, row := range append([][]string{t.Header}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			if widths[i] == 0 {
				continue
			}
			if line.Len() > 0 {
				line.WriteString("  ")
			}
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.Right[t.Header[i]] {
				line.WriteString(padding + cell)
			} else {
				line.WriteString(cell + padding)
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) widths() []int {
	widths := make([]int, len(t.Header))
	for i, name := range t.Header {
		for _, row := range t.rows {
			if row[i] != "" {
				widths[i] = max(widths[i], utf8.RuneCountInString(row[i]), utf8.RuneCountInString(name))
			}
		}
	}
	return widths
}
