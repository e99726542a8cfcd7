// Package figure draws fiord's figures: it turns plain series, distributions
// and tables into SVG and PNG.
//
// Every kind of figure is a struct that is filled in and asked for its
// [Figure]:
//
//	f := figure.Time{
//		Head:     figure.Head{Title: "IOPS", Facts: []string{"n = 60 intervals of 1 s"}},
//		Quantity: figure.IOPS,
//		Series:   []figure.Series{{Name: "read", Step: time.Second, Values: rates}},
//	}.Figure()
//	err := f.WriteSVG(w)
//
// gonum/plot places axes and glyphs; what a figure shows and how it is framed
// is decided here. The same drawing goes to two canvases: one of our own that
// writes compact SVG with real text and a dark variant behind
// prefers-color-scheme, and gonum's raster canvas for PNG.
//
// # Rules every figure keeps
//
//   - Values are in base units (operations per second, bytes per second,
//     nanoseconds); the figure picks the unit people read and names it.
//   - Facts (what was counted, over what) and flags (what is wrong with the
//     data) are part of the picture, so that a figure pasted elsewhere keeps
//     them.
//   - Thinning keeps the extremes: a column of pixels shows the least, the mean
//     and the greatest of what fell into it.
//   - Colours are told apart with any of the common colour vision deficiencies,
//     and lines differ in dashes too.
//   - The same input gives the same bytes.
//
// Nothing here does I/O besides the writer it is handed, and no figure keeps
// state, so figures may be drawn concurrently.
package figure
