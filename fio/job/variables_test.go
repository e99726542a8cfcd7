package job

import (
	"strings"
	"testing"
)

func TestVariablesAreWrittenIntoTheFile(t *testing.T) {
	src := "[global]\n  size=${SIZE} ; of each\nbs=4k # ${SIZE} too\n[${SIZE}]\nfilename=${DIR}/${SIZE}\n${OPT}\n"
	f, err := Parse("j", []byte(src), Config{Env: map[string]string{"SIZE": "4g", "DIR": "/d", "OPT": "iodepth=8", "UNUSED": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WriteVariables(); err != nil {
		t.Fatal(err)
	}
	want := "[global]\n  size=4g\nbs=4k # ${SIZE} too\n[${SIZE}]\nfilename=/d/4g\niodepth=8\n; variables: DIR=/d, OPT=iodepth=8, SIZE=4g\n"
	if got := string(f.Bytes()); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
	again := parse(t, want)
	if len(again.Unset) > 0 || again.Jobs()[0].Value("filename") != "/d/4g" || again.Jobs()[0].Value("iodepth") != "8" {
		t.Errorf("read back as %+v", again.Jobs()[0].Options)
	}
}

func TestVariablesThatAreMoreThanAValueAreRefused(t *testing.T) {
	for value, want := range map[string]string{
		"1; rw=write": "line end", "a#b": "line end", "4k\nfilename=/dev/sda": "line end", "${OTHER}": "another variable",
		strings.Repeat("x", 5000): "too long",
	} {
		f, err := Parse("j", []byte("[j]\nfilename=x\nsize=${V}\n"), Config{Env: map[string]string{"V": value}})
		if err == nil {
			err = f.WriteVariables()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "j:3") {
			t.Errorf("%.20q: %v", value, err)
		}
	}
	if err := CheckVariable("A-B", "1"); err == nil {
		t.Error("A-B is taken for a name")
	}
}

// A name that nobody gave a value stays unset, whatever this process has.
func TestNothingOfTheEnvironmentIsExpanded(t *testing.T) {
	t.Setenv("FIORD_SECRET", "s3cret")
	f := parse(t, "[j]\nfilename=${FIORD_SECRET}x\n")
	if len(f.Unset) != 1 || strings.Contains(f.Jobs()[0].Value("filename"), "s3cret") {
		t.Errorf("%+v", f.Jobs()[0].Options)
	}
	if _, findings := f.Jobs()[0].Touches(); len(findings) != 1 || findings[0].Rule != RuleVariable {
		t.Errorf("%+v", findings)
	}
}
