package page_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// described is what the test reads of the OpenAPI document.
type described struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]struct {
		Get struct {
			OperationID string                      `json:"operationId"`
			Parameters  []struct{ Name, In string } `json:"parameters"`
			Responses   map[string]struct {
				Content map[string]struct{ Schema schema } `json:"content"`
			} `json:"responses"`
		} `json:"get"`
	} `json:"paths"`
}

type schema struct {
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
}

// conforms holds a JSON value against a schema: no property that it does not name,
// and all that it requires.
func (s schema) conforms(t *testing.T, at string, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			s.Items.conforms(t, at+"[]", x)
		}
	case map[string]any:
		if s.Properties == nil {
			return
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				t.Errorf("%s has no %s", at, name)
			}
		}
		for name, x := range v {
			inner, ok := s.Properties[name]
			if !ok && name != "verdicts" {
				t.Errorf("%s has %s, which is not described", at, name)
				continue
			}
			inner.conforms(t, at+"."+name, x)
		}
	}
}

// Each call answers as the OpenAPI document says, in each format.
func TestCallsAnswerAsDescribed(t *testing.T) {
	m, _ := world()
	started(m)
	h := handler(t, source{Model: m}, nil)
	var doc described
	if err := json.Unmarshal(get(h, "/api/v1/openapi.json").Body.Bytes(), &doc); err != nil || doc.OpenAPI != "3.1.0" || len(doc.Paths) != 7 {
		t.Fatalf("%v: %+v", err, doc)
	}
	for path, d := range doc.Paths {
		url := strings.NewReplacer("{host}", "node-a", "{device}", "S%201%2F2").Replace(path)
		w := get(h, url)
		var v any
		if err := json.Unmarshal(w.Body.Bytes(), &v); w.Code != http.StatusOK || err != nil || w.Header().Get("ETag") == "" {
			t.Fatalf("GET %s: %d %v %s", url, w.Code, err, w.Body)
		}
		d.Get.Responses["200"].Content["application/json"].Schema.conforms(t, path, v)
		rows := d.Get.OperationID
		list, isList := v.(map[string]any)[rows].([]any)
		if !isList {
			continue
		}
		if len(list) == 0 {
			t.Errorf("GET %s is empty: nothing is tested", url)
		}
		table, err := csv.NewReader(get(h, url+".csv").Body).ReadAll()
		if err != nil || len(table) != len(list)+1 || len(table[0]) < 5 {
			t.Errorf("GET %s.csv: %v, %v", url, table, err)
		}
		for format, answer := range map[string]string{"by suffix": get(h, url+".ndjson").Body.String(), "by Accept": get(h, url, "Accept", "application/x-ndjson").Body.String()} {
			if lines := strings.Split(strings.TrimSpace(answer), "\n"); len(lines) != len(list) || !json.Valid([]byte(lines[0])) {
				t.Errorf("GET %s as lines %s: %d, want %d", url, format, len(lines), len(list))
			}
		}
		if slices.ContainsFunc(d.Get.Parameters, func(p struct{ Name, In string }) bool { return p.Name == "after" }) {
			follow(t, h, url, rows, len(list))
		}
	}
}

// follow goes from page to page of one row each, by what each names as the next.
func follow(t *testing.T, h http.Handler, url, rows string, want int) {
	t.Helper()
	n := 0
	for next := url + "?limit=1"; next != "" && n <= want; n++ {
		var page map[string]any
		w := get(h, next)
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || len(page[rows].([]any)) != 1 {
			t.Fatalf("GET %s: %v %s", next, err, w.Body)
		}
		next, _ = page["next"].(string)
		if (next != "") != (w.Header().Get("Link") != "") {
			t.Errorf("GET %s: the header Link is %q", url, w.Header().Get("Link"))
		}
	}
	if n != want {
		t.Errorf("GET %s: %d pages of one row, want %d", url, n, want)
	}
}

func TestBadCallsSayWhatIsWrong(t *testing.T) {
	m, _ := world()
	h := handler(t, source{Model: m}, nil)
	for path, want := range map[string]string{
		"/api/v1/runs?limit=0":                              "limit",
		"/api/v1/runs?since=yesterday":                      "2026-10-31",
		"/api/v1/series?hosts=a":                            "no parameter",
		"/api/v1/runs?host=a&host=b":                        "more than once",
		"/api/v1/series?after=nowhere":                      "cursor",
		"/api/v1/runs?after=1." + events.HashID("x") + ".2": "cursor",
	} {
		w := get(h, path)
		if w.Code != http.StatusBadRequest || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), want) {
			t.Errorf("GET %s: %d %s, want 400 and %q", path, w.Code, w.Body, want)
		}
	}
	if w := get(h, "/api/v1/hosts/nowhere"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown host: %d", w.Code)
	}
}

// A name that a spreadsheet would run is a text in it.
func TestTablesHoldNoFormulas(t *testing.T) {
	m, _ := world()
	m.Apply(events.New("fiord/ingest", "formula", nil, events.BenchRequested{Name: "=cmd|' /C calc'!A0", Jobs: []events.Job{{Name: "a.fio"}}}), start)
	table, err := csv.NewReader(get(handler(t, source{Model: m}, nil), "/api/v1/benches.csv").Body).ReadAll()
	if err != nil || !slices.ContainsFunc(table, func(row []string) bool { return row[1] == "'=cmd|' /C calc'!A0" }) {
		t.Errorf("%v, %v", table, err)
	}
}

// Text is compressed for those who take it, and says the same.
func TestTextIsCompressed(t *testing.T) {
	m, _ := world()
	h := handler(t, source{Model: m}, nil)
	plain := get(h, "/")
	small := get(h, "/", "Accept-Encoding", "br, gzip;q=0.8")
	if small.Header().Get("Content-Encoding") != "gzip" || small.Body.Len()*2 > plain.Body.Len() || small.Header().Get("ETag") == plain.Header().Get("ETag") {
		t.Errorf("%d bytes of %d, %v", small.Body.Len(), plain.Body.Len(), small.Header())
	}
	again := get(h, "/", "Accept-Encoding", "gzip", "If-None-Match", small.Header().Get("ETag"))
	if again.Code != http.StatusNotModified {
		t.Errorf("with its tag: %d", again.Code)
	}
	r, err := gzip.NewReader(small.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != plain.Body.String() {
		t.Errorf("expanded it is another page: %v", err)
	}
	for _, header := range []string{"", "gzip;q=0", "br", "identity"} {
		if w := get(h, "/", "Accept-Encoding", header); w.Header().Get("Content-Encoding") != "" {
			t.Errorf("compressed for %q", header)
		}
	}
}
