package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/services/plot/index"
)

// endpoint is one call of the API. The routes and the OpenAPI document both follow
// from the list of them.
type endpoint struct {
	path, summary string
	// rows names the list in the answer, of which row is an element; empty for an
	// answer that is one row.
	rows   string
	row    any
	params []param
	serve  func(ctx context.Context, h *Handler, q asked) (answer, error)
}

// param is a parameter of a call.
type param struct{ name, about, kind string } // kind: "", times, many, limit

// The kinds of parameters that are not a text given once.
const (
	timeParam  = "time"
	manyParam  = "many"
	limitParam = "limit"
)

// answer is what a call found; next is the cursor of what follows.
type answer struct {
	row  any
	rows []any
	next string
}

// asked are the parameters of a request, checked.
type asked struct {
	url.Values
	path         string // the value in the path
	since, until time.Time
	limit        int
}

// Limits of what one call returns.
const (
	defaultRows = 100
	mostListed  = 10_000
)

// badRequest is what is wrong with a request, for who made it.
type badRequest struct{ why string }

func (b badRequest) Error() string { return b.why }

func paging() []param {
	return []param{{"limit", fmt.Sprintf("most rows, %d unless given, at most %d", defaultRows, mostListed), limitParam}, {"after", "cursor of an earlier answer's next", ""}}
}

func within() []param {
	return []param{{"since", "not before, as 2006-01-02 or RFC 3339", timeParam}, {"until", "before, as 2006-01-02 or RFC 3339", timeParam}}
}

// endpoints are the calls of the API besides that of benches.
func endpoints() []endpoint {
	text := param{"q", "text that is looked for in all that is known", ""}
	return []endpoint{
		{"/api/v1/hosts", "Hosts that have measured, by name", "hosts", index.Host{}, slices.Concat([]param{text}, paging()), listHosts},
		{"/api/v1/hosts/{host}", "One host", "", index.Host{}, nil, func(ctx context.Context, h *Handler, q asked) (answer, error) {
			row, err := h.source.Host(ctx, q.path)
			return answer{row: row}, err
		}},
		{"/api/v1/devices", "Devices that were measured, by their id", "devices", index.Device{}, slices.Concat([]param{text, {"host", "where they were seen last", ""}}, paging()), listDevices},
		{"/api/v1/devices/{device}", "One device", "", index.Device{}, nil, func(ctx context.Context, h *Handler, q asked) (answer, error) {
			row, err := h.source.Device(ctx, q.path)
			return answer{row: row}, err
		}},
		{"/api/v1/runs", "Runs with their figures: those that ended last first, those that have not ended behind all", "runs", index.Run{},
			slices.Concat([]param{{"bench", "id of a bench", ""}, {"host", "name of a host", ""}, {"device", "id of a device", ""}, {"state", "completed, failed, rejected, cancelled, expired, running or placed", ""}}, within(), paging()), listRuns},
		{"/api/v1/series", "What benches measured of each section, point and host, oldest first: medians of their sound repeats, with changes as judged", "series", index.Measured{},
			slices.Concat([]param{{"name", "names of benches", manyParam}, {"repository", "repositories", manyParam}, {"host", "hosts", manyParam}, {"device", "ids of devices", manyParam}, {"model", "models of devices", manyParam},
				{"job", "job files", manyParam}, {"section", "sections with their direction, such as read or log/write", manyParam}, {"point", "points, such as bs=4k,iodepth=8; - is the one without options", manyParam}, {"bench", "ids of benches", manyParam}}, within(), paging()), listSeries},
	}
}

func listHosts(ctx context.Context, h *Handler, q asked) (answer, error) {
	list, more, err := h.source.Hosts(ctx, index.Choice{Text: q.Get("q"), After: q.Get("after"), Limit: q.limit})
	return listed(list, more, func(x index.Host) string { return x.Name }), err
}

func listDevices(ctx context.Context, h *Handler, q asked) (answer, error) {
	list, more, err := h.source.Devices(ctx, index.Choice{Text: q.Get("q"), Host: q.Get("host"), After: q.Get("after"), Limit: q.limit})
	return listed(list, more, func(x index.Device) string { return x.ID }), err
}

func listRuns(ctx context.Context, h *Handler, q asked) (answer, error) {
	list, more, err := h.source.Runs(ctx, index.RunQuery{Bench: q.Get("bench"), Host: q.Get("host"), Device: q.Get("device"), State: q.Get("state"), Since: q.since, Until: q.until, After: q.Get("after"), Limit: q.limit})
	return listed(list, more, index.Run.Cursor), err
}

func listSeries(ctx context.Context, h *Handler, q asked) (answer, error) {
	list, more, err := h.source.Series(ctx, index.SeriesQuery{
		Names: q.Values["name"], Repos: q.Values["repository"], Hosts: q.Values["host"], Devices: q.Values["device"], Models: q.Values["model"], Jobs: q.Values["job"],
		Series: q.Values["section"], Points: q.Values["point"], Benches: q.Values["bench"], Since: q.since, Until: q.until, After: q.Get("after"), Limit: q.limit})
	return listed(list, more, index.Measured.Cursor), err
}

// listed is a list as an answer.
func listed[T any](list []T, more bool, cursor func(T) string) answer {
	out := answer{rows: make([]any, len(list))}
	for i, x := range list {
		out.rows[i] = x
	}
	if more {
		out.next = cursor(list[len(list)-1])
	}
	return out
}

// ask reads and checks the parameters of a request.
func (e endpoint) ask(r *http.Request) (asked, error) {
	q := asked{Values: r.URL.Query(), limit: defaultRows}
	if _, name, one := strings.Cut(e.path, "{"); one {
		q.path = r.PathValue(strings.TrimSuffix(name, "}"))
	}
	for name, values := range q.Values {
		i := slices.IndexFunc(e.params, func(p param) bool { return p.name == name })
		if i < 0 {
			return q, badRequest{fmt.Sprintf("There is no parameter %q here; /api/v1/openapi.json has them.", name)}
		}
		if len(values) > 1 && e.params[i].kind != manyParam {
			return q, badRequest{fmt.Sprintf("The parameter %q is given more than once.", name)}
		}
		if err := q.take(e.params[i], values[0]); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (q *asked) take(p param, value string) error {
	switch p.kind {
	case limitParam:
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > mostListed {
			return badRequest{fmt.Sprintf("limit is %q: want 1 to %d.", value, mostListed)}
		}
		q.limit = n
	case timeParam:
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			t, err = time.Parse(time.DateOnly, value)
		}
		if err != nil {
			return badRequest{fmt.Sprintf("%s is %q: want a day such as 2026-10-31, or a time such as 2026-10-31T08:00:00Z.", p.name, value)}
		}
		if p.name == "since" {
			q.since = t
		} else {
			q.until = t
		}
	}
	return nil
}

// api answers a call in the format that was asked for.
func (h *Handler) api(e endpoint, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := e.ask(r)
		if err == nil {
			var a answer
			if a, err = e.serve(r.Context(), h, q); err == nil {
				h.answer(w, r, e, format, a)
				return
			}
		}
		if errors.Is(err, index.ErrCursor) {
			err = badRequest{"after is no cursor of this list: take it from the next of the answer before."}
		}
		h.problem(w, r, err)
	}
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, e endpoint, format string, a answer) {
	if e.rows == "" {
		h.json(w, r, a.row)
		return
	}
	next := ""
	if a.next != "" {
		v := r.URL.Query()
		v.Set("after", a.next)
		next = r.URL.Path + "?" + v.Encode()
		w.Header().Set("Link", "<"+next+`>; rel="next"`)
	}
	if format == "" {
		w.Header().Add("Vary", "Accept")
		format = accepted(r.Header.Get("Accept"))
	}
	switch format {
	case csvFormat, ndjsonFormat:
		h.table(w, r, format, e.row, a.rows)
	default:
		doc := map[string]any{e.rows: a.rows}
		if next != "" {
			doc["next"] = next
		}
		h.json(w, r, doc)
	}
}
