package docs

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestReadFindsWhatReadersUse(t *testing.T) {
	dir := t.TempDir()
	text := "# Title\n\nSee [there](docs/there.md#part), `make test` and `a [no](link.md)`.\n\n" +
		"```sh\nbin/fiord up --data X   # comment\n\nmake bench BENCH=x | tee new.txt\n```\n\n" +
		"```yaml\nbenches: []\n```\n"
	if err := os.WriteFile(filepath.Join(dir, "a.md"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Read(dir, "a.md")
	if err != nil {
		t.Fatal(err)
	}
	if d.Lines != 13 {
		t.Errorf("lines: %d", d.Lines)
	}
	if want := []Span{{3, "docs/there.md#part"}}; !reflect.DeepEqual(d.Links, want) {
		t.Errorf("links %v, want %v", d.Links, want)
	}
	if want := []Block{{5, "sh", "bin/fiord up --data X   # comment\n\nmake bench BENCH=x | tee new.txt\n"}, {11, "yaml", "benches: []\n"}}; !reflect.DeepEqual(d.Blocks, want) {
		t.Errorf("blocks %v, want %v", d.Blocks, want)
	}
	want := []Command{
		{6, []string{"bin/fiord", "up", "--data", "X"}},
		{8, []string{"make", "bench", "BENCH=x"}},
		{3, []string{"make", "test"}},
		{3, []string{"a", "[no](link.md)"}},
	}
	if got := d.Commands(); !reflect.DeepEqual(got, want) {
		t.Errorf("commands %v, want %v", got, want)
	}
}

func TestSplitPartsSubcommandsFromFlags(t *testing.T) {
	for _, tt := range []struct{ words, path, flags []string }{
		{[]string{"up", "--data=x", "--json"}, []string{"up"}, []string{"--data", "--json"}},
		{[]string{"dead", "show", "17"}, []string{"dead", "show"}, nil},
		{[]string{"run", "JOB.fio", "--repeat", "5"}, []string{"run"}, []string{"--repeat"}},
		{[]string{"--version"}, nil, []string{"--version"}},
	} {
		if path, flags := split(tt.words); !reflect.DeepEqual(path, tt.path) || !reflect.DeepEqual(flags, tt.flags) {
			t.Errorf("split %v: %v %v, want %v %v", tt.words, path, flags, tt.path, tt.flags)
		}
	}
}
