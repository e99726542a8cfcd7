package script_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/cmd/fiord/script"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/inventory/side"
)

// generated is an event that points at files.
func generated(t *testing.T, store *artifacts.Store, files map[string]string) events.InventoryGenerated {
	t.Helper()
	d := events.InventoryGenerated{Inventory: events.HashID("i"), Complete: true, At: time.Now()}
	for name, text := range files {
		media := "text/plain"
		if strings.HasPrefix(text, "{\"template\"") {
			media = side.MediaTemplate
		}
		claim := artifactstest.Put(t, store, artifacts.InventoryKey(d.Inventory, name), media, text)
		d.Files = append(d.Files, events.Artifact{Name: name, ClaimCheck: claim})
	}
	diff := artifactstest.Put(t, store, artifacts.InventoryKey(d.Inventory, "diff.json"), "application/json", `{"added":1}`)
	d.Diff = &diff
	return d
}

// handle runs a command for an event and returns its output.
func handle(t *testing.T, c script.Command, d events.Data) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c.Stdout, c.Stderr, c.Environ = &out, t.Output(), os.Environ()
	err := c.Handle(t.Context(), &bus.Delivery{Event: events.New("fiord/test", "k", nil, d), Attempt: 3})
	return out.String(), err
}

func TestACommandGetsTheEventAndItsFiles(t *testing.T) {
	store := artifactstest.New(t)
	d := generated(t, store, map[string]string{"hosts.yaml": "all: {}\n", "side/agent.yml": "agent: 1\n"})
	out, err := handle(t, script.Command{Store: store, Args: []string{
		"sh", "-c", `cat {hosts.yaml} "$0" "$1" {diff}; echo; echo $FIORD_EVENT_TYPE $FIORD_EVENT_ATTEMPT; awk '{print}' | grep -o '"complete":true'`,
		"{side/agent.yml}", "{hosts.yaml}",
	}}, d)
	if err != nil {
		t.Fatal(err)
	}
	want := "all: {}\nagent: 1\nall: {}\n{\"added\":1}\ndev.fiord.inventory.generated.v1 3\n\"complete\":true\n"
	if out != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

func TestATemplateIsRenderedWithTheSecretHere(t *testing.T) {
	store := artifactstest.New(t)
	packed, deferred, err := side.Make("agent.yml", `key: {{secret "aws"}}`, side.Data{})
	if err != nil || !deferred {
		t.Fatalf("not deferred: %v", err)
	}
	d := generated(t, store, map[string]string{"hosts.yaml": "x"})
	claim := artifactstest.Put(t, store, artifacts.InventoryKey(d.Inventory, "side/agent.yml"), side.MediaTemplate, string(packed))
	d.Files = append(d.Files, events.Artifact{Name: "side/agent.yml", ClaimCheck: claim})
	c := script.Command{Store: store, Args: []string{"cat", "{side/agent.yml}"}, Secret: func(name string) (string, error) { return "the-" + name, nil }}
	if out, err := handle(t, c, d); err != nil || out != "key: the-aws" {
		t.Errorf("got %q, %v", out, err)
	}
	c.Secret = func(string) (string, error) { return "", errors.New("not given") }
	if _, err := handle(t, c, d); err == nil {
		t.Error("a missing secret must fail")
	}
}

func TestTheExitCodeSettles(t *testing.T) {
	store := artifactstest.New(t)
	d := generated(t, store, map[string]string{"hosts.yaml": "x"})
	dispose := func(args ...string) error {
		_, err := handle(t, script.Command{Store: store, Args: args, RetryAfter: time.Minute}, d)
		return err
	}
	if err := dispose("true"); err != nil {
		t.Errorf("exit code 0: %v", err)
	}
	var exit *exec.ExitError
	if err := dispose("sh", "-c", "exit 3"); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("exit code 3: %v", err)
	}
	if err := dispose("sh", "-c", "exit 75"); err == nil || !strings.Contains(err.Error(), "tried later") {
		t.Errorf("exit code 75: %v", err)
	}
	if err := dispose("no-such-command-anywhere"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("missing command: %v", err)
	}
	if err := dispose("cat", "{hosts.ini}"); !errors.Is(err, script.ErrNoFile) || !strings.Contains(err.Error(), "hosts.yaml") {
		t.Errorf("missing file: %v", err)
	}
}

func TestNothingIsLeftOfAnEvent(t *testing.T) {
	store := artifactstest.New(t)
	t.Setenv("TMPDIR", t.TempDir())
	if _, err := handle(t, script.Command{Store: store, Args: []string{"cat", "{hosts.yaml}"}}, generated(t, store, map[string]string{"hosts.yaml": "x"})); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestACommandThatIsStoppedTakesItsChildrenAlong(t *testing.T) {
	store := artifactstest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	c := script.Command{Store: store, Args: []string{"sh", "-c", "sleep 60 & wait"}, Environ: os.Environ()}
	begin := time.Now()
	err := c.Handle(ctx, &bus.Delivery{Event: events.New("fiord/test", "k", nil, generated(t, store, map[string]string{"a.txt": "x"}))})
	if err == nil || time.Since(begin) > 30*time.Second {
		t.Errorf("ended after %v with %v", time.Since(begin), err)
	}
}
