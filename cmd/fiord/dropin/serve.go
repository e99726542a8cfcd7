package dropin

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/foreign"
)

//go:embed template
var templates embed.FS

// Limits of the server.
const (
	headerTimeout   = 10 * time.Second
	downloadTimeout = 30 * time.Minute
	shutdownTimeout = 2 * time.Second
	maxListed       = 5000
)

// serve lists and serves a folder until ctx ends. It returns once the address
// is open; wait returns when the server has ended.
func (c *Command) serve(ctx context.Context, dir, title string, b *board) (wait func() error, err error) {
	root, err := os.OpenRoot(dir) // links that lead out of it are not followed
	if err != nil {
		return nil, err
	}
	t, err := template.New("list").Funcs(template.FuncMap{"size": sizeText}).ParseFS(templates, "template/list.html")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("parse page: %w", err), root.Close())
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for the web page: %w", err), root.Close())
	}
	server := &http.Server{
		Handler:           &folder{root: root, page: t, title: title, board: b},
		ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: downloadTimeout, MaxHeaderBytes: 32 << 10,
	}
	c.say("serving %s on %s", dir, listener.Addr())
	if c.OnListen != nil {
		c.OnListen(listener.Addr().String())
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	return func() error {
		defer func() { _ = root.Close() }()
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
		}
		over, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if err := server.Shutdown(over); err != nil {
			_ = server.Close() // a download that goes on is cut off
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, nil
}

// folder answers requests for files.
type folder struct {
	root  *os.Root
	page  *template.Template
	title string
	board *board
}

// entry is one line of a listing.
type entry struct {
	Name, URL string
	Size      int64
	Dir       bool
	Time      time.Time
}

// ServeHTTP serves a file, or lists a folder. Files are never run in the page's
// origin: whatever lies on a volume is shown as text, image or sandboxed.
func (f *folder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "want GET", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" {
		name = "."
	}
	file, err := f.root.Open(name)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	switch {
	case err != nil:
		f.fail(w, r, err)
	case info.IsDir() && !strings.HasSuffix(r.URL.Path, "/"):
		http.Redirect(w, r, (&url.URL{Path: "/" + name + "/"}).EscapedPath(), http.StatusMovedPermanently)
	case info.IsDir():
		f.list(w, r, name)
	case !info.Mode().IsRegular():
		http.Error(w, "not a file", http.StatusForbidden)
	default:
		w.Header().Set("Content-Type", mediaType(name))
		http.ServeContent(w, r, "", info.ModTime(), file)
	}
}

// fail answers with what the error says, and no more.
func (f *folder) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, r)
		return
	}
	http.Error(w, "this cannot be read", http.StatusForbidden) // a link that leads out, or no right
}

// mediaType is the type of a file by its ending; text unless it is known.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".png":
		return "image/png"
	case ".svg":
		return "image/svg+xml"
	case ".html":
		return "text/html; charset=utf-8"
	case ".json":
		return "application/json"
	case ".gz", ".zst", ".fz":
		return "application/octet-stream"
	default:
		return "text/plain; charset=utf-8"
	}
}

// list shows a folder: what is going on, the figures in it, and all files.
func (f *folder) list(w http.ResponseWriter, _ *http.Request, name string) {
	list, err := fs.ReadDir(f.root.FS(), name)
	if err != nil {
		http.Error(w, "this folder cannot be read", http.StatusForbidden)
		return
	}
	data := struct {
		Title, Path, State string
		Failures, Figures  []string
		Entries            []entry
		Report, Up         bool
		More               int
	}{Title: f.title, Path: "/" + strings.TrimPrefix(name, "."), Up: name != "."}
	if name == "." {
		data.State, data.Failures = f.board.get()
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if len(data.Entries) >= maxListed {
			data.More++
			continue
		}
		one := entry{Name: e.Name(), URL: (&url.URL{Path: "./" + e.Name()}).EscapedPath(), Dir: e.IsDir()}
		if info, err := e.Info(); err == nil {
			one.Size, one.Time = info.Size(), info.ModTime().UTC()
		}
		if one.Dir {
			one.URL += "/"
		}
		data.Entries = append(data.Entries, one)
		data.Report = data.Report || e.Name() == foreign.FileHTML
	}
	data.Figures = f.figures(name, list)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'")
	_ = f.page.ExecuteTemplate(w, "list.html", data) // the client is gone
}

// maxFigures bounds how many figures one page shows.
const maxFigures = 60

// figures lists the addresses of figures in a folder, and, at the top, of those
// of all runs. Where a figure is there as SVG its PNG is not shown.
func (f *folder) figures(name string, list []fs.DirEntry) []string {
	var out []string
	add := func(dir string, entries []fs.DirEntry) {
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		for _, n := range names {
			stem, isPNG := strings.CutSuffix(n, ".png")
			if (path.Ext(n) == ".svg" || isPNG && !slices.Contains(names, stem+".svg")) && len(out) < maxFigures {
				out = append(out, (&url.URL{Path: "./" + path.Join(dir, n)}).EscapedPath())
			}
		}
	}
	add("", list)
	if name != "." {
		return out
	}
	runs, err := fs.ReadDir(f.root.FS(), foreign.DirFigures)
	if err != nil {
		return out // nothing is drawn yet
	}
	for _, run := range runs {
		dir := path.Join(foreign.DirFigures, run.Name())
		if entries, err := fs.ReadDir(f.root.FS(), dir); err == nil {
			add(dir, entries)
		}
	}
	return out
}

func sizeText(n int64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if n < 10_000 {
			return fmt.Sprintf("%d %s", n, unit)
		}
		n >>= 10
	}
	return fmt.Sprintf("%d TiB", n)
}
