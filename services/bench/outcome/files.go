package outcome

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/hostseries"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// Files of an attempt beside the runner's own.
const (
	EnvironmentFile  = "environment.json"
	ResultFile       = "result.json"
	PreconditionJob  = "precondition.fio"  // the job that filled the target
	PreconditionFile = "precondition.json" // fio's report of it
)

const (
	plainText = "text/plain; charset=utf-8"
	jsonText  = "application/json"
)

// kept are the files that a run keeps, in this order; its logs follow.
var kept = []spool.File{
	{Name: runner.JobFile, MediaType: plainText},
	{Name: runner.OutputFile, MediaType: jsonText},
	{Name: ResultFile, MediaType: jsonText},
	{Name: runner.StderrFile, MediaType: plainText},
	{Name: EnvironmentFile, MediaType: jsonText},
	{Name: hostseries.File, MediaType: "text/csv; charset=utf-8"},
	{Name: PreconditionJob, MediaType: plainText},
	{Name: PreconditionFile, MediaType: jsonText},
}

// Files lists what of an attempt's folder is kept. Empty files are left out.
func Files(dir string) ([]spool.File, error) {
	var files []spool.File
	for _, f := range kept {
		if info, err := os.Stat(filepath.Join(dir, f.Name)); err == nil && info.Size() > 0 {
			files = append(files, f)
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, runner.LogDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list logs: %w", err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			files = append(files, spool.File{Name: runner.LogDir + "/" + e.Name(), MediaType: "text/csv", Compress: true})
		}
	}
	return files, nil
}
