package figure_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/fiord-bench/fiord/figure"
)

var gallery = flag.String("gallery", "", "draw all cases into this folder")

// TestGallery draws every case for people to look at.
func TestGallery(t *testing.T) {
	if *gallery == "" {
		t.Skip("draws only when asked: go test -run Gallery -gallery DIR")
	}
	if err := os.MkdirAll(*gallery, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, f := range cases() {
		write := func(suffix string, draw func(*os.File) error) {
			out, err := os.Create(filepath.Join(*gallery, name+suffix))
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			if err := draw(out); err != nil {
				t.Fatal(err)
			}
		}
		write(".svg", func(o *os.File) error { return f.WriteSVG(o) })
		write(".png", func(o *os.File) error { return f.WritePNG(o, figure.Light) })
		write("-dark.png", func(o *os.File) error { return f.WritePNG(o, figure.Dark) })
	}
}
