// Package model is what plot knows of benches and runs: the read model behind
// its web page, built from events alone.
//
// Events may arrive in any order and more than once; the result is the same.
// A bench that is heard of only through one of its runs is a bench already, and
// is completed by whatever comes later. Memory is bounded: beyond a number of
// runs the oldest benches that have ended are forgotten, and are read again
// from the archive on request.
package model
