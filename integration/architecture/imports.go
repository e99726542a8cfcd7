package architecture

import (
	"fmt"
	"slices"
	"strings"
)

// layer says which modules a module's code may import, tests included.
type layer struct {
	dir     string   // folder of the module
	may     []string // folders of modules, besides itself
	because string
}

// layers is the map of fiord: dependencies point from services to what they
// share, and never from one service to another.
func layers() []layer {
	shared := []string{"artifacts", "events", "fio", "internal"}
	pure := []string{"figure", "verdict"} // of one subject, for several programs
	host := []string{"host"}              // for what measures on a host: the service and the drop-in
	services := []string{"services/bench", "services/ingest", "services/inventory", "services/notify", "services/plot"}
	all := []layer{
		{"events", nil, "events is the contract: it depends on no other part, so that anybody may depend on it"},
		{"fio", nil, "fio knows fio's formats and nothing of fiord, so that it is of use without it"},
		{"artifacts", []string{"events"}, "the store knows claim checks, which are events' words, and nothing else"},
		{"internal", []string{"artifacts", "events"}, "what services share must not know a service, nor fio"},
		{"figure", shared, "figures are drawn for the page, for reports without a server and for other tools' results: whoever draws them knows the runs and no service"},
		{"verdict", []string{"artifacts", "events", "fio"}, "how results are compared is the same for a service, a command and a sweep of old benches, so it knows none of them"},
		{"host", []string{"events", "fio", "internal"}, "what a host allows, is and does is the same for a service and for a command without a server, so it knows neither"},
		{"cmd/fiord", slices.Concat(shared, pure, host, services), "the command wires everything together, so nothing may depend on it but the whole-system tests"},
		{"deploy/adapters", nil, "an adapter is somebody else's program: it knows the hooks' protocol and nothing of fiord"},
		{"integration", slices.Concat(shared, pure, host, services, []string{"cmd/fiord"}), "the whole-system tests see everything"},
	}
	for _, s := range services {
		may := shared
		switch s {
		case "services/bench":
			may = slices.Concat(shared, host)
		case "services/plot":
			may = slices.Concat(shared, pure)
		}
		all = append(all, layer{s, may, "services never call or import each other: they share events, artifacts, fio and internal, and talk through events, so that each can be stopped, scaled or replaced alone"})
	}
	return all
}

// Layers checks each import of a module of the workspace, tests included.
func Layers(w *Workspace) []Breach {
	known := map[string]layer{}
	for _, l := range layers() {
		known[l.dir] = l
	}
	var found []Breach
	w.files(func(m *Module, f *File) {
		l, ok := known[m.Dir]
		if !ok {
			return // Placed reports the module once
		}
		for i, imported := range f.Imports {
			to := w.sibling(imported)
			if to == "" || to == m.Dir || slices.Contains(l.may, to) {
				continue
			}
			found = append(found, Breach{f.at(f.Syntax.Imports[i].Pos()), m.Dir + " imports " + to, l.because})
		}
	})
	return found
}

// Placed checks that the map of layers covers every module.
func Placed(w *Workspace) []Breach {
	var found []Breach
	for _, m := range w.Modules {
		if m.Dir != toolsDir && !slices.ContainsFunc(layers(), func(l layer) bool { return l.dir == m.Dir }) {
			found = append(found, Breach{m.Dir + "/go.mod", "the module has no layer", "each module is placed on the map in integration/architecture/imports.go, so that its imports are a decision"})
		}
	}
	return found
}

// technology confines a library to the folders that adapt it.
type technology struct {
	library string   // import path or its beginning
	folders []string // folders whose code may import it
	because string
	tests   bool // any test may import it
}

// places names who may import the library.
func (t technology) places() string {
	places := slices.Clone(t.folders)
	if t.tests {
		places = append(places, "tests")
	}
	return strings.Join(places, ", ")
}

func technologies() []technology {
	return []technology{
		{library: "github.com/minio/minio-go", folders: []string{"artifacts"}, because: "only the store speaks S3: everybody else holds claim checks"},
		{library: "github.com/versity/versitygw", folders: []string{"artifacts/embedded"}, because: "the embedded S3 server can be exchanged as long as one folder knows it"},
		{library: "github.com/gofiber/fiber", folders: []string{"artifacts/embedded"}, because: "it is how the embedded S3 server's middlewares are written, and nobody else's"},
		{library: "github.com/aws/aws-sdk-go-v2", folders: []string{"artifacts/embedded", "services/inventory"}, because: "clouds are asked by inventory alone; the embedded S3 server speaks in the SDK's types"},
		{library: "github.com/nats-io/nats-server", folders: []string{"internal", "cmd/fiord"}, tests: true, because: "services know a bus, not whose process it runs in"},
		{library: "github.com/nats-io/nats.go/micro", folders: []string{"internal"}, tests: true, because: "registration belongs to the life that every service shares"},
		{library: "github.com/docker/", folders: []string{"services/bench"}, tests: true, because: "only bench starts containers"},
		{library: "gonum.org/", folders: []string{"figure"}, because: "only figures are drawn with it: everybody else says what to draw"},
		{library: "github.com/chromedp/", folders: nil, tests: true, because: "browsers are for tests of pages"},
		{library: "github.com/spf13/cobra", folders: []string{"cmd/fiord"}, because: "only the command has subcommands; a service has a configuration"},
		{library: "net/http", folders: []string{"artifacts", "internal", "services", "cmd", "deploy", "integration"}, because: "events and fio are pure: they know messages and files, not how they travel"},
	}
}

// Technologies checks that a library is imported only by the code that adapts it.
func Technologies(w *Workspace) []Breach {
	var found []Breach
	w.files(func(_ *Module, f *File) {
		for i, imported := range f.Imports {
			for _, t := range technologies() {
				if !under(imported, t.library) || t.tests && f.Test() || slices.ContainsFunc(t.folders, func(d string) bool { return under(f.Path, d) }) {
					continue
				}
				what := fmt.Sprintf("imports %s, which is for %s", imported, t.places())
				found = append(found, Breach{f.at(f.Syntax.Imports[i].Pos()), what, t.because})
			}
		}
	})
	return found
}

// under tells whether a slash-separated path is prefix or lies below it.
func under(path, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}
