package config_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/service/config"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// common and worker stand for the settings of a program.
type common struct {
	Listen string        `config:"listen" help:"where to listen"`
	Wait   time.Duration `config:"wait" help:"how long to wait"`
}

type worker struct {
	Pools  []string          `config:"pools" help:"pools to work for"`
	Limit  events.Bytes      `config:"limit" help:"most bytes | at once"`
	Rate   float64           `config:"rate" help:"per second"`
	Slots  int               `config:"slots" help:"runs at a time"`
	Eager  bool              `config:"eager" help:"start at once"`
	Labels map[string]string `config:"labels" help:"facts to add"`
	Token  config.Secret     `config:"token" help:"shared secret"`
	Docker docker            `config:"docker"`
	Hooks  []hook            `config:"hooks" help:"adapters, in order"`
}

type docker struct {
	Image string `config:"image" help:"image that has fio"`
}

type hook struct {
	URL     string        `config:"url"`
	Timeout time.Duration `config:"timeout"`
	Key     config.Secret `config:"key"`
}

func (w worker) Validate() error {
	if w.Slots < 1 {
		return fmt.Errorf("slots is %d: want at least 1", w.Slots)
	}
	return nil
}

func defaults() (common, worker) {
	return common{Listen: "127.0.0.1:0", Wait: 90 * time.Second},
		worker{Pools: []string{"default"}, Limit: 32 << 10, Slots: 1, Docker: docker{Image: "fiord-fio"}}
}

// load reads a file's text, variables and arguments over the defaults.
func load(t testing.TB, file string, environ []string, args ...string) (common, worker, error) {
	t.Helper()
	c, w := defaults()
	set, err := config.New([]config.Section{
		{Value: &c}, {Name: "bench", Value: &w, Bare: true},
	}, "plot", "ingest", "bench")
	if err != nil {
		t.Fatal(err)
	}
	flags := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	set.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	src := config.Source{Environ: environ, Flags: flags}
	if file != "" {
		src.File = filepath.Join(t.TempDir(), "fiord.yaml")
		write(t, src.File, file)
	}
	return c, w, set.Load(src)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEveryKindOfSettingIsReadFromEveryLayer(t *testing.T) {
	wantCommon := common{Listen: ":1", Wait: 5 * time.Minute}
	wantWorker := worker{
		Pools: []string{"nvme", "ssd"}, Limit: 3 << 20, Rate: 0.5, Slots: 4, Eager: true,
		Labels: map[string]string{"rack": "7", "row": "b"}, Docker: docker{Image: "x"},
	}
	for name, in := range map[string]struct {
		file    string
		environ []string
		args    []string
	}{
		"file": {file: `
listen: ":1"
wait: 5m
bench:
  pools: [nvme, ssd]
  limit: 3MiB
  rate: 0.5
  slots: 4
  eager: true
  labels: {rack: 7, row: b}
  docker: {image: x}
`},
		"environment": {environ: []string{
			"FIORD_LISTEN=:1", "FIORD_WAIT=5m", "FIORD_BENCH_POOLS=nvme, ssd", "FIORD_BENCH_LIMIT=3MiB", "FIORD_BENCH_RATE=0.5",
			"FIORD_BENCH_SLOTS=4", "FIORD_BENCH_EAGER=true", "FIORD_BENCH_LABELS=rack=7,row=b", "FIORD_BENCH_DOCKER_IMAGE=x",
		}},
		"flags": {args: []string{
			"--listen=:1", "--wait", "5m", "--pools", "nvme", "--pools", "ssd", "--limit=3MiB", "--rate=0.5",
			"--slots=4", "--eager", "--labels", "rack=7", "--labels=row=b", "--docker.image=x",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c, w, err := load(t, in.file, in.environ, in.args...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wantCommon, c); diff != "" {
				t.Errorf("common (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(wantWorker, w); diff != "" {
				t.Errorf("worker (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLaterLayersWin(t *testing.T) {
	file := "wait: 1s\nbench: {slots: 2, rate: 2, pools: [file, other]}\n"
	environ := []string{"FIORD_BENCH_SLOTS=3", "FIORD_BENCH_RATE=3"}
	c, w, err := load(t, file, environ, "--slots=4")
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:0" || c.Wait != time.Second || w.Rate != 3 || w.Slots != 4 {
		t.Errorf("got %+v %+v", c, w)
	}
	if diff := cmp.Diff([]string{"file", "other"}, w.Pools); diff != "" {
		t.Errorf("a list of the file must replace the default (-want +got):\n%s", diff)
	}
}

func TestMistakesAreToldWithTheirPlaceAndRemedy(t *testing.T) {
	for name, in := range map[string]struct {
		file    string
		environ []string
		args    []string
		want    string
	}{
		"unknown key":            {file: "bench:\n  polls: [a]\n", want: "fiord.yaml:2: bench.polls is not a setting, did you mean pools?"},
		"unknown section":        {file: "bensh: {}\n", want: "fiord.yaml:1: bensh is not a setting, did you mean bench?"},
		"nothing close":          {file: "zzzzzzzz: 1\n", want: "fiord.yaml:1: zzzzzzzz is not a setting"},
		"unknown in a list":      {file: "bench:\n  hooks:\n  - url: x\n    timout: 1s\n", want: "fiord.yaml:4: bench.hooks[0].timout is not a setting, did you mean timeout?"},
		"unknown variable":       {environ: []string{"FIORD_BENCH_SLOT=1"}, want: "FIORD_BENCH_SLOT is not a setting, did you mean FIORD_BENCH_SLOTS?"},
		"duration without unit":  {file: "wait: 30\n", want: `fiord.yaml:1: wait is not a valid duration`},
		"bad number":             {environ: []string{"FIORD_BENCH_SLOTS=many"}, want: `FIORD_BENCH_SLOTS: bench.slots is not a valid int: "many"`},
		"bad size":               {args: []string{"--limit=3 parsecs"}, want: "--limit: bench.limit is not a valid size"},
		"map for a list":         {file: "bench: {pools: {a: b}}\n", want: "fiord.yaml:1: bench.pools: want a list"},
		"list for text":          {file: "listen: [a]\n", want: "fiord.yaml:1: listen: want a text"},
		"text for a section":     {file: "bench: hello\n", want: "fiord.yaml:1: bench: want keys and values"},
		"not a mapping":          {file: "- a\n", want: "fiord.yaml:1: top level: want keys and values"},
		"key twice":              {file: "wait: 1s\nwait: 2s\n", want: "wait"},
		"secret in the file":     {file: "bench: {token: abc}\n", want: "bench.token is a secret: name a file with bench.token_file, or set FIORD_BENCH_TOKEN"},
		"secret in a list":       {file: "bench:\n  hooks: [{key: abc}]\n", want: "is a secret: name a file with key_file or a variable with key_env"},
		"secret file is missing": {file: "bench: {token_file: none}\n", want: "fiord.yaml:1: read secret: open"},
		"alias":                  {file: "listen: &a x\nwait: *a\n", want: "anchors and aliases are not read here"},
		"broken YAML":            {file: "listen: [\n", want: "fiord.yaml"},
		"judged as a whole":      {args: []string{"--slots=0"}, want: "bench: slots is 0: want at least 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, in.file, in.environ, in.args...)
			if err == nil || !strings.Contains(err.Error(), in.want) {
				t.Errorf("got error %v\nwant one with %q", err, in.want)
			}
		})
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	_, _, err := load(t, "a: 1\nb: 2\n", []string{"FIORD_NO=1"})
	if err == nil || strings.Count(err.Error(), "is not a setting") != 3 {
		t.Errorf("got %v, want three lines", err)
	}
}

func TestSettingsOfOthersAreLetThrough(t *testing.T) {
	_, w, err := load(t, "plot: {anything: [1]}\nbench: {slots: 2}\n", []string{
		"FIORD_INGEST_LISTEN=:8080", "FIORD_INGEST=x", "FIORD_CONFIG=/etc/fiord.yaml", "FIORD_TEST_S3_ENDPOINT=x", "PATH=/bin",
		// what Kubernetes adds for a Service called fiord-nats
		"FIORD_NATS_SERVICE_HOST=10.0.0.1", "FIORD_NATS_SERVICE_PORT_CLIENT=4222", "FIORD_NATS_PORT=tcp://10.0.0.1:4222",
		"FIORD_NATS_PORT_4222_TCP_ADDR=10.0.0.1",
	})
	if err != nil || w.Slots != 2 {
		t.Errorf("got %+v, %v", w, err)
	}
}

func TestSecretsComeFromFilesAndTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "token")
	write(t, secret, "s3cret\n")
	t.Setenv("HOOK_KEY", "hook")
	for name, in := range map[string]struct {
		file    string
		environ []string
		args    []string
	}{
		"file key":      {file: "bench: {token_file: " + secret + "}\n"},
		"variable":      {environ: []string{"FIORD_BENCH_TOKEN=s3cret"}},
		"file variable": {environ: []string{"FIORD_BENCH_TOKEN_FILE=" + secret}},
		"flag":          {args: []string{"--token-file", secret}},
	} {
		t.Run(name, func(t *testing.T) {
			_, w, err := load(t, in.file, in.environ, in.args...)
			if err != nil || w.Token.Reveal() != "s3cret" {
				t.Errorf("got %q, %v", w.Token.Reveal(), err)
			}
		})
	}
	_, w, err := load(t, "bench:\n  hooks:\n  - {url: a, key_file: "+secret+"}\n  - {url: b, timeout: 2s, key_env: HOOK_KEY}\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []hook{{URL: "a", Key: config.NewSecret("s3cret")}, {URL: "b", Timeout: 2 * time.Second, Key: config.NewSecret("hook")}}
	if diff := cmp.Diff(want, w.Hooks); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
}

func TestSettingsThatCouldBeMistakenForEachOtherAreRefused(t *testing.T) {
	var twins struct {
		A struct {
			B string `config:"b"`
		} `config:"a"`
		AB string `config:"a_b"`
	}
	if _, err := config.New([]config.Section{{Value: &twins}}); err == nil || !strings.Contains(err.Error(), "share the variable FIORD_A_B") {
		t.Errorf("got %v", err)
	}
	var untagged struct{ A string }
	if _, err := config.New([]config.Section{{Value: &untagged}}); err == nil || !strings.Contains(err.Error(), "has no config tag") {
		t.Errorf("got %v", err)
	}
}

func TestTheTableNamesEverySetting(t *testing.T) {
	c, w := defaults()
	set, err := config.New([]config.Section{{Value: &c}, {Name: "bench", Value: &w, Bare: true}})
	if err != nil {
		t.Fatal(err)
	}
	got, golden := set.Markdown(""), filepath.Join("testdata", "table.md")
	if *update {
		write(t, golden, got)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("table (-want +got), run with -update when it is right:\n%s", diff)
	}
}

func TestWriteTableReplacesOnlyWhatStandsBetweenTheMarkers(t *testing.T) {
	readme := filepath.Join(t.TempDir(), "README.md")
	write(t, readme, "# a\n"+config.TableBegin+"\nold\n"+config.TableEnd+"\nend\n")
	for range 2 { // the second time finds nothing to do
		if err := config.WriteTable(readme, "new\n"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(readme)
	if want := "# a\n" + config.TableBegin + "\nnew\n" + config.TableEnd + "\nend\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	write(t, readme, "# no markers\n")
	if err := config.WriteTable(readme, "new\n"); err == nil {
		t.Error("a README without markers must be refused")
	}
}

func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"listen: :1\nbench: {pools: [a], hooks: [{url: x}]}\n", "bench: {token_file: }\n", "- a\n", "? [a]\n: b\n", "a: &x [*x]\n", "bench:\n  labels:\n    a: [1]\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "_file") || strings.Contains(text, "_env") {
			t.Skip("would read files of this machine")
		}
		c, w, err := load(t, text+"\n", nil)
		if err != nil {
			return
		}
		// What was accepted says the same when it is written out as variables.
		environ := []string{"FIORD_LISTEN=" + c.Listen, "FIORD_WAIT=" + c.Wait.String(), fmt.Sprint("FIORD_BENCH_SLOTS=", w.Slots), fmt.Sprint("FIORD_BENCH_LIMIT=", uint64(w.Limit))}
		again, w2, err := load(t, "", environ)
		if err != nil || again != c || w2.Slots != w.Slots || w2.Limit != w.Limit {
			t.Errorf("%q read as %+v %+v, written out as %+v %+v: %v", text, c, w, again, w2, err)
		}
	})
}
