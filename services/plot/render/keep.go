package render

import (
	"bytes"
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/internal/bus"
)

// File is something to be stored.
type File struct {
	Name, MediaType string
	Body            []byte
}

// mediaTypes are the formats of figures.
func mediaTypes() map[string]string {
	return map[string]string{"svg": "image/svg+xml", "png": "image/png"}
}

// Files lists what is stored of pictures: an SVG of each, and a PNG where there
// is one.
func Files(pictures []catalogue.Picture) []File {
	var out []File
	for _, p := range pictures {
		out = append(out, File{p.Name + ".svg", mediaTypes()["svg"], p.SVG})
		if p.PNG != nil {
			out = append(out, File{p.Name + ".png", mediaTypes()["png"], p.PNG})
		}
	}
	return out
}

// writers is how many objects are written at once. Each write waits for a disk.
const writers = 4

// KeepAll stores files under the keys of their names.
func (r *Renderer) KeepAll(ctx context.Context, files []File, key func(string) string) ([]events.Artifact, error) {
	out := make([]events.Artifact, len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i, f := range files {
		group.Go(func() error {
			claim, err := r.keep(ctx, key(f.Name), f.MediaType, f.Body)
			out[i] = events.Artifact{Name: f.Name, ClaimCheck: claim}
			return err
		})
	}
	return out, group.Wait()
}

// keep stores what was made, or claims what an earlier attempt stored in its
// place: drawn by another version it may differ in a byte, and shows the same.
func (r *Renderer) keep(ctx context.Context, key, mediaType string, body []byte) (events.ClaimCheck, error) {
	claim, err := r.store.Put(ctx, key, mediaType, bytes.NewReader(body))
	if errors.Is(err, artifacts.ErrExists) {
		claim, err = r.store.Claim(ctx, key)
	}
	return claim, bus.ForStore(err)
}
