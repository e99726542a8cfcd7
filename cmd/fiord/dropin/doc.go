// Package dropin is fio-tools' commands as they were, on fiord's parsers, guard
// and figures: for people who have scripts and manifests that start them.
//
//	fiotools-aio            runs JOBFILES, draws, and serves everything on port 8000
//	fio-tool                runs JOBFILES
//	fio-genplots            draws from the logs in the working directory
//	fio-plotserve [DIR]     serves a folder on port 8000
//
// What was asked for through the environment is asked for alike, and results
// lie on the volume under the names they had. What was wrong is mended: the exit
// code is fio's, names may have spaces, logs need not be asked for, a setting
// that is wrong is told before anything is deleted, and a job may write only to
// what was mounted for it. The guide docs/guides/drop-in.md is the whole list.
package dropin
