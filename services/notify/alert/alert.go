// Package alert opens and resolves alerts where on-call people have them:
// PagerDuty and Alertmanager.
//
// An alert's key is the shift, so that however many reports tell of a regression,
// it is one alert, which the report of its end resolves. What has no end of its
// own, such as a lost host, is closed by people or, in Alertmanager, by time.
package alert

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// key is the same for all that tells of one thing; over tells that it has ended.
func key(n notice.Notice) (key string, over bool) {
	switch {
	case n.Shift != nil:
		return "fiord/shift/" + n.Shift.Since, false
	case n.Recovered != nil:
		return "fiord/shift/" + n.Recovered.Since, true
	case n.Event.Type == events.TypeHostLost:
		return "fiord/host/" + strings.Join(n.Hosts, ","), false
	default:
		return "fiord/event/" + n.Event.ID, false
	}
}

// repo is the repository's name, "" when there is none.
func repo(n notice.Notice) string {
	if n.Commit == nil {
		return ""
	}
	return n.Commit.Repo.Name
}

// ref is what was measured, as in refs/heads/main.
func ref(n notice.Notice) string {
	if n.Commit == nil {
		return ""
	}
	return n.Commit.Ref
}

// PagerDuty is an integration of a PagerDuty service by the Events API v2.
type PagerDuty struct {
	address, routingKey string
	client              *post.Client
}

// NewPagerDuty prepares an integration by its key. The API is at address:
// https://events.pagerduty.com/v2/enqueue, or the EU's.
func NewPagerDuty(address, routingKey string, client *post.Client) *PagerDuty {
	return &PagerDuty{address, routingKey, client}
}

// maxSummary is PagerDuty's limit, in characters; bytes are never fewer.
const maxSummary = 1024

// severities are PagerDuty's for the levels.
var severities = map[notice.Level]string{notice.Good: "info", notice.Info: "info", notice.Warning: "warning", notice.Bad: "error"}

type pagerEvent struct {
	RoutingKey string       `json:"routing_key"`
	Action     string       `json:"event_action"`
	DedupKey   string       `json:"dedup_key"`
	Payload    pagerPayload `json:"payload"`
	Links      []pagerLink  `json:"links,omitempty"`
	Client     string       `json:"client"`
}

type pagerPayload struct {
	Summary   string            `json:"summary"`
	Source    string            `json:"source"`
	Severity  string            `json:"severity"`
	Timestamp time.Time         `json:"timestamp"`
	Component string            `json:"component,omitempty"`
	Group     string            `json:"group,omitempty"`
	Class     string            `json:"class"`
	Details   map[string]string `json:"custom_details"`
}

type pagerLink struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// Send triggers an alert, or resolves it.
func (p *PagerDuty) Send(ctx context.Context, n notice.Notice) error {
	dedup, over := key(n)
	e := pagerEvent{
		RoutingKey: p.routingKey, Action: "trigger", DedupKey: dedup, Client: "fiord",
		Payload: pagerPayload{
			Summary: notice.Cut(n.Title, maxSummary), Severity: severities[n.Level], Timestamp: n.Event.Time.UTC(),
			Source: cmp.Or(strings.Join(n.Hosts, ","), repo(n), "fiord"), Component: n.Bench, Group: repo(n),
			Class: n.Event.Type.Noun() + "." + n.Event.Type.Verb(), Details: map[string]string{"text": n.Text},
		},
	}
	if over {
		e.Action = "resolve"
	}
	for _, f := range n.Fields {
		e.Payload.Details[f.Name] = f.Value
	}
	if n.URL != "" {
		e.Links = []pagerLink{{n.URL, "Report"}}
	}
	req, err := post.JSON(p.address, nil, e)
	if err != nil {
		return err
	}
	return p.client.Do(ctx, req)
}

// Alertmanager is a Prometheus Alertmanager, by its API v2.
type Alertmanager struct {
	base   string
	header http.Header
	client *post.Client
}

// NewAlertmanager prepares the Alertmanager whose start page is at base. Behind a
// proxy that asks for it there is a user with a password, or a bearer token.
func NewAlertmanager(base, user, password, token string, client *post.Client) *Alertmanager {
	h := post.Bearer("Bearer", token)
	if user != "" {
		h = post.Bearer("Basic", base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
	return &Alertmanager{strings.TrimSuffix(base, "/"), h, client}
}

// lasts is how long an alert fires without another report. Alertmanager resolves
// in minutes what says no end, but benches may be a week apart.
const lasts = 8 * 24 * time.Hour

type managed struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt,omitzero"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// names of the alerts by what they are about.
var names = map[events.Type]string{
	events.TypeBenchReported: "FiordBench", events.TypeBenchUnplaced: "FiordBenchUnplaced", events.TypeHostLost: "FiordHostLost",
}

// Send posts one alert. Its labels are its identity, so nothing that changes from
// report to report is among them.
func (a *Alertmanager) Send(ctx context.Context, n notice.Notice) error {
	id, over := key(n)
	m := managed{
		Labels:      map[string]string{"alertname": cmp.Or(names[n.Event.Type], "Fiord"), "job": "fiord", "key": id},
		Annotations: map[string]string{"summary": n.Title, "description": n.Text},
		StartsAt:    n.Event.Time.UTC(), EndsAt: n.Event.Time.UTC().Add(lasts), GeneratorURL: n.URL,
	}
	for name, value := range map[string]string{"repo": repo(n), "ref": ref(n), "bench": n.Bench} {
		if value != "" {
			m.Labels[name] = value
		}
	}
	if n.Event.Type == events.TypeHostLost {
		m.Labels["instance"] = strings.Join(n.Hosts, ",")
	}
	if over {
		m.StartsAt, m.EndsAt = time.Time{}, n.Event.Time.UTC()
	}
	req, err := post.JSON(a.base+"/api/v2/alerts", a.header.Clone(), []managed{m})
	if err != nil {
		return err
	}
	return a.client.Do(ctx, req)
}
