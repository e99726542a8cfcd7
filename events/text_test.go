package events

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestATextIsCutAtARune(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 0, ""},
		{"short", 5, "short"},
		{"too long", 7, "too …"},
		{"ÄÖÜ", 6, "ÄÖÜ"},
		{"ÄÖÜß", 7, "ÄÖ…"},
		{"ÄÖÜß", 6, "Ä…"},
		{"日本語", 8, "日…"},
		{"abc", 2, "ab"},
		{"ä", 1, ""},
		{"bad \xff byte", 20, "bad \uFFFD byte"},
		{"\xff\xff\xff", 6, "\uFFFD"},
	} {
		if got := Clip(tt.text, tt.limit); got != tt.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}

// What was clipped to a field's limit passes the field's check.
func FuzzClip(f *testing.F) {
	f.Add("äöü", 3)
	f.Add("\xc3\x28 日本", 4)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = max(0, limit%5000)
		got := Clip(text, limit)
		if len(got) > limit || !utf8.ValidString(got) {
			t.Fatalf("Clip(%q, %d) = %q, %d bytes", text, limit, got, len(got))
		}
		if len(text) <= limit && utf8.ValidString(text) && got != text {
			t.Fatalf("Clip(%q, %d) = %q changes what fits", text, limit, got)
		}
		if kept := strings.TrimSuffix(got, ellipsis); utf8.ValidString(text) && !strings.HasPrefix(text, kept) {
			t.Fatalf("Clip(%q, %d) = %q is no beginning of it", text, limit, got)
		}
	})
}
