package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
)

func TestAJobIsMeasuredAndReported(t *testing.T) {
	f := startUp(t, t.TempDir())
	t.Run("summary", func(t *testing.T) {
		code, out, progress := f.command("run", jobFile(t), "--matrix", "iodepth=1,4", "--repeat=2")
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
		contains(t, out, "null.fio", "iodepth=1", "iodepth=4", "here", "read", f.conn.WebURL)
		contains(t, progress, "placed on 1 slot, 4 runs", "iodepth=4 repeat 2 on here: completed: read")
	})
	t.Run("listed by what is wanted", func(t *testing.T) {
		for flag, listed := range map[string]bool{"--name=nul*": true, "--name=other": false, "--host=here": true, "--host=there": false,
			"--state=baseline": true, "--state=running": false, "--repository=lab/*": false} {
			if _, out, _ := f.command("runs", flag); strings.Contains(out, "  null  ") != listed {
				t.Errorf("runs %s: %s", flag, out)
			}
		}
	})
	t.Run("versions", func(t *testing.T) {
		code, out, errs := f.command("version", "--json")
		var got versions
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Go == "" || got.NATS == "" {
			t.Errorf("exit code %d, %+v, %v, %s", code, got, err, errs)
		}
		_, out, _ = f.command("version")
		contains(t, out, "fiord ", "NATS "+got.NATS, "plot ")
	})
	t.Run("json", func(t *testing.T) {
		code, out, _ := f.command("run", jobFile(t), "--json", "--name", "j")
		var got result
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if code != 0 || got.Name != "j" || got.Counts.Completed != 1 || len(got.Rows) != 1 || got.Rows[0].IOPS < 1 || got.End != events.TypeBenchReported {
			t.Errorf("exit code %d, %+v", code, got)
		}
	})
	t.Run("detached, shown, listed, run again", func(t *testing.T) {
		_, out, _ := f.command("run", jobFile(t), "--detach")
		id := strings.TrimSpace(out)
		if !events.IsID(id) {
			t.Fatalf("%q is no id", id)
		}
		code, out, _ := f.command("rerun", id, "--json")
		var again result
		if err := json.Unmarshal([]byte(out), &again); err != nil || code != 0 || again.Bench == id {
			t.Errorf("rerun: exit code %d, %+v, %v", code, again, err)
		}
		f.command("watch", "--since=1h", "--bench", id, "--type=bench.reported", "-n=1")
		_, out, _ = f.command("show", id[:20])
		contains(t, out, "bench "+id)
		eventually(t, "the id to be offered", func() bool {
			_, out, _ = f.command("__complete", "show", id[:20])
			return strings.Contains(out, id+"\tnull, ")
		})
		_, out, _ = f.command("show", id)
		contains(t, out, "bench.requested", "bench.placed", "runs.requested", "run.started", "run.completed", "bench.reported")
		_, shown, _ := f.command("show", id, "--json")
		var chain struct {
			Chain []struct{ ID, Type, Subject string }
		}
		if err := json.Unmarshal([]byte(shown), &chain); err != nil || len(chain.Chain) == 0 {
			t.Fatalf("%v: %s", err, shown)
		}
		for _, e := range chain.Chain { // by a run, by an event
			if e.Type == string(events.TypeRunStarted) {
				_, out, _ = f.command("show", e.Subject)
				contains(t, out, "bench "+id, "run.started")
				_, out, _ = f.command("show", e.ID)
				contains(t, out, "chain "+chain.Chain[0].ID, "bench.requested", "bench.reported")
			}
		}
		code, out, stderr := f.command("diff", id, again.Bench)
		if code != 0 || !strings.Contains(out, "nothing differs") {
			t.Errorf("diff: exit code %d: %s%s", code, out, stderr)
		}
		_, out, _ = f.command("runs")
		contains(t, out, id, again.Bench, "1/1")
	})
	t.Run("page", func(t *testing.T) {
		_, out, _ := f.command("run", jobFile(t), "--json")
		var got result
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if status := get(t, got.URL); status != http.StatusOK {
			t.Errorf("GET %s: %d", got.URL, status)
		}
	})
}

func TestOutcomesThatAreNotWell(t *testing.T) {
	f := startUp(t, t.TempDir())
	t.Run("nobody matches", func(t *testing.T) {
		code, out, _ := f.command("run", jobFile(t), "--group", "nvme")
		if code != 5 {
			t.Errorf("exit code %d, want 5", code)
		}
		contains(t, out, "not placed", "nvme")
	})
	t.Run("refused by the host", func(t *testing.T) {
		code, out, _ := f.command("run", jobFile(t, "ioengine=psync", "rw=randwrite", "filename=/etc/passwd"))
		if code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		contains(t, out, "on here: rejected", "/etc/passwd")
	})
	t.Run("cancelled", func(t *testing.T) {
		_, out, _ := f.command("run", jobFile(t, "runtime=60"), "--detach")
		id := strings.TrimSpace(out)
		if code, _, _ := f.command("watch", "--since=1h", "--bench", id, "--type=run.started", "-n=1"); code != 0 {
			t.Fatalf("watch: exit code %d", code)
		}
		if code, _, _ := f.command("cancel", id, "--reason", "enough"); code != 0 {
			t.Fatalf("cancel: exit code %d", code)
		}
		f.command("watch", "--since=1h", "--bench", id, "--type=bench.cancelled", "-n=1")
		if code, _, stderr := f.command("cancel", id); code != 2 || !strings.Contains(stderr, "has ended already (cancelled)") {
			t.Errorf("cancelled again: exit code %d, %s", code, stderr)
		}
		_, out, _ = f.command("show", id)
		contains(t, out, "cancelled by", "enough")
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		var out, errs buffer
		p := program{environ: []string{"FIORD_DATA=" + f.dir}, stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
		ended := make(chan int)
		go func() { ended <- p.run(ctx, []string{"run", jobFile(t, "runtime=60")}) }()
		for !strings.Contains(errs.String(), "started") {
			time.Sleep(20 * time.Millisecond)
		}
		interrupt()
		if code := <-ended; code != 6 {
			t.Errorf("exit code %d, want 6", code)
		}
		contains(t, errs.String(), "cancelling bench")
		contains(t, out.String(), "interrupted at the keyboard")
	})
}
