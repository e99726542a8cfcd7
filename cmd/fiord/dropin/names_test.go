package dropin

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNamesMayHaveSpaces(t *testing.T) {
	there := func(name string) bool { return name == "my job.fio" || name == "a" }
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"  ", nil},
		{"a.fio", []string{"a.fio"}},
		{"a.fio  b.fio ", []string{"a.fio", "b.fio"}},
		{"my job.fio", []string{"my job.fio"}}, // there is such a file
		{"no job.fio", []string{"no", "job.fio"}},
		{`'no job.fio' "b c" d\ e`, []string{"no job.fio", "b c", "d e"}},
		{`a'b c'd "x\"y" '\'`, []string{"ab cd", `x"y`, `\`}},
		{"no job.fio\nb.fio\n\n", []string{"no job.fio", "b.fio"}},
		{"it's one.fio\r\nb.fio", []string{"it's one.fio", "b.fio"}},
		{`""`, []string{""}},
	} {
		got, err := names(c.text, there)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
	for _, text := range []string{`'a`, `"a b`, `a\`} {
		if got, err := names(text, there); err == nil {
			t.Errorf("%q: %q, want an error", text, got)
		}
	}
}

// What is quoted comes back as it was.
func FuzzWords(f *testing.F) {
	f.Add("a b", "c")
	f.Add(`"`, `\`)
	f.Add("", "\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		_, _ = words(a)
		if !validText(a) || !validText(b) {
			t.Skip()
		}
		quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
		got, err := words(quote(a) + " " + quote(b))
		if err != nil || !slices.Equal(got, []string{a, b}) {
			t.Errorf("%q and %q came back as %q, %v", a, b, got, err)
		}
	})
}

// validText tells what range over a string keeps.
func validText(s string) bool { return strings.ToValidUTF8(s, "") == s }

func TestWrongSettingsAreAllTold(t *testing.T) {
	_, err := settingsOf(map[string]string{
		"LOG_MS": "0", "FIORD_ALLOW_PRIVATE": "perhaps", "FIORD_ALLOW_DESTRUCTIVE": "sdb", "FIORD_SERVE": "often",
		"REMOTEFILES": "http://example.org/a.fio http://example.com/a.fio",
	}, func(string) bool { return false })
	for _, want := range []string{"JOBFILES is not set", "LOG_MS", "FIORD_ALLOW_PRIVATE", "FIORD_ALLOW_DESTRUCTIVE", "FIORD_SERVE", "one would overwrite"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("nothing says %q: %v", want, err)
		}
	}
}

func TestRemoteFilesAreNamedByTheirAddress(t *testing.T) {
	got, err := remotes("http://example.org/x/my%20job.fio?raw=1  https://example.org/b.fio#L3")
	if err != nil {
		t.Fatal(err)
	}
	want := []remote{{"http://example.org/x/my%20job.fio?raw=1", "my job.fio"}, {"https://example.org/b.fio#L3", "b.fio"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"http://example.org", "http://example.org/", "http://example.org/..", "http://example.org/.profile", "http://example.org/a%2f..%2f..%2fb/%2e%2e", "http://%zz/"} {
		if got, err := remotes(text); err == nil {
			t.Errorf("%s: %v, want an error", text, got)
		}
	}
}
