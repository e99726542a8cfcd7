// Package foreign reads results that fiord did not measure: whatever fio, and
// scripts around it, left in a folder.
//
// Find looks at every file of a folder tree and pairs results (fio's JSON and
// json+, with any text around it) with the logs that belong to them. It knows
// no layout by heart: fio repeats a job's options in its JSON, and the names of
// its logs are among them. So the trees of bench-fio and fio-plot, the folders
// of fio-tools and those of a shell script are read alike. Logs without a result
// are a run of their own.
//
// Write draws all figures of all runs and tells everything in one HTML document,
// which needs nothing else, and in Markdown. Runs are read one at a time and
// their logs are streamed, so memory depends on the figures and not on the logs.
//
// Nothing is passed over in silence: files that look like fio's and cannot be
// read are listed with the reason, malformed lines are counted with the first
// of them, and what had to be guessed is said.
package foreign
