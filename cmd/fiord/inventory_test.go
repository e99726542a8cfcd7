package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const described = `{"Reservations": [{"OwnerId": "123456789012", "Instances": [
	{"InstanceId": "i-1", "State": {"Name": "running"}, "Placement": {"AvailabilityZone": "eu-west-1a"}, "PrivateIpAddress": "10.0.0.1",
	 "Tags": [{"Key": "Name", "Value": "web"}, {"Key": "Role", "Value": "web"}]},
	{"InstanceId": "i-2", "State": {"Name": "running"}, "Placement": {"AvailabilityZone": "eu-west-1a"}, "PrivateIpAddress": "10.0.0.2",
	 "Tags": [{"Key": "Name", "Value": "db"}]},
	{"InstanceId": "i-3", "State": {"Name": "running"}, "Placement": {"AvailabilityZone": "us-east-1a"}, "PrivateIpAddress": "10.0.0.3"}]}]}`

// inventoryConfig is a configuration of Ansible's plugin, in a file.
func inventoryConfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lab.aws_ec2.yml")
	if err := os.WriteFile(path, []byte(`
plugin: amazon.aws.aws_ec2
regions: [eu-west-1]
hostnames: ['tag:Name']
keyed_groups: [{key: tags.Role, prefix: role}]
groups: {databases: tags.Name == 'db'}
compose: {ansible_host: private_ip_address, tier: tags.Role | default('none')}
colour: blue
`), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInventoryNeedsNoServer(t *testing.T) {
	config := inventoryConfig(t)
	inventory := func(args ...string) (code int, stdout, stderr string) {
		return command(t, described, []string{"TOKEN=s3cret"}, append([]string{"inventory", "-"}, args...)...)
	}
	code, out, err := inventory("--config", config)
	if code != 0 || !strings.Contains(out, "[role_web]\nweb\n") || !strings.Contains(out, "tier=") {
		t.Errorf("INI: exit code %d, %s", code, out)
	}
	for _, want := range []string{"2 hosts", "left out 1: region us-east-1 is not among the regions of source aws_ec2", `there is no option "colour"`, "keyed_groups[0]: "} {
		if !strings.Contains(err, want) {
			t.Errorf("standard error lacks %q:\n%s", want, err)
		}
	}
	for format, want := range map[string]string{"yaml": "hosts:", "json": `"hosts":`, "script": `"_meta":`} {
		if code, out, _ := inventory("--config", config, "--format", format); code != 0 || !strings.Contains(out, want) {
			t.Errorf("%s: exit code %d, %s", format, code, out)
		}
	}
	if _, out, _ := inventory("--config", config, "--graph"); !strings.Contains(out, "  |--@role_web:\n  |  |--web\n") {
		t.Errorf("graph: %s", out)
	}
	for name, want := range map[string]string{
		"db":       "no group of keyed_groups[0], tags.Role, which has no value",
		"i-3":      "i-3 is out: region us-east-1",
		"web":      `hostnames[0], tag:Name, is "web"`,
		"10.0.0.2": "in databases: tags.Name == 'db'",
	} {
		if code, out, _ := inventory("--config", config, "--explain", name); code != 0 || !strings.Contains(out, want) {
			t.Errorf("explain %s: exit code %d, %s", name, code, out)
		}
	}
	dir := t.TempDir()
	template := filepath.Join(dir, "agent.tmpl")
	if err := os.WriteFile(template, []byte(`{{ .Control.Address }} {{ secret "TOKEN" }}`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, err = inventory("--config", config, "--template", "agent.yml="+template, "--output", dir)
	agent, failed := os.ReadFile(filepath.Join(dir, "agent.yml"))
	if code != 0 || failed != nil || string(agent) != "10.0.0.1 s3cret" {
		t.Errorf("template: exit code %d, %v, %q, %s", code, failed, agent, err)
	}
	for name, args := range map[string][]string{
		"format": {"--format", "xml"}, "host": {"--explain", "nobody"}, "template": {"--template", "../a=b"}, "config": {"--config", "none.yml"},
	} {
		if code, _, err := inventory(args...); code != 2 || err == "" {
			t.Errorf("a wrong %s: exit code %d, %s", name, code, err)
		}
	}
	if code, _, err := command(t, described[:100], nil, "inventory", "-"); code != 2 || !strings.Contains(err, "cut short") {
		t.Errorf("a document cut short: exit code %d, %s", code, err)
	}
}

// Ansible runs an inventory that is a program with --list and --host.
func TestInventoryIsAnInventoryScript(t *testing.T) {
	_, out, _ := command(t, described, nil, "inventory", "-", "--config", inventoryConfig(t), "--list")
	_, host, _ := command(t, described, nil, "inventory", "-", "--config", inventoryConfig(t), "--host", "web")
	var vars map[string]any
	if err := json.Unmarshal([]byte(host), &vars); err != nil || vars["ansible_host"] != "10.0.0.1" {
		t.Errorf("--host web: %v, %s", err, host)
	}
	ansible, err := exec.LookPath("ansible-inventory")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("ansible-inventory is missing: apt-get install ansible-core")
		}
		t.Skip("ansible-inventory is missing: apt-get install ansible-core")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "list.json"), []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "hosts")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexec cat \"$(dirname \"$0\")/list.json\"\n"), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	c := exec.Command(ansible, "-i", script, "--host", "db") //nolint:gosec // from the path
	c.Env = append(os.Environ(), "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=1", "HOME="+dir)
	got, err := c.Output()
	if err != nil || !strings.Contains(string(got), `"ansible_host": "10.0.0.2"`) {
		t.Errorf("ansible-inventory: %v, %s", err, got)
	}
	play := filepath.Join(dir, "site.yml")
	if err := os.WriteFile(play, []byte("- hosts: role_web\n  gather_facts: false\n  connection: local\n  tasks: [{debug: {msg: 'tier {{ tier }}'}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = exec.Command("ansible-playbook", "-i", script, play) //nolint:gosec // ours
	c.Env = append(os.Environ(), "HOME="+dir)
	if got, err := c.CombinedOutput(); err != nil || !strings.Contains(string(got), "tier web") {
		t.Errorf("ansible-playbook: %v, %s", err, got)
	}
}

func TestNewestInventoryIsShown(t *testing.T) {
	f := startUp(t, t.TempDir())
	if code, _, err := f.command("inventory"); code == 0 || !strings.Contains(err, "there is no inventory yet") {
		t.Errorf("before the first: exit code %d, %s", code, err)
	}
	environ := []string{"FIORD_DATA=" + f.dir}
	// It waits for the inventory, and says what changed.
	if code, out, err := command(t, described, environ, "discover", "-"); code != 0 || !strings.Contains(out, "3 hosts, 1 group, 0 left out; 3 added") {
		t.Fatalf("discover: exit code %d, %s, %s", code, out, err)
	}
	if code, out, err := command(t, described, environ, "discover", "-"); code != 0 || !strings.Contains(out, "as before: 3 hosts") {
		t.Fatalf("discover again: exit code %d, %s, %s", code, out, err)
	}
	if code, out, _ := f.command("inventory"); code != 0 || !strings.Contains(out, "3 hosts") {
		t.Errorf("the newest inventory: exit code %d, %s", code, out)
	}
	if code, _, err := command(t, "", environ, "discover", "--wait", "90s"); code == 0 || !strings.Contains(err, "no sources are configured") {
		t.Errorf("without sources: exit code %d, %s", code, err)
	}
	// The next region's document adds to it.
	next := `[{"InstanceId": "i-9", "State": {"Name": "running"}, "Placement": {"AvailabilityZone": "us-west-2a"}, "PrivateIpAddress": "10.0.0.9"}]`
	if code, out, err := command(t, next, environ, "discover", "-"); code != 0 || !strings.Contains(out, "4 hosts, 1 group, 0 left out; 1 added") || !strings.Contains(out, "\n+ 10.0.0.9\n") {
		t.Fatalf("discover: exit code %d, %s, %s", code, out, err)
	}
	if code, out, _ := f.command("inventory", "--explain", "i-9"); code != 0 || !strings.Contains(out, "is the host 10.0.0.9") {
		t.Errorf("explain: exit code %d, %s", code, out)
	}
	if code, out, _ := f.command("inventory", "--host", "10.0.0.9"); code != 0 || !strings.Contains(out, `"instance_id"`) {
		t.Errorf("--host: exit code %d, %s", code, out)
	}
}
