// Package repofile is fiord.yaml: the file in a repository that says what a push
// measures.
//
// [Parse] is strict. Whatever is not understood is a problem with its file,
// line and column and what to do about it, and all problems are reported at once:
// the author pushes, waits and reads a commit status, so a second round is
// dear. [Schema] is the same contract for editors; a test holds the two to each
// other.
//
// The package reads bytes. It fetches nothing, knows no forge and no policy.
package repofile
