package hostile_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// belongings is a folder that no job may touch, with a file in it.
func belongings(t *testing.T) string {
	t.Helper()
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "file-of-root"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if b, err := os.ReadFile(filepath.Join(outside, "file-of-root")); err != nil || string(b) != "mine" {
			t.Errorf("the file outside now holds %q, %v", b, err)
		}
		if all, err := os.ReadDir(outside); err != nil || len(all) != 1 {
			t.Errorf("the folder outside now holds %v, %v", all, err)
		}
	})
	return outside
}

// What jobs try without a volume; OUT is a folder that they were not given. One
// that says nothing runs: fiord puts its logs elsewhere.
var jobsThatReachOut = map[string]struct{ job, says string }{
	"overwrite":              {"filename=OUT/file-of-root\nrw=write\nbs=64\nsize=64", "OUT"},
	"overwrite, by a folder": {"directory=OUT\nfilename=file-of-root\nrw=write\nbs=64\nsize=64", "OUT"},
	"overwrite, by a list":   {"filename=own:OUT/file-of-root\nrw=write\nbs=64\nsize=128", "OUT"},
	"overwrite, climbing":    {"filename=../../../../../../../..OUT/file-of-root\nrw=write\nbs=64\nsize=64", "file-of-root"},
	"remove":                 {"filename=OUT/file-of-root\nrw=read\nbs=4\nsize=4\nunlink=1", "OUT"},
	"remove, each loop":      {"filename=OUT/file-of-root\nrw=read\nbs=4\nsize=4\nunlink_each_loop=1", "OUT"},
	"truncate":               {"filename=OUT/file-of-root\nioengine=ftruncate\nrw=write\nsize=1", "OUT"},
	"make files":             {"directory=OUT\nioengine=filecreate\nfilesize=4k\nnrfiles=4", "OUT"},
	"log":                    {"ioengine=null\nrw=read\nsize=4k\nwrite_bw_log=OUT/log", ""},
	"trace":                  {"filename=t\nrw=write\nsize=4k\nwrite_iolog=OUT/trace", "OUT"},
	"replay":                 {"read_iolog=OUT/file-of-root", "replayed trace"},
	"state of verification":  {"filename=t\nrw=write\nsize=4k\nverify=crc32c\nverify_state_save=1\nwrite_iolog=OUT/state", "OUT"},
	"command before":         {"ioengine=null\nrw=read\nsize=4k\nexec_prerun=touch OUT/ran", "runs the command"},
	"command after":          {"ioengine=null\nrw=read\nsize=4k\nexec_postrun=touch OUT/ran", "runs the command"},
	"command as an engine":   {"ioengine=exec\nprogram=/bin/touch\narguments=OUT/ran", "runs the command"},
	"library as an engine":   {"ioengine=external:OUT/file-of-root\nrw=read\nsize=4k", "into fio"},
}

func TestJobsThatReachForTheHostAreRefused(t *testing.T) {
	f := startFiord(t, t.TempDir())
	outside := belongings(t)
	for name, tt := range jobsThatReachOut {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x.fio")
			text := strings.ReplaceAll("[x]\n"+tt.job+"\n", "OUT", outside)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := f.run("run", file)
			if says := strings.ReplaceAll(tt.says, "OUT", outside); says == "" && !strings.Contains(out, "completed") || says != "" && (err == nil || !strings.Contains(out, says)) {
				t.Errorf("%v, want an error that names %s:\n%s", err, says, out)
			}
		})
	}
}

// pushed is a fiord.yaml with one bench, and what else it says of it.
func pushed(more string) string {
	return "version: 1\non:\n  push: {branches: [main]}\nbenches:\n  - name: x\n    jobs: [jobs/x.fio]\n" + more
}

func TestPushesThatReachForTheHostAreRefused(t *testing.T) {
	f := startFiord(t, t.TempDir())
	repo, outside, stream := f.repository(), belongings(t), f.watch()
	const overwrite = "[x]\nfilename=file-of-root\nrw=write\nbs=64\nsize=64\nioengine=psync\n"
	type push struct{ yaml, job, says string }
	pushes := map[string]push{
		"a bind":                   {pushed("    volume: innocent\n    volume_driver: local\n    volume_options: {type: none, o: bind, device: OUT}\n"), overwrite, "device=OUT"},
		"a bind without a driver":  {pushed("    volume: innocent\n    volume_options: {o: rbind, device: OUT}\n"), overwrite, "o=rbind"},
		"a bind, from the root on": {pushed("    volume: innocent\n    volume_options: {type: none, o: bind, device: ROOTLESS}\n"), overwrite, "device="},
		"an overlay":               {pushed("    volume: innocent\n    volume_options: {type: overlay, device: overlay, o: lowerdir=OUT}\n"), overwrite, "o=lowerdir="},
		"a driver's own option":    {pushed("    volume: innocent\n    volume_driver: local-persist\n    volume_options: {mountpoint: OUT}\n"), overwrite, "local-persist"},
		"a name that is a path":    {pushed("    volume: OUT\n"), overwrite, "is a path, not a name"},
		"a name that climbs":       {pushed("    volume: a/../../etc@gold\n"), overwrite, "leads out"},
		"the kernel's":             {pushed("    volume: innocent\n    volume_options: {type: proc, device: proc}\n"), overwrite, "file system of the kernel"},
		"options alone":            {pushed("    volume_options: {o: bind, device: OUT}\n"), overwrite, "stand without a volume"},
		"memory without end":       {pushed("    limits: {memory: 1000TiB}\n"), "[x]\nioengine=null\nrw=read\nsize=4k\n", "bench.max_memory"},
		"an option without a name": {pushed("    volume: innocent\n    volume_options: {\"\": \"\"}\n"), overwrite, "is no name of an option"},
		"memory for nothing":       {pushed("    limits: {memory: 1MiB}\n"), "[x]\nioengine=null\nrw=read\nsize=4k\n", "at least 6MiB"},
		"processes without end":    {pushed("    limits: {pids: 1000000000}\n"), "[x]\nioengine=null\nrw=read\nsize=4k\n", "limits.pids is 1000000000"},
		"a rate of what is none":   {pushed("    limits: {device_read_iops: {/etc/passwd: 1}}\n"), "[x]\nioengine=null\nrw=read\nsize=4k\n", "which is no device"},
		"a job by the matrix":      {pushed("    matrix: {filename: [OUT/file-of-root]}\n"), "[x]\nrw=write\nsize=64\nbs=64\n", "OUT"},
		"a command by the matrix":  {pushed("    matrix: {exec_prerun: [touch OUT/ran]}\n"), "[x]\nioengine=null\nrw=read\nsize=4k\n", "exec_prerun"},
		"a log by the matrix":      {pushed("    matrix: {write_bw_log: [OUT/log]}\n"), "[x]\nioengine=null\nrw=read\nsize=4k\n", "write_bw_log"},
	}
	for name, tt := range jobsThatReachOut {
		if name == "overwrite" || name == "remove" || name == "log" || name == "command before" { // the rest as jobs
			pushes[name] = push{pushed(""), "[x]\n" + tt.job + "\n", tt.says}
		}
	}
	fill := strings.NewReplacer("ROOTLESS", strings.TrimPrefix(outside, "/"), "OUT", outside)
	for name, tt := range pushes {
		t.Run(name, func(t *testing.T) {
			commit := repo.push(fill.Replace(tt.yaml), fill.Replace(tt.job))
			kind, said := refusal(t, stream, commit)
			if !strings.Contains(said, fill.Replace(tt.says)) {
				t.Errorf("%s: %s\nwant %q", kind, said, fill.Replace(tt.says))
			}
		})
	}
}

// refusal waits for what refuses a push, and fails if a run of it completes.
func refusal(t *testing.T, stream *json.Decoder, commit string) (kind, said string) {
	t.Helper()
	chain := ""
	for {
		var e seen
		if err := stream.Decode(&e); err != nil {
			t.Fatal(err)
		}
		kind = strings.TrimSuffix(strings.TrimPrefix(e.Type, "dev.fiord."), ".v1")
		var d struct {
			After    string
			Problems []events.Problem
		}
		if err := json.Unmarshal(e.Data, &d); err != nil {
			t.Fatal(err)
		}
		if d.After == commit {
			chain = e.CorrelationID
			if chain == "" {
				chain = e.ID
			}
		}
		if chain == "" || e.CorrelationID != chain && e.ID != chain {
			continue
		}
		switch kind {
		case "push.rejected", "run.rejected", "bench.unplaced":
			for _, p := range d.Problems {
				said += fmt.Sprintf("%s:%d %s %s: %s\n", p.File, p.Line, p.Rule, p.Option, p.Message)
			}
			return kind, said
		case "run.completed", "run.failed", "push.ignored":
			return kind, string(e.Data)
		}
	}
}
