package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

func TestScriptsPublishAndWatch(t *testing.T) {
	f := startUp(t, t.TempDir())
	request := `{"name":"scripted","jobs":[{"name":"a.fio","inline":"[a]\nioengine=null\nsize=1m\n"}]}`
	code, out, _ := command(t, request, []string{"FIORD_DATA=" + f.dir}, "publish", "bench.requested", "--data", "-", "--json")
	var published struct{ ID, Bench string }
	if err := json.Unmarshal([]byte(out), &published); err != nil || code != 0 {
		t.Fatalf("exit code %d: %v", code, err)
	}
	code, out, _ = f.command("watch", "--since=1h", "--bench", published.Bench, "--type=bench.reported", "-n=1", "--json")
	var got struct {
		Type string
		Data events.BenchReported
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Data.Bench != published.Bench || got.Data.Counts.Completed != 1 {
		t.Errorf("exit code %d, %+v, %v", code, got, err)
	}
	_, out, _ = f.command("hosts", "--facts")
	contains(t, out, "here", "alive", "default", "architecture==")
	if code, _, _ := f.command("dead", "ls"); code != 0 {
		t.Errorf("dead ls: exit code %d", code)
	}
	_, out, _ = f.command("schema", "run.completed")
	contains(t, out, `"integrity"`)
	_, out, _ = f.command("schema", "fiord.yaml")
	contains(t, out, `"benches"`, "2020-12")
	_, out, _ = f.command("schema")
	contains(t, out, "dev.fiord.bench.requested.v1")
}

func TestAScriptReactsDurably(t *testing.T) {
	f := startUp(t, t.TempDir())
	out := filepath.Join(t.TempDir(), "results")
	react := func(script string) (stop func() int, errs *buffer) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		errs = &buffer{}
		p := program{environ: append(os.Environ(), "FIORD_DATA="+f.dir, "OUT="+out), stdin: strings.NewReader(""), stdout: errs, stderr: errs}
		ended := make(chan int, 1)
		go func() {
			ended <- p.run(ctx, []string{"on", "run.completed", "--name=collect", "--attempts=2", "--", "sh", "-c", script, "{result.json}"})
		}()
		eventually(t, "the reaction to wait", func() bool { return strings.Contains(errs.String(), "on-collect waits") })
		return sync.OnceValue(func() int { cancel(); return <-ended }), errs
	}
	stop, _ := react(`grep -q '"' "$0" && echo $FIORD_EVENT_ID >> "$OUT"`)
	f.command("run", jobFile(t))
	eventually(t, "the first event", func() bool { return lines(out) == 1 })
	if code := stop(); code != 0 {
		t.Errorf("stopped with %d", code)
	}
	f.command("run", jobFile(t)) // while nobody listens
	stop, _ = react(`echo $FIORD_EVENT_ID >> "$OUT"`)
	eventually(t, "the event of the meantime", func() bool { return lines(out) == 2 })
	stop()
	stop, _ = react(`echo no luck >&2; exit 1`)
	f.command("run", jobFile(t))
	eventually(t, "a dead letter", func() bool {
		_, list, _ := f.command("dead", "ls", "--reaction", "on-collect")
		return strings.Contains(list, "exit status 1")
	})
	stop()
	stop, _ = react(`echo $FIORD_EVENT_ID >> "$OUT"`)
	if code, _, _ := f.command("dead", "redrive", "--reaction", "on-collect"); code != 0 {
		t.Errorf("redrive: exit code %d", code)
	}
	eventually(t, "the redriven event", func() bool { return lines(out) == 3 })
	stop()
	if code, _, stderr := f.command("on", "run.completed", "cat"); code != 2 || !strings.Contains(stderr, "then --, then a command") {
		t.Errorf("without --: exit code %d, %s", code, stderr)
	}
}

func lines(file string) int {
	text, _ := os.ReadFile(file) // missing: none yet
	return strings.Count(string(text), "\n")
}

// Step four of the old flow: the playbook runs on the hosts of the inventory,
// with the agent's configuration, whose secrets come from the environment.
func TestAPlaybookFollowsTheInventory(t *testing.T) {
	if _, err := exec.LookPath("ansible-playbook"); err != nil {
		missing(t, "ansible-playbook is missing: apt-get install ansible-core")
	}
	example, err := filepath.Abs("../../deploy/ansible/flocker")
	if err != nil {
		t.Fatal(err)
	}
	f := startUp(t, t.TempDir(), "--inventory.discovery="+filepath.Join(example, "discovery.yaml"), "--inventory.reconcile=0s")
	machines, err := os.ReadFile(filepath.Join(example, "testdata", "instances.json"))
	if err != nil {
		t.Fatal(err)
	}
	nodes := t.TempDir()
	playbook := filepath.Join(nodes, "site.yml")
	if err := os.WriteFile(playbook, []byte(`
- hosts: flocker_control_service:nodes
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {src: "{{ agent }}", dest: "`+nodes+`/{{ inventory_hostname }}.yml"}
    - ansible.builtin.copy: {content: "{{ inventory_hostname }}", dest: "`+nodes+`/control"}
      when: inventory_hostname in groups.flocker_control_service
`), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := append(os.Environ(), "FIORD_DATA="+f.dir, "AWS_ACCESS_KEY_ID=AKIAEXAMPLE", `AWS_SECRET_ACCESS_KEY=it's "secret"`, "ANSIBLE_LOCAL_TEMP="+t.TempDir(), "LC_ALL=C.UTF-8")
	ctx, cancel := context.WithCancel(t.Context())
	var out buffer
	p := program{environ: environ, stdin: strings.NewReader(""), stdout: &out, stderr: &out}
	ended := make(chan int, 1)
	go func() {
		ended <- p.run(ctx, []string{
			"on", "inventory.generated", "--attempts=1", "--", "ansible-playbook", "-i", "{hosts.yaml}", "-i", "{hosts.py}", playbook, "--extra-vars", "agent={side/agent.yml}",
		})
	}()
	eventually(t, "the reaction to wait", func() bool { return strings.Contains(out.String(), "waits for") })
	if code, _, _ := command(t, string(machines), environ, "discover", "-"); code != 0 {
		t.Fatalf("discover: exit code %d", code)
	}
	eventually(t, "the playbook", func() bool { return strings.Contains(out.String(), "PLAY RECAP") })
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
	want, err := os.ReadFile(filepath.Join(example, "testdata", "agent.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"192.0.2.10.yml": string(want), "192.0.2.12.yml": string(want), "control": "192.0.2.10"} {
		if got, err := os.ReadFile(filepath.Join(nodes, name)); err != nil || string(got) != content {
			t.Errorf("%s: %v, %q, want %q\n%s", name, err, got, content, out.String())
		}
	}
}

func TestWhatACloudPrintsBecomesAnInventory(t *testing.T) {
	f := startUp(t, t.TempDir())
	environ := []string{"FIORD_DATA=" + f.dir}
	described := `{"Reservations": [{"OwnerId": "123456789012", "Instances": [{"InstanceId": "i-0a1b2c3d", "InstanceType": "t3.micro",
		"State": {"Name": "running"}, "Placement": {"AvailabilityZone": "eu-west-1a"}, "PrivateIpAddress": "10.0.0.7",
		"LaunchTime": "2026-01-02T03:04:05Z", "Tags": [{"Key": "Name", "Value": "web"}]}]}]}`
	code, out, _ := command(t, described, environ, "discover", "-")
	if code != 0 || !strings.Contains(out, "1 instance in aws format") {
		t.Fatalf("exit code %d", code)
	}
	code, out, _ = f.command("watch", "--since=1h", "--type=inventory.generated", "-n=1", "--json")
	if code != 0 || !strings.Contains(out, "hosts.yaml") {
		t.Errorf("no inventory: exit code %d, %s", code, out)
	}
	for name, document := range map[string]string{"cut short": described[:200], "foreign": `{"hello": "world"}`, "empty": "", "nobody's": "[]"} {
		if code, _, _ := command(t, document, environ, "discover", "-"); code != 2 {
			t.Errorf("%s: exit code %d, want 2", name, code)
		}
	}
	if code, out, _ := command(t, "[]", environ, "discover", "-", "--name=aws"); code != 0 || !strings.Contains(out, "aws has no instances") {
		t.Fatalf("the last machine is gone: exit code %d", code)
	}
	eventually(t, "an inventory without machines", func() bool {
		_, out, _ := f.command("watch", "--since=1h", "--type=inventory.generated", "-n=2", "--json")
		return strings.Contains(out, `"emitted":0`)
	})
}

func TestSecretsComeFromFilesFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := program{environ: []string{"TOKEN=from the environment", "OTHER=other", "FIORD_S3_SECRET_KEY=fiord's own"}}
	lookup, err := p.secrets([]string{"TOKEN=" + file})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"TOKEN": "from the file", "OTHER": "other", "FIORD_S3_SECRET_KEY": "", "NONE": ""} {
		if got, err := lookup(name); got != want || (err == nil) != (want != "") {
			t.Errorf("secret %s: %q, %v; want %q", name, got, err, want)
		}
	}
}
