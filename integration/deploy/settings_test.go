package deploy_test

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/listen"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/admin"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/bench"
	"github.com/fiord-bench/fiord/services/ingest"
	"github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/notify"
	"github.com/fiord-bench/fiord/services/plot"
)

// settings are those of one program, in the structs that the program itself has.
type settings struct {
	program   string // the service's name; fiord for the command
	common    service.Common
	conn      connection.Connection
	ingest    ingest.Config
	inventory inventory.Config
	bench     bench.Config
	plot      plot.Config
	notify    notify.Config
}

// keyFiles are what an export has for a user; manifests name no other secret.
var keyFiles = []string{"nats.nk", "nats.grant", "s3.access_key", "s3.secret_key", "webhook", creds.PageTokens, creds.SessionKey}

// load reads settings as the program in the image does, so that a variable that
// does not exist, or a value that it refuses, is an error. keys is the folder
// where the manifest mounts secrets.
func load(t *testing.T, image, file string, environ map[string]string, keys string) (*settings, error) {
	t.Helper()
	s := &settings{
		program: programOf(image), common: service.DefaultCommon(), conn: connection.Default(),
		ingest: ingest.DefaultConfig(), inventory: inventory.DefaultConfig(), bench: bench.DefaultConfig(),
		plot: plot.DefaultConfig(), notify: notify.DefaultConfig(),
	}
	sections, ok := map[string][]config.Section{
		"ingest":    {{Value: &s.common}, {Name: "ingest", Value: &s.ingest, Bare: true}},
		"inventory": {{Value: &s.common}, {Name: "inventory", Value: &s.inventory, Bare: true}},
		"bench":     {{Value: &s.common}, {Name: "bench", Value: &s.bench, Bare: true}},
		"plot":      {{Value: &s.common}, {Name: "plot", Value: &s.plot, Bare: true}},
		"notify":    {{Value: &s.common}, {Name: "notify", Value: &s.notify, Bare: true}},
		"fiord":     {{Value: &s.conn}},
	}[s.program]
	if !ok {
		return nil, fmt.Errorf("image %s holds no program of fiord", image)
	}
	set, err := config.New(sections, service.Siblings()...)
	if err != nil {
		return nil, err
	}
	return s, set.Load(config.Source{File: file, Environ: mounted(t, environ, keys)})
}

// mounted gives each variable that names a file below keys such a file.
func mounted(t *testing.T, environ map[string]string, keys string) (list []string) {
	t.Helper()
	dir := t.TempDir()
	for name, value := range environ {
		if base, ok := strings.CutPrefix(value, keys+"/"); ok && strings.HasSuffix(name, "_FILE") {
			if !slices.Contains(keyFiles, base) {
				t.Errorf("%s names %s, which no export holds", name, value)
			}
			value = filepath.Join(dir, base)
			write(t, value, strings.Repeat("SUAAA", 8)+"\n")
		}
		list = append(list, name+"="+value)
	}
	return list
}

// programOf is the program that an image of ours holds.
func programOf(image string) string {
	name, _, _ := strings.Cut(filepath.Base(image), ":")
	if name == "fiord-worker" {
		return "bench"
	}
	return strings.TrimPrefix(name, "fiord-")
}

// listens are the ports that the program so configured listens on, by the names
// that manifests have for them.
func (s *settings) listens(t *testing.T) map[string]int32 {
	t.Helper()
	ports := map[string]int32{}
	for name, address := range map[string]string{"admin": s.common.Admin.Listen, "ingest": s.ingest.Listen, "plot": s.plot.Listen} {
		if name != "admin" && name != s.program {
			continue
		}
		host, text, err := net.SplitHostPort(address)
		if err != nil {
			t.Errorf("%s listens on %q: %v", s.program, address, err)
			continue
		}
		if ip := net.ParseIP(host); ip == nil || ip.IsLoopback() {
			t.Errorf("%s of %s listens on %s: nobody outside of the container can reach it", name, s.program, address)
		}
		port, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			t.Errorf("%s listens on %q: %v", s.program, address, err)
		}
		if name != "admin" {
			name = "http"
		}
		ports[name] = int32(port)
	}
	return ports
}

// check holds what every manifest of a service must get right.
func (s *settings) check(t *testing.T) {
	t.Helper()
	for _, a := range s.addresses() {
		a.AllowPlaintext = s.common.AllowPlaintext
		if err := a.Check(); err != nil {
			t.Errorf("%s does not start: %v", s.program, err)
		}
	}
	if s.program == "fiord" || s.program == "bench" {
		return // the operator has no prefix; a worker's is in its bundle
	}
	if want := access.InboxPrefix(s.program); s.common.NATS.InboxPrefix != want {
		t.Errorf("inbox prefix of %s is %q, its rights are bound to %q", s.program, s.common.NATS.InboxPrefix, want)
	}
	if s.common.NATS.Provision {
		t.Errorf("%s may not make streams: the operator does", s.program)
	}
}

// addresses are those that the program listens on.
func (s *settings) addresses() []listen.Address {
	all := []listen.Address{{Setting: "admin.listen", Listen: s.common.Admin.Listen, TLS: s.common.Admin.TLS}}
	switch s.program {
	case "ingest":
		all = append(all, listen.Address{Setting: "ingest.listen", Listen: s.ingest.Listen, TLS: s.ingest.TLS})
	case "plot":
		all = append(all, listen.Address{Setting: "plot.listen", Listen: s.plot.Listen, TLS: s.plot.TLS})
	}
	return all
}

// durables are the consumers that services so configured make.
func (s *settings) durables() []string {
	return slices.Concat(ingest.Needs(s.ingest).Durables, inventory.Needs(s.inventory).Durables,
		plot.Needs(s.plot).Durables, notify.Needs(s.notify).Durables, bench.Needs(s.bench, "host").Durables)
}

// adminAnswers tells whether the admin server of every program knows a path.
func adminAnswers(t *testing.T, path string) bool {
	t.Helper()
	a, err := admin.Listen(admin.Config{Listen: "127.0.0.1:0"}, &admin.Checks{}, prometheus.NewRegistry(), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = a.Serve() }()
	defer func() { _ = a.Close(); <-served }()
	r, err := http.Get("http://" + a.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// The checks above must be able to fail.
func TestSettingsThatNoProgramKnowsAreFound(t *testing.T) {
	for name, environ := range map[string]map[string]string{
		"unknown variable": {"FIORD_PLOT_LISTENS": ":8000"},
		"unknown in NATS":  {"FIORD_NATS_INBOX": "x"},
		"bad value":        {"FIORD_PLOT_GRACE": "5"},
	} {
		environ["FIORD_S3_ACCESS_KEY_FILE"], environ["FIORD_S3_SECRET_KEY_FILE"] = "/keys/s3.access_key", "/keys/s3.secret_key"
		if _, err := load(t, "fiord-plot", "", environ, "/keys"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if adminAnswers(t, "/health") {
		t.Error("the admin server answers any path")
	}
}
