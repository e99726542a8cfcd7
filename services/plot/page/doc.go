// Package page serves what people look at: the list of benches, a page per
// bench and per run, badges, and downloads of artifacts.
//
// Pages are whole HTML documents: style and the little script they have are
// inside, nothing is fetched from anywhere but this server, and a content
// security policy says so. Everything that came from outside is escaped by
// html/template. Objects from the store are served with types that no browser
// will run in this origin: SVG and reports come sandboxed, logs as plain text.
//
//	GET /                          benches, newest first (?name=, ?repo=, ?verdict=, ?skip=)
//	GET /benches/{bench}           one bench
//	GET /benches/{bench}/badge.svg its badge
//	GET /badge/{name}.svg          badge of the newest bench of that name
//	GET /benches/{bench}/history   what changed when, up to that bench's name and ref (.json for scripts)
//	GET /runs/{run}                one run with its figures
//	GET /runs/{run}/figures/{name}.svg, .png      a figure drawn when asked for
//	GET /benches/{bench}/figures/{name}.svg, .png the same of a bench
//	GET /compare?run=…&run=…       runs held against each other
//	GET /artifacts/{key}           an object of the store (?plain to expand .zst)
//	GET /healthz                   200 while serving
//
// Every answer has an ETag. Artifacts never change, so they may be cached for
// ever; pages are asked for again.
package page
