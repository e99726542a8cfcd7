// Package lint says what a push would be told, before it is made: the same
// checks that the reaction to a push runs, on files of a work tree, and a few
// more that only advise.
//
// The reaction uses Job, Matrix and the policy's own Check; Folder puts them
// together offline. Where fio is installed, fio itself is asked as well.
package lint
