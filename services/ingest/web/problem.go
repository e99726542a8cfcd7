package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// Problem is the body of every answer that refuses (RFC 9457).
type Problem struct {
	// Type is a URI that names the kind of problem.
	Type string `json:"type"`
	// Title says it in a few words, the same for every problem of the type.
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail says what was wrong with this request and what to do about it.
	Detail string `json:"detail"`
	// Errors are the fields at fault, for events that are not valid.
	Errors []events.FieldError `json:"errors,omitempty"`

	retryAfter time.Duration
}

// Error makes a Problem usable as an error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// The kinds of problems.
var titles = map[string]struct {
	status int
	title  string
}{
	"unsigned":         {http.StatusUnauthorized, "The request is not signed"},
	"unauthenticated":  {http.StatusUnauthorized, "The request has no valid token"},
	"bad-signature":    {http.StatusForbidden, "The signature is not valid"},
	"forbidden":        {http.StatusForbidden, "The key does not permit this"},
	"not-found":        {http.StatusNotFound, "There is nothing at this address"},
	"method":           {http.StatusMethodNotAllowed, "The method is not allowed here"},
	"timeout":          {http.StatusRequestTimeout, "The request took too long"},
	"too-large":        {http.StatusRequestEntityTooLarge, "The request is too large"},
	"unsupported-type": {http.StatusUnsupportedMediaType, "The content type is not supported"},
	"unknown-forge":    {http.StatusUnprocessableEntity, "The sender is no known forge"},
	"malformed":        {http.StatusUnprocessableEntity, "The body cannot be understood"},
	"invalid-event":    {http.StatusUnprocessableEntity, "The event is not valid"},
	"too-many":         {http.StatusTooManyRequests, "Too many requests"},
	"unavailable":      {http.StatusServiceUnavailable, "The event could not be stored"},
}

// problem makes a Problem of a kind.
func problem(kind, detail string) *Problem {
	t := titles[kind]
	return &Problem{Type: "https://fiord.dev/problems/" + kind, Title: t.title, Status: t.status, Detail: detail}
}

// after sets Retry-After.
func (p *Problem) after(d time.Duration) *Problem {
	p.retryAfter = d
	return p
}

// write sends the problem.
func (p *Problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="fiord"`)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(p.Status)
	writeJSON(w, p)
}

// writeJSON leaves < and > as they are: nobody shows an answer as a web page,
// and many read it raw.
func writeJSON(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the sender is gone; nobody is left to tell
}

// problemOf turns any error of a handler into a Problem. What it does not know
// is an outage of ours: the sender may try again.
func problemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var invalid *events.Invalid
	if errors.As(err, &invalid) {
		p := problem("invalid-event", err.Error())
		p.Errors = invalid.Fields
		return p
	}
	for _, known := range []error{events.ErrUnknownType, events.ErrVersion, events.ErrEnvelope} {
		if errors.Is(err, known) {
			return problem("invalid-event", err.Error())
		}
	}
	if errors.Is(err, events.ErrTooLarge) {
		return problem("too-large", err.Error())
	}
	return problem("unavailable", "nothing was lost that you cannot send again: repeat the request; it has its effect once").after(5 * time.Second)
}
