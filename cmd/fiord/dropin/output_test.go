package dropin

import (
	"strings"
	"testing"
)

func TestTextAndJSONAreToldApart(t *testing.T) {
	for _, c := range []struct {
		name, in, text, json string
		whole                bool
	}{
		{"both", "job: (g=0)\n{\n  \"a\" : {\n  }\n}\n\njob: 5 IOPS\n", "job: (g=0)\n\njob: 5 IOPS\n", "{\n  \"a\" : {\n  }\n}\n", true},
		{"text alone", "fio: no such job\n", "fio: no such job\n", "", false},
		{"cut", "x\n{\n  \"a\" : 1\n", "x\n", "{\n  \"a\" : 1\n", false},
		{"no newline at the end", "{\n}", "", "{\n}", true},
		{"windows", "{\r\n}\r\nx", "x", "{\r\n}\r\n", true},
		{"nothing", "", "", "", false},
	} {
		var text, json strings.Builder
		whole, err := split(strings.NewReader(c.in), &text, &json)
		if err != nil || whole != c.whole || text.String() != c.text || json.String() != c.json {
			t.Errorf("%s: text %q, JSON %q, whole %v, %v", c.name, text.String(), json.String(), whole, err)
		}
	}
}
