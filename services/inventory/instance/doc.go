// Package instance is the one form that every source of machines is brought
// into: clouds, their command-line tools' JSON, static files, Docker hosts and
// the workers' own registry.
//
// A Snapshot is what was found at one moment, with how each source fared. It
// is stored as one JSON document and referred to by a claim check.
package instance
