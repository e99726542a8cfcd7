package web

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits cap what senders may cost. They are all here.
type Limits struct {
	// Body of one request, in bytes. GitHub sends up to 25 MB.
	Body int64
	// Header of one request, in bytes.
	Header int
	// Read is how long a request may take to arrive, Write how long the answer
	// may take, Idle how long a connection may wait for its next request.
	Read, Write, Idle time.Duration
	// Publish is how long JetStream may take to acknowledge all of a request.
	// Forges give up after 10 s.
	Publish time.Duration
	// Concurrent requests; more are answered 503 at once, before their bodies
	// are read. Times Body this bounds the memory.
	Concurrent int
	// Rate of requests per second of one source address, and the Burst it may
	// save up.
	Rate  float64
	Burst int
	// Refusals per second of one source address: guesses at secrets.
	Refusals float64
	// Sources that are told apart; beyond them the oldest is forgotten.
	Sources int
	// Batch is how many events one request may hold.
	Batch int
}

// DefaultLimits suit forges and scripts of one site.
func DefaultLimits() Limits {
	return Limits{
		Body: 26 << 20, Header: 64 << 10,
		Read: 10 * time.Second, Write: 20 * time.Second, Idle: 60 * time.Second,
		Publish:    7 * time.Second,
		Concurrent: 256,
		Rate:       10_000, Burst: 20_000, Refusals: 5, Sources: 10_000,
		Batch: 100,
	}
}

// Validate reports limits that let nothing or everything through.
func (l Limits) Validate() error {
	if l.Body <= 0 || l.Header <= 0 || l.Concurrent <= 0 || l.Batch <= 0 || l.Sources <= 0 || l.Burst <= 0 {
		return errors.New("limits: body, header, concurrent, batch, sources and burst must be positive")
	}
	if l.Read <= 0 || l.Write <= 0 || l.Idle <= 0 || l.Publish <= 0 || l.Rate <= 0 || l.Refusals <= 0 {
		return errors.New("limits: read, write, idle, publish, rate and refusals must be positive")
	}
	if l.Publish >= l.Write {
		return errors.New("limits: publish must be shorter than write, or the sender never learns how it ended")
	}
	return nil
}

// gate holds requests to the limits before anything of them is read.
type gate struct {
	limits Limits
	places chan struct{}

	mu      sync.Mutex
	sources map[string]*source
	order   []string // of arrival, for forgetting
}

type source struct {
	requests, refusals *rate.Limiter
}

func newGate(l Limits) *gate {
	return &gate{limits: l, places: make(chan struct{}, l.Concurrent), sources: map[string]*source{}}
}

// enter takes a place, or tells why there is none. The caller calls leave.
func (g *gate) enter(r *http.Request) (leave func(), err error) {
	src := g.source(r)
	if src.refusals.Tokens() < 1 {
		return nil, problem("too-many", "too many requests from your address had no valid signature or token: check the secret").after(10 * time.Second)
	}
	if !src.requests.Allow() {
		return nil, problem("too-many", fmt.Sprintf("more than %g requests per second from your address: send less, or batches", g.limits.Rate)).after(time.Second)
	}
	select {
	case g.places <- struct{}{}:
		return func() { <-g.places }, nil
	default:
		return nil, problem("unavailable", "too many requests at once: try again").after(time.Second)
	}
}

// refused counts a guess.
func (g *gate) refused(r *http.Request) { g.source(r).refusals.Allow() }

// source finds the counters of an address. Behind a load balancer that is the
// balancer's; its own limits count there.
func (g *gate) source(r *http.Request) *source {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if s, ok := g.sources[host]; ok {
		return s
	}
	if len(g.order) >= g.limits.Sources {
		delete(g.sources, g.order[0])
		g.order = g.order[1:]
	}
	const guesses = 20 // before the rate of refusals counts
	s := &source{
		requests: rate.NewLimiter(rate.Limit(g.limits.Rate), g.limits.Burst),
		refusals: rate.NewLimiter(rate.Limit(g.limits.Refusals), guesses),
	}
	g.sources[host] = s
	g.order = append(g.order, host)
	return s
}

// body reads a request's body up to the limit.
func (g *gate) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > g.limits.Body {
		return nil, g.tooLarge()
	}
	var buf bytes.Buffer
	const usual = 64 << 10 // what is announced and larger grows as it arrives
	buf.Grow(int(min(max(r.ContentLength, 0), usual)) + bytes.MinRead)
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, g.limits.Body))
	var over *http.MaxBytesError
	var timeout net.Error
	switch {
	case errors.As(err, &over):
		return nil, g.tooLarge()
	case errors.As(err, &timeout) && timeout.Timeout():
		return nil, problem("timeout", fmt.Sprintf("the body did not arrive within %v", g.limits.Read))
	case err != nil:
		return nil, problem("malformed", "the body broke off: "+err.Error())
	case buf.Len() == 0:
		return nil, problem("malformed", "the body is empty")
	}
	return buf.Bytes(), nil
}

func (g *gate) tooLarge() *Problem {
	return problem("too-large", fmt.Sprintf("at most %d bytes are taken: store what is large and send a claim check, "+
		"or let the forge send fewer commits", g.limits.Body))
}
