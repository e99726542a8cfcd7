// Package render draws figures for the service: those of a run when it has
// completed, which are stored and announced, and those that people ask for on the
// page. What figures there are and how they look is in figure/catalogue; this
// package reads what they are drawn from, waits while something is measured on
// the host, and stores what cannot change.
package render
