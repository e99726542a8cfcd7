package page

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// The formats of lists besides JSON.
const (
	csvFormat    = "csv"
	ndjsonFormat = "ndjson"
)

// accepted is the format that an Accept header prefers; JSON unless it names another.
func accepted(header string) string {
	for part := range strings.SplitSeq(header, ",") {
		kind, _, _ := strings.Cut(part, ";")
		switch strings.TrimSpace(kind) {
		case "text/csv":
			return csvFormat
		case "application/x-ndjson", "application/jsonl":
			return ndjsonFormat
		case "application/json":
			return ""
		}
	}
	return ""
}

// table answers with a line for each row.
func (h *Handler) table(w http.ResponseWriter, r *http.Request, format string, row any, rows []any) {
	var body bytes.Buffer
	var err error
	if format == csvFormat {
		err = writeCSV(&body, row, rows)
	} else {
		lines := json.NewEncoder(&body)
		for _, x := range rows {
			if err = lines.Encode(x); err != nil {
				break
			}
		}
	}
	if err != nil {
		h.problem(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	send(w, r, map[string]string{csvFormat: "text/csv; charset=utf-8", ndjsonFormat: "application/x-ndjson"}[format], body.Bytes())
}

// writeCSV writes rows with a heading. Lists and objects within a row are JSON.
func writeCSV(body *bytes.Buffer, row any, rows []any) error {
	out := csv.NewWriter(body)
	fields := fieldsOf(reflect.TypeOf(row))
	head := make([]string, len(fields))
	for i, f := range fields {
		head[i] = f.name
	}
	_ = out.Write(head)
	for _, x := range rows {
		cells := make([]string, len(fields))
		for i, f := range fields {
			var err error
			if cells[i], err = cell(reflect.ValueOf(x).FieldByIndex(f.index)); err != nil {
				return err
			}
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}

// cell writes a value; unknown is empty. A text that a spreadsheet would take for a
// formula gets an apostrophe in front: names come from people's repositories.
func cell(v reflect.Value) (string, error) {
	switch x := v.Interface().(type) {
	case time.Time:
		if x.IsZero() {
			return "", nil
		}
		return x.Format(time.RFC3339Nano), nil
	case string:
		if x != "" && strings.ContainsRune("=+-@\t\r", rune(x[0])) {
			return "'" + x, nil
		}
		return x, nil
	case *float64:
		if x == nil {
			return "", nil
		}
		return strconv.FormatFloat(*x, 'g', -1, 64), nil
	}
	if k := v.Kind(); (k == reflect.Map || k == reflect.Slice) && v.Len() == 0 {
		return "", nil
	}
	raw, err := json.Marshal(v.Interface())
	return string(raw), err
}

// field is a field of a row as JSON has it.
type field struct {
	name     string
	index    []int
	of       reflect.Type
	optional bool
}

// fieldsOf lists the fields of a row, those of embedded ones in their place.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
		case name != "-" && f.IsExported():
			out = append(out, field{name, []int{i}, f.Type, strings.Contains(rest, "omit")})
		}
	}
	return out
}

// schemaOf describes a type as JSON Schema.
func schemaOf(t reflect.Type) map[string]any {
	if t == reflect.TypeFor[time.Time]() {
		return map[string]any{"type": "string", "format": "date-time"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		s := schemaOf(t.Elem())
		s["type"] = []any{s["type"], "null"}
		return s
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for _, f := range fieldsOf(t) {
			properties[f.name] = schemaOf(f.of)
			if !f.optional {
				required = append(required, f.name)
			}
		}
		return map[string]any{"type": "object", "properties": properties, "required": required}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	default:
		return map[string]any{"type": "string"}
	}
}

// openAPI serves the description of the API.
func (h *Handler) openAPI(w http.ResponseWriter, r *http.Request) {
	paths := map[string]any{}
	for _, e := range append(endpoints(), benchesEndpoint()) {
		paths[e.path] = map[string]any{"get": e.operation()}
	}
	h.json(w, r, map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{"title": "fiord", "version": "v1", "description": "What was measured, and on what. Rates are per second, bandwidths in B/s, latencies in ns; null is unknown. " +
			"Lists are CSV or lines of JSON by Accept, or by the suffix .csv or .ndjson."},
		"paths": paths,
		"components": map[string]any{"schemas": map[string]any{"Problem": map[string]any{"type": "object", "required": []string{"type", "title", "status"},
			"properties": map[string]any{"type": map[string]any{"type": "string"}, "title": map[string]any{"type": "string"}, "status": map[string]any{"type": "integer"}, "instance": map[string]any{"type": "string"}}}}},
	})
}

// operation describes one call.
func (e endpoint) operation() map[string]any {
	row := schemaOf(reflect.TypeOf(e.row))
	content := map[string]any{"application/json": map[string]any{"schema": row}}
	params := []any{}
	if _, name, one := strings.Cut(e.path, "{"); one {
		params = append(params, map[string]any{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	if e.rows != "" {
		content["application/json"] = map[string]any{"schema": map[string]any{"type": "object", "required": []string{e.rows}, "properties": map[string]any{
			e.rows: map[string]any{"type": "array", "items": row}, "next": map[string]any{"type": "string", "description": "the call for what follows; absent at the end"}}}}
		content["text/csv"] = map[string]any{"schema": map[string]any{"type": "string"}}
		content["application/x-ndjson"] = map[string]any{"schema": map[string]any{"type": "string"}}
	}
	for _, p := range e.params {
		schema := map[string]any{"type": "string"}
		switch p.kind {
		case manyParam:
			schema = map[string]any{"type": "array", "items": schema}
		case limitParam:
			schema = map[string]any{"type": "integer", "minimum": 1}
		}
		params = append(params, map[string]any{"name": p.name, "in": "query", "description": p.about, "schema": schema})
	}
	problem := map[string]any{"description": "what went wrong", "content": map[string]any{"application/problem+json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Problem"}}}}
	name := strings.NewReplacer("/api/v1/", "", "/", "_", "{", "", "}", "").Replace(e.path)
	return map[string]any{"operationId": name, "summary": e.summary, "parameters": params, "responses": map[string]any{
		"200": map[string]any{"description": e.summary, "content": content}, "default": problem}}
}

// routes registers the API.
func (h *Handler) routes() {
	h.mux.HandleFunc("GET /api/v1/openapi.json", h.openAPI)
	for _, e := range endpoints() {
		h.mux.HandleFunc("GET "+e.path, h.api(e, ""))
		if e.rows != "" {
			for _, format := range []string{"json", csvFormat, ndjsonFormat} {
				h.mux.HandleFunc("GET "+e.path+"."+format, h.api(e, format))
			}
		}
	}
	for _, format := range []string{csvFormat, ndjsonFormat} {
		h.mux.HandleFunc("GET /api/v1/benches."+format, h.benchesAs(format))
	}
}
