package web_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/keys"
	"github.com/fiord-bench/fiord/services/ingest/web"
)

const (
	benchData  = `{"name":"a","jobs":[{"name":"a.fio","inline":"[a]\nrw=read\n"}]}`
	cancelData = `{"bench":"aaaaaaaaaaaaaaaaaaaaaaaaaa","reason":"enough","by":"a script"}`
)

func structured(id, typ, source, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":"dev.fiord.%s.v1","data":%s}`, id, source, typ, data)
}

func bearer(value, contentType string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + value, "Content-Type": contentType}
}

const (
	modeStructured = "application/cloudevents+json; charset=utf-8"
	modeBatch      = "application/cloudevents-batch+json"
)

func TestCloudEventsInEveryMode(t *testing.T) {
	d := open(t, nil)
	one := structured("1", "bench.requested", "//lab/script", benchData)
	two := structured("2", "cancel.requested", "//lab/script", cancelData)
	a := accepted(t, d.send("POST", "/events", one, bearer(token, modeStructured)), 202)
	if len(a.Events) != 1 || a.Events[0].ID != "1" || len(a.Events[0].Bench) != 26 {
		t.Errorf("structured: %+v, want the bench's id", a)
	}
	b := accepted(t, d.send("POST", "/events", "["+one+","+two+"]", bearer(token, modeBatch)), 202)
	if len(b.Events) != 2 || !b.Events[0].Duplicate || b.Events[1].Duplicate || b.Events[0].Bench != a.Events[0].Bench {
		t.Errorf("batch: %+v", b)
	}
	binary := bearer(token, "application/json")
	for k, v := range map[string]string{"ce-specversion": "1.0", "ce-id": "3", "ce-source": "//lab/script", "ce-type": "dev.fiord.bench.requested.v1"} {
		binary[k] = v
	}
	c := accepted(t, d.send("POST", "/events", benchData, binary), 202)
	if len(c.Events) != 1 || c.Events[0].ID != "3" {
		t.Errorf("binary: %+v", c)
	}
	if n := d.stored(); n != 3 {
		t.Errorf("%d events are stored, want 3", n)
	}
}

func TestSignedEvents(t *testing.T) {
	d := open(t, nil)
	body := structured("1", "cancel.requested", "//lab/script", cancelData)
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	header := map[string]string{
		"Content-Type": modeStructured, "X-Fiord-Timestamp": stamp, "X-Fiord-Signature": mac(narrow, stamp, ".", body),
	}
	accepted(t, d.send("POST", "/events", body, header), 202)
	refusal(t, d.send("POST", "/events", body+" ", header), 403, "does not match")
	header["Content-Type"] = "application/json"
	refusal(t, d.send("POST", "/events", body, header), 401, "send structured mode")
	old := strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	refusal(t, d.send("POST", "/events", body, map[string]string{
		"Content-Type": modeStructured, "X-Fiord-Timestamp": old, "X-Fiord-Signature": mac(narrow, old, ".", body),
	}), 403, "check both clocks")
}

func TestEventsThatAreRefused(t *testing.T) {
	d := open(t, func(o *web.Options) { o.Limits.Batch = 2; o.Limits.Refusals = 1000 })
	good := structured("1", "bench.requested", "//lab/script", benchData)
	tests := map[string]struct {
		body   string
		header map[string]string
		status int
		says   string
	}{
		"no token":               {good, map[string]string{"Content-Type": modeStructured}, 401, "Authorization: Bearer"},
		"unknown token":          {good, bearer("guess", modeStructured), 401, "not valid"},
		"empty token":            {good, bearer("", modeStructured), 401, ""},
		"type not granted":       {good, bearer(narrow, modeStructured), 403, `"canceller" may not send dev.fiord.bench.requested.v1`},
		"type for services":      {structured("1", "push.ignored", "//lab/script", pushIgnored), bearer(token, modeStructured), 403, "may not send"},
		"source of a service":    {structured("1", "bench.requested", "fiord/ingest", benchData), bearer(token, modeStructured), 403, "a service's own"},
		"unknown content type":   {good, bearer(token, "application/xml"), 415, "application/cloudevents+json"},
		"no JSON":                {"{", bearer(token, modeStructured), 422, ""},
		"unknown type":           {structured("1", "bench.wished", "//lab/script", benchData), bearer(token, modeStructured), 422, "bench.wished"},
		"another version":        {strings.Replace(good, ".v1", ".v2", 1), bearer(token, modeStructured), 422, "v1"},
		"missing field":          {structured("1", "bench.requested", "//lab/script", `{"name":"a","jobs":[]}`), bearer(token, modeStructured), 422, "jobs"},
		"misspelt field":         {structured("1", "bench.requested", "//lab/script", strings.Replace(benchData, `"name":"a",`, `"name":"a","repeats":3,`, 1)), bearer(token, modeStructured), 422, "repeats"},
		"binary without headers": {benchData, bearer(token, "application/json"), 422, "ce-type"},
		"empty batch":            {"[]", bearer(token, modeBatch), 422, "0 events"},
		"batch too long":         {"[" + good + "," + good + "," + good + "]", bearer(token, modeBatch), 422, "1 to 2"},
		"batch with a bad one":   {"[" + good + "," + structured("2", "bench.requested", "//lab/script", "{}") + "]", bearer(token, modeBatch), 422, "event 2 of 2"},
		"batch partly granted":   {"[" + structured("2", "cancel.requested", "//s", cancelData) + "," + good + "]", bearer(narrow, modeBatch), 403, "event 2 of 2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			refusal(t, d.send("POST", "/events", tt.body, tt.header), tt.status, tt.says)
		})
	}
	if n := d.stored(); n != 0 {
		t.Errorf("%d events are stored of refused requests", n)
	}
}

const pushIgnored = `{"push":"aaaaaaaaaaaaaaaaaaaaaaaaaa","repo":{"forge":"git","name":"a/b","clone_url":"https://h/a"},"ref":"refs/heads/main",
"before":"6dcb09b5b57875f334f61aebed695e2e4193db5e","after":"a10867b14bb761a232cd80139fbd4c0d33264240","reason":"none"}`

func TestHandshake(t *testing.T) {
	d := open(t, nil)
	resp := d.send("OPTIONS", "/events", "", map[string]string{"WebHook-Request-Origin": "events.storage-lab.example", "WebHook-Request-Rate": "120"})
	if resp.StatusCode != 200 || resp.Header.Get("WebHook-Allowed-Origin") != "events.storage-lab.example" ||
		resp.Header.Get("WebHook-Allowed-Rate") == "" || !strings.Contains(resp.Header.Get("Allow"), "POST") {
		t.Errorf("status %d, headers %v", resp.StatusCode, resp.Header)
	}
}

const stateChange = `{"version":"0","id":"7bf73129-1428-4cd3-a780-95db273d1602","detail-type":"EC2 Instance State-change Notification",
"source":"aws.ec2","account":"123456789012","time":"2026-03-14T09:26:53Z","region":"eu-central-1",
"resources":["arn:aws:ec2:eu-central-1:123456789012:instance/i-abcd1111"],"detail":{"instance-id":"i-abcd1111","state":"running"}}`

func TestEventBridge(t *testing.T) {
	d := open(t, nil)
	a := accepted(t, d.send("POST", "/eventbridge", stateChange, bearer(token, "application/json")), 202)
	b := accepted(t, d.send("POST", "/eventbridge", stateChange, bearer(token, "application/json; charset=utf-8")), 202)
	if a.Events[0].Type != "dev.fiord.instance.changed.v1" || a.Events[0].Duplicate || !b.Events[0].Duplicate {
		t.Errorf("first %+v, retried %+v", a, b)
	}
	refusal(t, d.send("POST", "/eventbridge", stateChange, map[string]string{"Content-Type": "application/json"}), 401, "API destination")
	refusal(t, d.send("POST", "/eventbridge", stateChange, bearer(narrow, "application/json")), 403, "may not send")
	refusal(t, d.send("POST", "/eventbridge", strings.Replace(stateChange, "aws.ec2", "aws.s3", 1), bearer(token, "application/json")), 422, "event pattern")
	refusal(t, d.send("POST", "/eventbridge", strings.Replace(stateChange, `"i-abcd1111"`, `""`, 2), bearer(token, "application/json")), 422, "instance")
	refusal(t, d.send("POST", "/eventbridge", "[", bearer(token, "application/json")), 422, "EventBridge")
}

// A request over HTTP names the token that made it, whatever its sender wrote,
// and is judged by the operator's rule about that token.
func TestRequestsOfTokensAreJudged(t *testing.T) {
	policy, err := repos.Parse("repos.yaml", []byte("version: 1\nrules:\n- {repositories: [lab/one], volumes: [data]}\n- {tokens: [token-1], pools: [default]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.Simple("", token+"\n"+token+"-another")
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, func(o *web.Options) {
		o.Policy, o.Keys = func() *repos.Policy { return policy }, func() *keys.Ring { return ring }
		o.Limits.Refusals = 1000
	})
	event := func(id, extra string) string {
		return structured(id, "bench.requested", "//lab/script", strings.TrimSuffix(benchData, "}")+extra+"}")
	}
	origin := `,"origin":{"repo":{"forge":"git","name":"lab/one","clone_url":"https://git.example/lab/one"},"ref":"refs/heads/main","commit":"` + strings.Repeat("a", 40) + `"}`
	as := `,"requester":{"right":"person","name":"administrator"}`
	accepted(t, d.send("POST", "/events", event("1", as), bearer(token, modeStructured)), 202)
	for says, body := range map[string]string{
		"may not speak for repository lab/one": event("2", origin),
		"is not allowed to this token":         event("3", as+`,"volume":"data"`),
		"confirms is set":                      event("4", `,"confirms":"aaaaaaaaaaaaaaaaaaaaaaaaaa"`),
		"may not make a discovery.requested":   structured("5", "discovery.requested", "//lab/script", `{"by":"x"}`),
	} {
		refusal(t, d.send("POST", "/events", body, bearer(token, modeStructured)), 403, says)
	}
	refusal(t, d.send("POST", "/events", event("6", as), bearer(token+"-another", modeStructured)), 403, "no rule of the operator")
	if n := d.stored(); n != 1 {
		t.Errorf("%d events are stored, want 1", n)
	}
}
