package events

import (
	"embed"
	"fmt"
	"io/fs"
	"time"
)

//go:embed examples/*.json
var exampleFiles embed.FS

// Example is an event of one type as it goes over the wire, for documentation,
// for tests of consumers and to start a script from.
func Example(t Type) ([]byte, error) {
	if _, err := Parse(string(t)); err != nil {
		return nil, err
	}
	raw, err := fs.ReadFile(exampleFiles, "examples/"+t.Short()+".json")
	if err != nil {
		return nil, fmt.Errorf("read example of %s: %w", t, err)
	}
	return raw, nil
}

// Examples builds one event per type, in the order of the catalogue. Together
// they tell one story: a push that is measured and reported.
func Examples() []Event {
	push := New("fiord/ingest", "example", nil, PushReceived{Push: examplePush(), HeadMessage: "Measure reads", Pusher: "octo", Delivery: "72d3162e-cc78-11e3-81ab-4c9367dc0958"})
	bench := New("fiord/ingest", "randread", &push, exampleBench())
	run := exampleRun(BenchID(bench))
	var all []Event
	for _, data := range exampleData(run, BenchID(bench)) {
		e := New("fiord/"+data.EventType().Publishers()[0], "example", &bench, data)
		switch data.EventType() {
		case TypePushReceived:
			e = push
		case TypeBenchRequested:
			e = bench
		}
		e.Time = exampleTime
		all = append(all, e)
	}
	return all
}

var exampleTime = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

func exampleClaim(key, media string) ClaimCheck {
	return ClaimCheck{
		Bucket: "fiord", Key: key, Size: 512, MediaType: media,
		SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	}
}

func examplePush() Push {
	const before, after = "6113728f27ae82c7b1a177c8d03f9e96e0adf246", "59b20b8d5c6ff8d09518216e87bd1bfedc3e2b55"
	repo := Repo{
		Forge: "github", Name: "acme/storage", CloneURL: "https://github.com/acme/storage.git",
		WebURL: "https://github.com/acme/storage", DefaultBranch: "main",
	}
	return Push{Push: PushID(repo.Forge, repo.Name, "refs/heads/main", before, after, ""), Repo: repo, Ref: "refs/heads/main", Before: before, After: after}
}

func exampleOrigin() *Origin {
	p := examplePush()
	return &Origin{Repo: p.Repo, Push: p.Push, Ref: p.Ref, Commit: p.After}
}

func exampleBench() BenchRequested {
	claim := exampleClaim("jobs/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.fio", "text/plain")
	return BenchRequested{
		Name: "randread", Jobs: []Job{{Name: "jobs/randread.fio", Claim: &claim}},
		Matrix: map[string][]Scalar{"iodepth": {"1", "8", "32"}, "bs": {"4k", "64k"}}, Repeat: 5,
		Targets: Targets{Group: "nvme", Where: []string{"architecture==x86_64"}, Count: "all"},
		Limits:  Limits{CPUs: 2, Memory: 1 << 30, DeviceReadIOPS: map[string]uint64{"/dev/nvme0n1": 50000}},
		Volume:  "data@gold", Timeout: Duration(10 * time.Minute),
		Compare: &Compare{Baseline: "main", Metrics: []string{"iops", "p99"}, Threshold: "5%", Confirm: new(true)},
		Origin:  exampleOrigin(),
	}
}

func exampleRun(bench string) RunRef {
	point := Point{"bs": "4k", "iodepth": "32"}
	return RunRef{
		Bench: bench, Run: RunID(bench, 0, point.Key(), 0), Name: "randread", Job: "jobs/randread.fio",
		Point: point, Host: "db1.example.com", Attempt: 1,
	}
}

// exampleData is the data of one event per type, in the catalogue's order.
func exampleData(run RunRef, bench string) []Data {
	exit := 1
	push, origin := examplePush(), exampleOrigin()
	ended := exampleTime.Add(time.Minute)
	kept := []Artifact{{Name: "fio.json", ClaimCheck: exampleClaim("runs/"+run.Run+"/1/fio.json", "application/json")}}
	logs := exampleClaim("runs/"+run.Run+"/1/logs.json", "application/json")
	never := run
	never.Attempt = 0
	notice := Notice{Notice: HashID("notice", "team-chat", "example"), Target: "team-chat", Kind: "slack", Told: HashID("told"), ToldType: string(TypeBenchReported)}
	problem := []Problem{{File: "jobs/randread.fio", Line: 7, Column: 1, Rule: "directory", Option: "filename", Message: "/etc/passwd is outside the directories this host allows: /var/lib/fiord/data"}}
	return []Data{
		PushReceived{},
		PullReceived{Repo: Repo{Forge: "bitbucket", Name: "acme/storage", CloneURL: "https://bitbucket.org/acme/storage.git"}, Pull: Pull{Number: 17, Base: "main", Head: "bs-64k", HeadRepo: "octo/storage", HeadURL: "https://bitbucket.org/octo/storage.git", Fork: true}, Sender: "octo", Delivery: "c2b8dbe6-1a8b-4ff4-93b5-6b9f0a0b7a51"},
		PushIgnored{Push: push, Reason: "no file under jobs/** changed"},
		PushRejected{Push: push, Problems: []Problem{{File: "fiord.yaml", Line: 9, Column: 5, Rule: "syntax", Option: "repeats", Message: `unknown key "repeats": did you mean "repeat"?`}}},
		PushApproved{Push: push.Push, By: "octo", Requester: &Requester{RightPerson, "octo"}},
		ScheduleFired{Schedule: HashID("schedule"), Repo: push.Repo, Ref: "refs/heads/main", Expression: "0 3 * * *", Tick: exampleTime},
		BenchRequested{},
		BenchPlaced{Bench: bench, Name: "randread", Placement: exampleClaim("placements/"+bench+".json", "application/json"), Hosts: 2, Slots: 2, Runs: 60, Excluded: 1, PlacedAt: exampleTime, Deadline: exampleTime.Add(24 * time.Hour), Origin: origin},
		CancelRequested{Bench: bench, Reason: "a newer push to refs/heads/main", By: "fiord/ingest", SupersededBy: push.Push, QueuedOnly: true, Requester: &Requester{RightRepository, "acme/storage"}},
		RunsRequested{Bench: bench, Name: "randread", Host: run.Host, Runs: 30, List: exampleClaim("placements/"+bench+"/0.json", "application/json"), Where: []string{"architecture==x86_64"}, Deadline: exampleTime.Add(24 * time.Hour)},
		RunStarted{RunRef: run, Device: &Device{Path: "/dev/nvme0n1", Model: "Example NVMe", Serial: "S3R1AL", Size: 1 << 40, Scheduler: "none"}, HostClass: "x86_64-6.1-8cpu", Facts: map[string]string{"architecture": "x86_64"}, Expected: Duration(time.Minute)},
		RunCompleted{RunRef: run, StartedAt: exampleTime, EndedAt: ended, Summary: exampleSummary(), Integrity: Integrity{State: IntegrityOK}, Artifacts: kept, Logs: &logs},
		RunFailed{RunRef: run, Reason: "fio exited with status 1: no space left on /data", ExitCode: &exit, Stderr: "fio: ENOSPC on laying out file", EndedAt: ended, Artifacts: kept},
		RunRejected{RunRef: never, Problems: problem, EndedAt: ended},
		RunCancelled{RunRef: run, Reason: "a newer push to refs/heads/main", By: "fiord/ingest", EndedAt: ended},
		RunExpired{RunRef: never, Deadline: ended, Reason: "host db1.example.com was not seen since placement"},
		PlotsRendered{Bench: bench, Run: run.Run, Figures: []Artifact{{Name: "iops.svg", ClaimCheck: exampleClaim("plots/"+run.Run+"/iops.svg", "image/svg+xml")}}, URL: "http://127.0.0.1:8000/runs/" + run.Run},
		BenchReported{Bench: bench, Name: "randread", Verdict: VerdictRegressed, Headline: "Regressed, confirmed: read.iops at bs=4k,iodepth=32 -12.0% (p = 0.008, 5 against 5 runs), 1 of 1 comparison shifted.", Counts: Counts{Planned: 60, Completed: 60},
			Comparisons: []Comparison{{Job: run.Job, Point: run.Point.Key(), Host: run.Host, Metric: "read.iops", Verdict: VerdictRegressed, Unit: "iops", Before: 500000, After: 440000, Change: -0.12, Low: -0.14, High: -0.1, P: 0.008, NBefore: 5, NAfter: 5}},
			Reports:     []Artifact{{Name: "report.html", ClaimCheck: exampleClaim("reports/"+bench+"/report.html", "text/html")}}, URL: "http://127.0.0.1:8000/benches/" + bench, Origin: origin,
			Shift:        &Shift{Since: bench, Commit: origin.Commit, Reports: 1},
			Confirmation: &Confirmation{Bench: HashID("confirmation"), Outcome: OutcomeConfirmed, Reason: "measured again side by side, read.iops at bs=4k,iodepth=32 differs by -11.8%"}},
		BenchUnplaced{Bench: bench, Name: "randread", Problems: []Problem{{Rule: "where", Option: "targets.where[0]", Message: "no host of group nvme has architecture==x86_64; nearest: db2.example.com has aarch64"}}, Origin: origin},
		BenchCancelled{Bench: bench, Name: "randread", Reason: "a newer push to refs/heads/main", By: "fiord/ingest", Counts: Counts{Planned: 60, Completed: 12, Cancelled: 48}, Origin: origin},
		BaselineAccepted{Bench: bench, By: "octo", Reason: "new firmware, slower and safer", Requester: &Requester{RightPerson, "octo"}},
		DiscoveryRequested{Sources: []string{"aws"}, By: "schedule", Requester: &Requester{RightSchedule, "fiord/inventory"}},
		InstanceChanged{Provider: "aws", Account: "123456789012", Region: "eu-west-1", Instance: "i-0abcd1234ef567890", State: "running", At: exampleTime},
		InstancesDiscovered{Snapshot: exampleClaim("inventories/snapshots/1.json", "application/json"), Instances: 42, Sources: []SourceStatus{{Source: "aws", Account: "123456789012", Region: "eu-west-1", Instances: 42}}, Complete: true, At: exampleTime},
		InventoryGenerated{Inventory: HashID("inventory"), Files: []Artifact{{Name: "hosts.yaml", ClaimCheck: exampleClaim("inventories/1/hosts.yaml", "application/yaml")}}, Counts: InventoryCounts{Discovered: 42, Emitted: 40, Excluded: 2, Groups: 7, Added: 1}, Complete: true, At: exampleTime},
		HostLost{Host: run.Host, LastSeen: exampleTime, Running: []string{run.Run}},
		NoticeSent{Notice: notice},
		NoticeFailed{Notice: notice, Reason: "status 410 Gone: the hook was removed"},
		NoticeWithheld{Notice: notice, Reason: "silenced by kim until 2026-03-14T18:00:00Z: disk swap on db1", Silence: HashID("silence")},
	}
}

func exampleSummary() Summary {
	total := Latency{Of: "lat", Mean: 71000, P50: new(68096.0), P95: new(98816.0), P99: new(140288.0), P999: new(333824.0), P9999: new(1204224.0), Max: 9123456}
	read := Figures{
		IOPS: 440123.4, BandwidthBytes: 1.8e9, TotalIOs: 26407404, TotalBytes: 108164726784, RuntimeMS: 60000,
		Latency: new(total), Lat: &total,
		Clat: &Latency{Of: "clat", Mean: 70100, P50: new(67072.0), P95: new(97792.0), P99: new(138240.0), P999: new(329728.0), Max: 9121234},
		Slat: &Latency{Of: "slat", Mean: 900, Max: 41234},
	}
	sync := Figures{IOPS: 512.5, TotalIOs: 30750, RuntimeMS: 60000,
		Latency: &Latency{Of: "sync", Mean: 1.9e6, P50: new(1.8e6), P95: new(2.4e6), P99: new(3.1e6), P999: new(9.7e6), Max: 12345678}}
	return Summary{FioVersion: "fio-3.33", Read: &read, Sync: &sync, Sections: []Section{{
		Name: "randread", RuntimeMS: 60000, Copies: 4, Read: &read, Sync: &sync, CPUPerIO: new(2210.4), SwitchesPerIO: new(0.51),
	}}}
}
