// Package docs reads fiord's documentation the way its readers use it, so that
// the tests can follow its links, look up its commands, and parse its examples.
package docs
