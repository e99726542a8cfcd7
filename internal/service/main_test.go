package service

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/internal/service/config"
)

// ownConfig is a service's configuration.
type ownConfig struct {
	Pools []string `config:"pools" help:"pools to work for"`
	Slow  bool     `config:"slow" help:"does not stop when asked"`
}

func (c ownConfig) Validate() error {
	if len(c.Pools) == 0 {
		return fmt.Errorf("pools is empty: name at least one")
	}
	return nil
}

// own tells standard output of its life; slow ignores the first signal.
type own struct{ slow bool }

func (o own) Run(ctx context.Context) error {
	fmt.Println("running")
	<-ctx.Done()
	fmt.Println("draining")
	if o.slow {
		select {}
	}
	return nil
}

func newOwn(c ownConfig, _ Deps) (own, error) { return own{c.Slow}, nil }

// mainVariable makes the test binary the program of a service.
const mainVariable = "SERVICE_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainVariable) != "" {
		os.Exit(Main("bench", ownConfig{Pools: []string{"default"}}, newOwn))
	}
	os.Exit(m.Run())
}

// execute runs a program in this process.
func execute(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := program[ownConfig, own]{
		name: "bench", own: ownConfig{Pools: []string{"default"}}, build: newOwn,
		environ: environ, stdout: &out, stderr: &errs,
	}
	code = p.run(t.Context(), args)
	return code, out.String(), errs.String()
}

func TestWrongSettingsEndBeforeAnythingStarts(t *testing.T) {
	keys := []string{"FIORD_S3_ACCESS_KEY=a", "FIORD_S3_SECRET_KEY=b"}
	for name, in := range map[string]struct {
		environ, args []string
		want          string
	}{
		"unknown flag":     {args: []string{"--polls=a"}, want: "unknown flag: --polls"},
		"argument":         {args: []string{"start"}, want: `unexpected argument "start"`},
		"missing S3 keys":  {want: "set FIORD_S3_ACCESS_KEY and FIORD_S3_SECRET_KEY"},
		"missing file":     {args: []string{"--config=none.yaml"}, want: "read configuration: open none.yaml"},
		"own Validate":     {environ: append(keys, "FIORD_BENCH_POOLS="), want: "bench: pools is empty: name at least one"},
		"unknown format":   {environ: append(keys, "FIORD_LOG_FORMAT=xml"), want: "want json or text"},
		"two NATS keys":    {environ: append(keys, "FIORD_NATS_NKEY_FILE=a", "FIORD_NATS_CREDS_FILE=b"), want: "choose one"},
		"half a key pair":  {environ: append(keys, "FIORD_NATS_CERT_FILE=a"), want: "belong together"},
		"replicas":         {environ: append(keys, "FIORD_NATS_REPLICAS=9"), want: "want 1 to 5"},
		"no NATS":          {environ: append(keys, "FIORD_NATS_URL="), want: "nats.url is empty"},
		"level":            {environ: append(keys, "FIORD_LOG_LEVEL=loud"), want: "FIORD_LOG_LEVEL: log.level is not a valid text"},
		"file in variable": {environ: append(keys, "FIORD_CONFIG=gone.yaml"), want: "open gone.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := execute(t, in.environ, in.args...)
			if code != exitSettings || !strings.Contains(stderr, in.want) {
				t.Errorf("code %d, want %d and %q in\n%s", code, exitSettings, in.want, stderr)
			}
		})
	}
}

func TestQuestionsAreAnsweredWithoutSettings(t *testing.T) {
	if code, out, _ := execute(t, nil, "--version"); code != 0 || out != Version()+"\n" {
		t.Errorf("--version: %d %q", code, out)
	}
	if code, _, help := execute(t, nil, "--help"); code != 0 || !strings.Contains(help, "--pools list") ||
		!strings.Contains(help, "--nats.url") || strings.Contains(help, "--s3.secret_key ") {
		t.Errorf("--help: %d\n%s", code, help)
	}
	readme := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(readme, []byte(config.TableBegin+"\n"+config.TableEnd+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := execute(t, nil, "--write-config-table", readme); code != 0 {
		t.Fatalf("--write-config-table: %d %s", code, stderr)
	}
	text, err := os.ReadFile(readme)
	if err != nil || !strings.Contains(string(text), "| `bench.pools` | `--pools` `FIORD_BENCH_POOLS` | `default` |") || strings.Contains(string(text), "nats.url") {
		t.Errorf("the table holds the service's own settings; got %v\n%s", err, text)
	}
}

func TestTheCommonTableIsThatOfTheDefaults(t *testing.T) {
	common := DefaultCommon()
	set, err := config.New([]config.Section{{Value: &common}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"`nats.url`", "`s3.secret_key_file`", "`log.level` | `--log.level` `FIORD_LOG_LEVEL` | `INFO`", "`admin.listen`", "`trace.endpoint`"} {
		if !strings.Contains(set.Markdown(""), want) {
			t.Errorf("no %s in\n%s", want, set.Markdown(""))
		}
	}
}

// start runs the program of a service as a process and waits until it serves.
func start(t *testing.T, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	nats, err := natsd.Start(natsd.Options{StoreDir: t.TempDir(), Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nats.Close)
	s3 := artifactstest.Start(t, t.TempDir()).Config()
	cmd := exec.Command(os.Args[0], append(args, "--admin.listen=127.0.0.1:0")...)
	cmd.Env = append(os.Environ(), mainVariable+"=1", "FIORD_NATS_URL="+nats.URL(), "FIORD_S3_ENDPOINT="+s3.Endpoint,
		"FIORD_S3_ACCESS_KEY="+s3.AccessKey, "FIORD_S3_SECRET_KEY="+s3.SecretKey)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewReader(out)
	expect(t, lines, "running")
	return cmd, lines
}

func expect(t *testing.T, lines *bufio.Reader, want string) {
	t.Helper()
	if line, err := lines.ReadString('\n'); line != want+"\n" {
		t.Fatalf("got %q, %v; want %q", line, err, want)
	}
}

func TestASignalDrains(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		cmd, lines := start(t)
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		expect(t, lines, "draining")
		if _, err := lines.ReadByte(); err != io.EOF {
			t.Errorf("output goes on: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v, want exit code 0", signal, err)
		}
	}
}

func TestASecondSignalKills(t *testing.T) {
	cmd, lines := start(t, "--slow")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	expect(t, lines, "draining")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	// The handler is taken back in a goroutine of its own after the first signal; one
	// that arrives earlier is swallowed by it.
	for end := time.Now().Add(time.Minute); ; {
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
		}
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error says that it has ended
		select {
		case <-ended:
		case <-time.After(100 * time.Millisecond):
			continue
		}
		break
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v, want killed by SIGTERM", cmd.ProcessState)
	}
}
