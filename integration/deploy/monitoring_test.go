package deploy_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"sigs.k8s.io/yaml"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/admin"
	"github.com/fiord-bench/fiord/services/bench"
	"github.com/fiord-bench/fiord/services/ingest"
	"github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/notify"
)

// catalogue is a registry that remembers the labels of each metric. Unlike a
// scrape it knows those that nothing has counted yet.
type catalogue map[string][]string

var describes = regexp.MustCompile(`fqName: "([^"]*)".*variableLabels: \{([^}]*)\}`)

// Register implements [prometheus.Registerer].
func (c catalogue) Register(collector prometheus.Collector) error {
	descs := make(chan *prometheus.Desc, 1000)
	collector.Describe(descs)
	close(descs)
	for d := range descs {
		if m := describes.FindStringSubmatch(d.String()); m != nil {
			c[m[1]] = append(strings.Split(m[2], ","), "service", "instance", "job", "le", "version")
		}
	}
	return nil
}

// MustRegister implements [prometheus.Registerer].
func (c catalogue) MustRegister(list ...prometheus.Collector) {
	for _, one := range list {
		_ = c.Register(one)
	}
}

// Unregister implements [prometheus.Registerer].
func (catalogue) Unregister(prometheus.Collector) bool { return true }

// exported are the metrics of all services, and of every process.
func exported(t *testing.T) catalogue {
	t.Helper()
	c := catalogue{"up": {"job", "instance"}, "fiord_build_info": {"version", "service"}}
	c.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	deps := service.Deps{
		Bus: bustest.NewServer(t).BusWith(bus.Options{Source: "fiord/test", Metrics: c}), Store: artifactstest.New(t),
		Log: testLogger(t), Metrics: c, Ready: func(string, admin.Check) {},
	}
	hooks, places, hosts := ingest.DefaultConfig(), inventory.DefaultConfig(), bench.DefaultConfig()
	hooks.Listen, hooks.Checkout.Dir = "127.0.0.1:0", t.TempDir()
	hosts.Host, hosts.Runner = "here", "process"
	hosts.StateDir, hosts.Gate, hosts.Directories = t.TempDir(), filepath.Join(t.TempDir(), "gate"), []string{t.TempDir()}
	for name, build := range map[string]func() error{
		"ingest":    func() error { _, err := ingest.New(hooks, deps); return err },
		"inventory": func() error { _, err := inventory.New(places, deps); return err },
		"bench":     func() error { _, err := bench.New(hosts, deps); return err },
		"notify":    func() error { _, err := notify.New(notify.DefaultConfig(), deps); return err },
	} {
		if err := build(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return c
}

var (
	metric   = regexp.MustCompile(`\b(up|(?:fiord|process|go)_[a-z_]+)\b(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*[!=]`)
	grouping = regexp.MustCompile(`by \(([^)]*)\)`)
	text     = regexp.MustCompile(`"[^"]*"`)
)

// problems are what an expression asks for and nobody exports.
func (c catalogue) problems(expr string) (list []string) {
	found := metric.FindAllStringSubmatch(text.ReplaceAllString(expr, `""`), -1)
	if len(found) == 0 {
		return []string{"asks for no metric"}
	}
	var known []string
	for _, m := range found {
		name := m[1]
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		labels, ok := c[name]
		if !ok {
			list = append(list, "no metric "+name)
		}
		known = append(known, labels...)
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(labels, l[1]) {
				list = append(list, name+" has no label "+l[1])
			}
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(g[1], ",") {
			if !slices.Contains(known, strings.TrimSpace(label)) {
				list = append(list, "no label "+label)
			}
		}
	}
	return list
}

func TestAlertsAndPanelsAskForWhatIsExported(t *testing.T) {
	c := exported(t)
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	file := filepath.Join(folder, "monitoring", "rules.yaml")
	if err := yaml.UnmarshalStrict(read(t, file), &rules); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Groups[0].Rules {
		for _, problem := range c.problems(r.Expr) {
			t.Errorf("alert %s: %s", r.Alert, problem)
		}
		if r.Annotations["summary"] == "" || r.Labels["severity"] == "" {
			t.Errorf("alert %s does not say what it means, or how urgent it is", r.Alert)
		}
	}
	if promtool, err := exec.LookPath("promtool"); err == nil {
		if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", file).CombinedOutput(); err != nil {
			t.Errorf("promtool: %v\n%s", err, out)
		}
	}

	var dashboard struct {
		Panels []struct {
			ID          int
			Type, Title string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, filepath.Join(folder, "monitoring", "dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %s shows nothing, or has the number of another", p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			for _, problem := range c.problems(target.Expr) {
				t.Errorf("panel %s: %s", p.Title, problem)
			}
		}
	}
	for _, bad := range []string{`fiord_bus_handled{outcome="x"}`, `sum by (colour) (fiord_bus_panics_total)`, `fiord_bus_panics_total{host="x"}`, `1`} {
		if len(c.problems(bad)) == 0 {
			t.Errorf("%s passes", bad)
		}
	}
}
