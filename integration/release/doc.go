// Package release holds the test of scripts/release: whether the tree that it
// makes is one that others can depend on.
package release
