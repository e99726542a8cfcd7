// Package gc removes artifacts that nothing needs any more.
//
// Nothing is removed without evidence. An object goes if it and what it belongs
// to are older than a limit, where a bench is as old as the record of its end
// in the archive, and if nothing that is kept refers to it. What follows from
// that:
//
//   - A bench without the record of an end stays, however old it is, and so do
//     its runs: it may be measured tomorrow by a host that was away.
//   - A baseline stays: the bench that plot would compare the next one of a name
//     and ref with, every bench that a person accepted, and what a kept bench
//     was or is to be held against. The last does not go on: a baseline's own
//     baseline stays only for reasons of its own, or else the first would.
//   - The verdicts that a history lists stay, since its trend is drawn of them.
//   - A job file or request stays while a kept bench or an event in the stream
//     names it, and the decision where a bench is measured while the stream
//     could still replay the request, which would be decided anew without it.
//   - The newest inventory and snapshot stay, with all that they point at.
//   - The archive stays unless it is given up; the read model outlives the
//     stream through it. The record of an end goes last of a bench, so that
//     a collection which was interrupted is finished by the next.
//   - Whatever was written within the grace period stays, announced or not.
//
// Objects are listed page by page and judged one run, bench or file at a time.
// What is remembered meanwhile grows with the baselines, the job files that
// kept benches name and the entries of histories, and not with the objects.
//
// Events go on while a collection runs, and are followed until its end: a
// baseline that is accepted meanwhile is spared from then on. Between the last
// look and the removal of one object remains a moment in which a push may name
// a job file again that no kept bench has named. Its bench is then told to be
// unplaced, with the file's name; it is never measured with other content.
package gc
