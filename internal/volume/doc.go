// Package volume is what the owner of a host allows of the container engine's
// volumes, and what a bench asks of them.
//
// Nothing is allowed by silence. An empty policy admits volumes that fiord made
// and labelled itself, of the engine's plain local driver, without options.
// Everything else needs a line of the owner's: a driver, each option by key and
// value, a volume that others made.
//
// An option can make a driver mount a path of the host: o=bind with a device,
// another file system's device, a driver's own option. So each path in an option
// is judged like a path: one that the owner has written out is his word, one
// that a wildcard or a placeholder has let in must stay below what stands before
// the wildcard, links followed, or in a folder or on a device that jobs may
// write anyway.
//
// A repository's rules and a pushed fiord.yaml only ask: they cannot add to it.
package volume
