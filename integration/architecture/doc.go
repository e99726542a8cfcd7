// Package architecture states what fiord's parts may know of each other, and
// what every file promises its readers, as rules that are checked on the source.
//
// A rule reads the tree (go.work, every go.mod, the syntax of every Go file) and
// returns the breaches it found; each says where, what, and why that matters. The
// tests apply all rules to this repository, and each rule to a small tree that
// breaks it, so that a rule which has gone blind is noticed.
//
// golangci-lint's depguard repeats the import rules for editors; this package is
// the authority.
package architecture
