// Package post sends one HTTP request to a target and sorts the answer. It is
// the one place where time, size and redirects are bounded for all of them.
package post

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/services/notify/notice"
)

const (
	// maxAnswer is how much of an answer is read: enough for its first words.
	maxAnswer = 4 << 10
	// maxDocument is how much of one is read that is needed.
	maxDocument = 1 << 20
	// maxWords is how much of it stands in an error.
	maxWords = 300
	// maxWait caps how long a target may ask us to stay away.
	maxWait = time.Hour
)

// Client talks to one target. Addresses are the operator's, so private ones are
// as good as public ones; a redirect would lead elsewhere, so none is followed.
type Client struct {
	http    *http.Client
	timeout time.Duration
}

// New makes a client whose requests take at most timeout.
func New(timeout time.Duration) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 4
	return &Client{
		timeout: timeout,
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Request is what to send.
type Request struct {
	// Method defaults to POST.
	Method string
	URL    string
	// Header in addition to the User-Agent.
	Header http.Header
	Body   []byte
	// Accept lists answers outside 200–299 that mean success after all.
	Accept func(status int, answer []byte) bool
	// Refuse finds an error in the body of an answer within 200–299; nil for
	// targets whose status says all.
	Refuse func(answer []byte) error
}

// JSON builds a request with a JSON body. Bodies are made of strings and
// numbers; one that cannot be encoded is refused.
func JSON(url string, header http.Header, body any) (Request, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return Request{}, notice.Refusal("encode body: %w", err)
	}
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return Request{URL: url, Header: header, Body: text}, nil
}

// Bearer is a header with a token, if there is one.
func Bearer(scheme, token string) http.Header {
	h := http.Header{}
	if token != "" {
		h.Set("Authorization", scheme+" "+token)
	}
	return h
}

// Do sends the request and returns nil if the target took it, else a
// [notice.SendError].
func (c *Client) Do(ctx context.Context, r Request) error {
	_, err := c.ask(ctx, r, maxAnswer)
	return err
}

// Ask sends the request and reads the JSON that the target answers into v.
func (c *Client) Ask(ctx context.Context, r Request, v any) error {
	answer, err := c.ask(ctx, r, maxDocument)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, v); err != nil {
		return &notice.SendError{Outcome: notice.Failed, Err: fmt.Errorf("answered what is no JSON%s", words(answer))}
	}
	return nil
}

// ask sends the request and returns the first bytes of the answer.
func (c *Client) ask(ctx context.Context, r Request, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, notice.Refusal("build request: %w", bare(err))
	}
	req.Header = r.Header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("User-Agent", "fiord-notify")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &notice.SendError{Outcome: notice.Away, Err: bare(err)}
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, most)) // the status counts, the words only help
	if resp.StatusCode/100 == 2 && r.Refuse != nil {
		return answer, r.Refuse(answer)
	}
	if resp.StatusCode/100 == 2 || r.Accept != nil && r.Accept(resp.StatusCode, answer) {
		return answer, nil
	}
	return nil, judge(resp, answer)
}

// bare takes the URL out of an error of net/http: it may hold a secret.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// judge sorts an answer that is no success.
func judge(resp *http.Response, answer []byte) error {
	e := &notice.SendError{Code: resp.StatusCode, Err: fmt.Errorf("answered %s%s", resp.Status, words(answer))}
	e.After = wait(resp.Header)
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusForbidden && limited(resp.Header):
		e.Outcome, e.After = notice.Busy, max(e.After, time.Second)
	case code == http.StatusServiceUnavailable && e.After > 0:
		e.Outcome = notice.Busy
	case code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		e.Outcome = notice.Away
	case code >= 500, code == http.StatusRequestTimeout, code == http.StatusConflict, code == http.StatusTooEarly:
		e.Outcome = notice.Failed
	case code/100 == 3:
		e.Outcome = notice.Refused
		e.Err = fmt.Errorf("answered %s: redirects are not followed, configure the final address", resp.Status)
	default:
		e.Outcome = notice.Refused
	}
	return e
}

// limited tells GitHub's refusals for haste from those for lack of rights.
func limited(h http.Header) bool {
	return h.Get("Retry-After") != "" || h.Get("X-Ratelimit-Remaining") == "0"
}

// wait reads when a target wants to be asked again; 0 if it doesn't say.
func wait(h http.Header) time.Duration {
	var d time.Duration
	if text := h.Get("Retry-After"); text != "" {
		if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 { // some say 0.35
			d = time.Duration(min(seconds, maxWait.Seconds()) * float64(time.Second))
		} else if at, err := http.ParseTime(text); err == nil {
			d = time.Until(at)
		}
	} else if unix, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64); err == nil && limited(h) {
		d = time.Until(time.Unix(unix, 0))
	}
	return min(max(d, 0), maxWait)
}

// words quotes the beginning of an answer.
func words(answer []byte) string {
	text := notice.OneLine(strings.Join(strings.Fields(string(answer)), " "), maxWords)
	if text == "" {
		return ""
	}
	return ": " + text
}
