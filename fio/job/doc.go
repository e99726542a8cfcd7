// Package job reads, judges and edits fio job files.
//
// A job file is read the way fio itself reads it: line by line, with comments
// cut at the first ; or #, with several [global] sections whose options become
// the defaults of every job after them, with include, ${VARIABLE} and fio's
// $keywords. Every option keeps the file, line and column it was written at,
// and the original bytes are kept as well, so that an edited file differs from
// the one a user wrote in the edited lines only.
//
// Where fio is lenient in a way that a reader would not expect (a section name
// loses its last character whatever that is; any line that begins with the
// letters "include" is an include), the parser refuses the line with a remedy
// instead. It never accepts a line and understands something else by it than
// fio does: package users decide from [Job.Touches] what fio may harm.
//
// The rules were read from fio's sources and are tested against the fio that
// is installed; options.tsv holds its option table.
package job
