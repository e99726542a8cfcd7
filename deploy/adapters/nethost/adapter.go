package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// request and response are an engine's, as the protocol wraps them.
type request struct {
	Method  string  `json:"Method"`
	Request string  `json:"Request"`
	Body    *string `json:"Body"`
}

type response struct {
	ContentType string  `json:"ContentType"`
	Body        *string `json:"Body"`
	Code        int     `json:"Code"`
}

type message struct {
	Version  int       `json:"PowerstripProtocolVersion"`
	Type     string    `json:"Type"`
	Request  request   `json:"ClientRequest"`
	Response *response `json:"ServerResponse,omitempty"`
}

type answer struct {
	Version  int       `json:"PowerstripProtocolVersion"`
	Request  *request  `json:"ModifiedClientRequest,omitempty"`
	Response *response `json:"ModifiedServerResponse,omitempty"`
}

// adapter answers hooks.
type adapter struct {
	engine   *engine
	variable string
	cidr     string
	log      *slog.Logger

	mu      sync.Mutex
	holders map[string]string // network-only container by NetworkMode
}

func newAdapter(e *engine, variable, cidr string, log *slog.Logger) *adapter {
	return &adapter{engine: e, variable: variable, cidr: cidr, log: log, holders: map[string]string{}}
}

func (a *adapter) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/ping", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "pong") })
	mux.HandleFunc("POST /v1/adapter", a.serve)
	return mux
}

func (a *adapter) serve(w http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<20)).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, err := a.answer(r.Context(), m)
	if err != nil {
		a.log.Error("hook failed", "type", m.Type, "request", m.Request.Request, "error", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

func (a *adapter) answer(ctx context.Context, m message) (answer, error) {
	out := answer{Version: 1}
	if m.Version != 1 {
		return out, fmt.Errorf("protocol version %d is not 1", m.Version)
	}
	creates := strings.HasSuffix(m.Request.Request, "/containers/create")
	switch {
	case m.Type == "pre-hook" && creates && m.Request.Body != nil:
		body, err := a.rewrite(ctx, *m.Request.Body)
		m.Request.Body = &body
		out.Request = &m.Request
		return out, err
	case m.Type == "pre-hook":
		out.Request = &m.Request
	case m.Type == "post-hook" && m.Response != nil:
		if creates {
			a.follow(m)
		}
		out.Response = m.Response
	default:
		return out, fmt.Errorf("hook of type %q", m.Type)
	}
	return out, nil
}

// rewrite starts the network's holder and points the request at it.
func (a *adapter) rewrite(ctx context.Context, body string) (string, error) {
	var create map[string]any
	if err := json.Unmarshal([]byte(body), &create); err != nil {
		return "", fmt.Errorf("read create request: %w", err)
	}
	cidr := a.wanted(create)
	if cidr == "" {
		return body, nil
	}
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", a.variable, err)
	}
	network, err := a.engine.network(ctx, prefix)
	if err != nil {
		return "", err
	}
	image, _ := create["Image"].(string)
	labels, _ := create["Labels"].(map[string]any)
	holder, err := a.engine.hold(ctx, image, network, labels)
	if err != nil {
		return "", err
	}
	host, _ := create["HostConfig"].(map[string]any)
	if host == nil {
		host = map[string]any{}
		create["HostConfig"] = host
	}
	mode := "container:" + holder
	host["NetworkMode"] = mode
	create["NetworkDisabled"] = false
	delete(create, "Hostname") // it is the holder's
	a.mu.Lock()
	a.holders[mode] = holder
	a.mu.Unlock()
	changed, err := json.Marshal(create)
	return string(changed), err
}

// wanted is the subnet that a request asks for.
func (a *adapter) wanted(create map[string]any) string {
	env, _ := create["Env"].([]any)
	for _, entry := range env {
		if text, ok := entry.(string); ok {
			if cidr, found := strings.CutPrefix(text, a.variable+"="); found {
				return cidr
			}
		}
	}
	return a.cidr
}

// follow removes the holder once the container it was made for is gone.
func (a *adapter) follow(m message) {
	var create struct {
		HostConfig struct {
			NetworkMode string `json:"NetworkMode"`
		} `json:"HostConfig"`
	}
	var made struct {
		ID string `json:"Id"`
	}
	if m.Request.Body == nil || json.Unmarshal([]byte(*m.Request.Body), &create) != nil ||
		m.Response.Body == nil || json.Unmarshal([]byte(*m.Response.Body), &made) != nil {
		return
	}
	a.mu.Lock()
	holder := a.holders[create.HostConfig.NetworkMode]
	delete(a.holders, create.HostConfig.NetworkMode)
	a.mu.Unlock()
	if holder == "" {
		return
	}
	go func() {
		ctx := context.Background() // as long as the container lives
		if err := a.engine.awaitRemoval(ctx, made.ID); err != nil {
			a.log.Warn("container is out of sight", "container", made.ID, "error", err)
		}
		if err := a.engine.remove(ctx, holder); err != nil {
			a.log.Error("network holder is left behind", "container", holder, "error", err)
		}
	}()
}
