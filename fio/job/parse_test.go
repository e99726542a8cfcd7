package job

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// parse reads a job file that must be right.
func parse(t *testing.T, src string) *File {
	t.Helper()
	f, err := Parse("test.fio", []byte(src), Config{})
	if err != nil {
		t.Fatalf("parse:\n%v", err)
	}
	return f
}

func TestLaterGlobalsAddDefaultsForTheJobsBehindThem(t *testing.T) {
	f := parse(t, "[global]\nbs=4k\nrw=read\n[a]\n[global]\nbs=8k\n[b]\nrw=randread\n")
	jobs := f.Jobs()
	got := map[string][2]string{}
	for _, j := range jobs {
		got[j.Name] = [2]string{j.Value("bs"), j.Value("rw")}
	}
	want := map[string][2]string{"a": {"4k", "read"}, "b": {"8k", "randread"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCommentsAndSpacesAreCutAsFioCutsThem(t *testing.T) {
	f := parse(t, "; head\n\n  [j] ; tail\n\tsize=4k;x\n filename = a b  # why\n")
	j := f.Jobs()[0]
	if j.Name != "j" || j.Value("size") != "4k" || j.Value("filename") != " a b" {
		t.Errorf("got %q size=%q filename=%q", j.Name, j.Value("size"), j.Value("filename"))
	}
	want := Pos{File: "test.fio", Line: 5, Col: 2}
	if got := j.Get("filename").Pos; got != want {
		t.Errorf("position %v, want %v", got, want)
	}
}

func TestAliasesResolveToOneOption(t *testing.T) {
	j := parse(t, "[j]\nblocksize=4k\nbs=8k\nreadwrite=write\ntimeout=5\n").Jobs()[0]
	if j.Value("bs") != "8k" || j.Direction() != "write" || j.Value("runtime") != "5" {
		t.Errorf("bs=%q rw=%q runtime=%q", j.Value("bs"), j.Direction(), j.Value("runtime"))
	}
}

func TestSyntaxErrorsNameThePlaceAndTheRemedy(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"outside", "size=4k\n[a]\n", `test.fio:1:1: option "size=4k" before the first section (write [global] or [jobname] above it)`},
		{"unclosed", "[a]\n [b\n", `test.fio:2:2: section "[b" does not end with ] (write [name] alone on its line)`},
		{"text behind", "[a] b\n", `test.fio:1:1: section "[a] b" does not end with ] (write [name] alone on its line)`},
		{"nameless", "[]\n", `test.fio:1:1: section without a name (write [name])`},
		{"globalish", "[globals]\n", `test.fio:1:1: section [globals] counts as [global] for fio (give the job a name that does not begin with global)`},
		{"include glued", "[a]\nincludex\n", `test.fio:2:1: "includex": fio takes every line that begins with "include" for one (write: include file.fio)`},
		{"include refused", "[a]\ninclude x\n", `test.fio:2:1: include x: includes are not available here (copy the options into the job file)`},
		{"nul", "[a]\nsize=4k\x00filename=/dev/sda\n", `test.fio:2:8: NUL byte: fio ignores the rest of the line (remove it)`},
		{"empty", "; nothing\n", `test.fio: no job in the file (write [name] and the job's options below it)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("test.fio", []byte(c.src), Config{})
			var first *Error
			if !errors.As(err, &first) {
				t.Fatalf("accepted %q", c.src)
			}
			if first.Error() != c.want {
				t.Errorf("got  %s\nwant %s", first, c.want)
			}
		})
	}
}

func TestIncludesStandInTheirPlace(t *testing.T) {
	fsys := fstest.MapFS{
		"jobs/common.fio":     {Data: []byte("bs=16k\ninclude sub/deep.fio\n")},
		"jobs/sub/deep.fio":   {Data: []byte("rw=write\n")},
		"jobs/loop.fio":       {Data: []byte("include loop.fio\n")},
		"jobs/sectioned.fio":  {Data: []byte("[x]\n")},
		"jobs/sub/common.fio": {Data: []byte("bs=1k\n")},
	}
	read := func(src string) (*File, error) {
		return Parse("jobs/a.fio", []byte(src), Config{Open: FS(fsys)})
	}
	f, err := read("[a]\ninclude common.fio\niodepth=2\n")
	if err != nil {
		t.Fatal(err)
	}
	j := f.Jobs()[0]
	if j.Value("bs") != "16k" || j.Direction() != "write" {
		t.Errorf("bs=%q rw=%q", j.Value("bs"), j.Direction())
	}
	if got := j.Get("rw").Pos; got != (Pos{"jobs/sub/deep.fio", 1, 1}) {
		t.Errorf("position %v", got)
	}
	want := "[a]\n; include common.fio\nbs=16k\n; include sub/deep.fio\nrw=write\niodepth=2\n"
	if diff := cmp.Diff(want, string(f.Bytes())); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"loop.fio", "sectioned.fio", "missing.fio", "../etc/passwd"} {
		if _, err := read("[a]\ninclude " + bad + "\n"); err == nil {
			t.Errorf("include %s was accepted", bad)
		}
	}
}

func TestVariablesComeFromTheGivenEnvironmentOnly(t *testing.T) {
	t.Setenv("HOME", "/leak")
	src := "[j]\n${OPT}=${DIR}/x\nsize=${HOME}4k\nnrfiles=$ncpus\nname=$pagesize*2\n"
	f, err := Parse("j", []byte(src), Config{
		Env:     map[string]string{"OPT": "filename", "DIR": "/mnt;#"},
		Machine: Machine{CPUs: 8},
	})
	if err != nil {
		t.Fatal(err)
	}
	j := f.Jobs()[0]
	if j.Value("filename") != "/mnt;#/x" || j.Value("size") != "4k" || j.Value("nrfiles") != "8" {
		t.Errorf("got %v", j.Options)
	}
	if o := j.Get("name"); !o.Computed || !o.Machine {
		t.Errorf("computed=%v machine=%v", o.Computed, o.Machine)
	}
	if diff := cmp.Diff([]Variable{{Pos{"j", 3, 6}, "HOME"}}, f.Unset); diff != "" {
		t.Error(diff)
	}
}

func TestUneditedFileIsWrittenBackAsItWas(t *testing.T) {
	for _, src := range []string{"# a\r\n[j]\r\n  bs = 4k ; c\r\n\r\n", "[global]\n\n[j]\nrw=read\n"} {
		if got := string(parse(t, src).Bytes()); got != src {
			t.Errorf("got %q, want %q", got, src)
		}
	}
}
