package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
)

// version of the protocol.
const version = 1

// DefaultTimeout bounds one call of an adapter that names no other.
const DefaultTimeout = 10 * time.Second

// maxAnswer bounds what an adapter may answer.
const maxAnswer = 4 << 20

// Request is an engine request as adapters see it.
type Request struct {
	Method  string  `json:"Method"`
	Request string  `json:"Request"` // the API path
	Body    *string `json:"Body"`
}

// Response is an engine's answer as adapters see it.
type Response struct {
	ContentType string  `json:"ContentType"`
	Body        *string `json:"Body"`
	Code        int     `json:"Code"`
}

// Message is what an adapter gets.
type Message struct {
	Version  int       `json:"PowerstripProtocolVersion"`
	Type     string    `json:"Type"` // pre-hook or post-hook
	Request  Request   `json:"ClientRequest"`
	Response *Response `json:"ServerResponse,omitempty"`
}

// Answer is what an adapter says: the request or the response to go on with.
type Answer struct {
	Version  int       `json:"PowerstripProtocolVersion"`
	Request  *Request  `json:"ModifiedClientRequest,omitempty"`
	Response *Response `json:"ModifiedServerResponse,omitempty"`
}

// Adapter is one server.
type Adapter struct {
	URL     string
	Timeout time.Duration // of one call; 0 for DefaultTimeout
}

// Chain calls adapters one after the other. Its errors wrap runner.ErrHook.
type Chain []Adapter

// Before runs the pre-hooks on a POST to path and returns the body to send.
func (c Chain) Before(ctx context.Context, path string, body []byte) ([]byte, error) {
	for _, a := range c {
		answer, err := a.call(ctx, Message{Type: "pre-hook", Request: post(path, body)})
		if err != nil {
			return nil, err
		}
		changed := answer.Request
		switch {
		case changed == nil:
			return nil, a.fault("pre-hook answered without ModifiedClientRequest")
		case changed.Method != "POST" || changed.Request != path:
			// Another request would pass by whatever was decided about this one.
			return nil, a.fault("pre-hook turned POST %s into %s %s", path, changed.Method, changed.Request)
		case (changed.Body == nil || *changed.Body == "") != (body == nil):
			return nil, a.fault("pre-hook added or dropped the body of POST %s", path)
		case body != nil:
			body = []byte(*changed.Body)
		}
	}
	return body, nil
}

// After runs the post-hooks on what the engine answered and returns the answer
// to go on with. An adapter that turns a success into an error ends the start.
func (c Chain) After(ctx context.Context, path string, body []byte, code int, answer []byte) ([]byte, error) {
	for i := len(c) - 1; i >= 0; i-- {
		a := c[i]
		got, err := a.call(ctx, Message{
			Type: "post-hook", Request: post(path, body),
			Response: &Response{ContentType: "application/json", Body: text(answer), Code: code},
		})
		if err != nil {
			return nil, err
		}
		switch {
		case got.Response == nil:
			return nil, a.fault("post-hook answered without ModifiedServerResponse")
		case got.Response.Code != code && got.Response.Code >= 300:
			return nil, a.fault("post-hook turned the engine's %d into %d", code, got.Response.Code)
		case got.Response.Body != nil:
			answer = []byte(*got.Response.Body)
		}
	}
	return answer, nil
}

func (a Adapter) call(ctx context.Context, m Message) (Answer, error) {
	timeout := a.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m.Version = version
	body, err := json.Marshal(m)
	if err != nil {
		return Answer{}, fmt.Errorf("encode hook: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(body))
	if err != nil {
		return Answer{}, a.fault("%w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Answer{}, a.fault("%s: %w", m.Type, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return Answer{}, a.fault("read answer: %w", err)
	case len(raw) > maxAnswer:
		return Answer{}, a.fault("answered more than %d bytes", maxAnswer)
	case resp.StatusCode != http.StatusOK:
		return Answer{}, a.fault("%s answered %s: %.200s", m.Type, resp.Status, raw)
	}
	var answer Answer
	if err := json.Unmarshal(raw, &answer); err != nil {
		return Answer{}, a.fault("%s answered what is no JSON: %w", m.Type, err)
	}
	if answer.Version != version {
		return Answer{}, a.fault("speaks version %d of the protocol, not %d", answer.Version, version)
	}
	return answer, nil
}

func (a Adapter) fault(format string, args ...any) error {
	return fmt.Errorf("%w: adapter %s: %w", runner.ErrHook, a.URL, fmt.Errorf(format, args...))
}

func post(path string, body []byte) Request {
	return Request{Method: http.MethodPost, Request: path, Body: text(body)}
}

func text(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}
