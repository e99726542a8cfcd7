package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/events"
)

func TestEveryTypeHasAnExampleThatIsValidBothWays(t *testing.T) {
	examples := events.Examples()
	if len(examples) != len(events.Types()) {
		t.Fatalf("%d examples of %d types", len(examples), len(events.Types()))
	}
	for i, want := range examples {
		if want.Type != events.Types()[i] {
			t.Fatalf("example %d is of %s, want %s", i, want.Type, events.Types()[i])
		}
		raw, err := events.Example(want.Type)
		if err != nil {
			t.Fatal(err)
		}
		got, err := events.ReadForeign(raw)
		if err != nil {
			t.Errorf("%s: the stored example is not accepted: %v", want.Type, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: stored example differs (run go generate):\n%s", want.Type, diff)
		}
		written, err := events.Marshal(got)
		if err != nil {
			t.Errorf("%s: %v", want.Type, err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(compact.String(), string(written)); diff != "" {
			t.Errorf("%s: written differently than it was read:\n%s", want.Type, diff)
		}
	}
}

// The envelope is written by hand for speed; the SDK must read the same event.
func TestSDKReadsWhatWeWrite(t *testing.T) {
	for _, want := range events.Examples() {
		want.TraceParent, want.TraceState = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", `a="b",c=é`
		raw, err := events.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var sdk ce.Event
		if err := json.Unmarshal(raw, &sdk); err != nil {
			t.Fatalf("%s: %v", want.Type, err)
		}
		if err := sdk.Validate(); err != nil {
			t.Errorf("%s: %v", want.Type, err)
		}
		got, err := events.FromCloudEvent(sdk)
		if err != nil {
			t.Fatalf("%s: %v", want.Type, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the SDK reads another event:\n%s", want.Type, diff)
		}
	}
}

func TestWeReadWhatTheSDKWrites(t *testing.T) {
	for _, want := range events.Examples() {
		sdk, err := events.ToCloudEvent(want)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(sdk)
		if err != nil {
			t.Fatal(err)
		}
		got, err := events.Unmarshal(raw)
		if err != nil {
			t.Fatalf("%s: %v", want.Type, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s differs:\n%s", want.Type, diff)
		}
	}
}

// What services write must take the fast path, or it is none.
func TestOwnEventsAreReadFast(t *testing.T) {
	for _, want := range events.Examples() {
		raw, err := events.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := events.UnmarshalOwn(raw)
		if !ok {
			t.Errorf("%s takes the slow path", want.Type)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s differs:\n%s", want.Type, diff)
		}
	}
}

func TestBase64DataIsRead(t *testing.T) {
	raw := `{"specversion":"1.0","id":"1","source":"s","type":"dev.fiord.push.approved.v1","data_base64":"eyJwdXNoIjoiYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWEiLCJieSI6Im1lIn0="}`
	e, err := events.Unmarshal([]byte(raw))
	if err != nil || e.Data.(events.PushApproved).By != "me" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestBadEventsAreRefusedByName(t *testing.T) {
	const head = `{"specversion":"1.0","id":"1","source":"s","type":"dev.fiord.`
	for _, c := range []struct {
		name, raw string
		is        error
		says      string
	}{
		{"no JSON", `hello`, events.ErrEnvelope, "malformed CloudEvent"},
		{"an array", `[]`, events.ErrEnvelope, "a JSON array, where one event"},
		{"nothing", ` `, events.ErrEnvelope, "the message is empty"},
		{"id is a number", `{"specversion":"1.0","id":1}`, events.ErrEnvelope, "attribute id is a JSON number"},
		{"no id", `{"specversion":"1.0","source":"s","type":"x","data":{}}`, events.ErrEnvelope, "attribute id is missing"},
		{"no source", `{"specversion":"1.0","id":"1","type":"x","data":{}}`, events.ErrEnvelope, "attribute source is missing"},
		{"old specversion", `{"specversion":"0.3","id":"1","source":"s","type":"x","data":{}}`, events.ErrEnvelope, `attribute specversion is "0.3"`},
		{"no data", head + `host.lost.v1"}`, events.ErrEnvelope, "data is missing"},
		{"XML data", head + `host.lost.v1","datacontenttype":"text/xml","data":{}}`, events.ErrEnvelope, "datacontenttype"},
		{"bad time", head + `host.lost.v1","time":"noon","data":{}}`, events.ErrEnvelope, "attribute time"},
		{"foreign type", `{"specversion":"1.0","id":"1","source":"s","type":"com.example.x","data":{}}`, events.ErrUnknownType, `does not start with "dev.fiord."`},
		{"unknown noun", head + `disk.lost.v1","data":{}}`, events.ErrUnknownType, "no type"},
		{"wrong version", head + `host.lost.v2","data":{}}`, events.ErrVersion, "v1 of it, not v2"},
		{"malformed type", head + `host","data":{}}`, events.ErrUnknownType, "<noun>.<verb>"},
		{"missing fields", head + `push.approved.v1","data":{}}`, nil, "push is missing; by is missing"},
		{"wrong JSON type", head + `push.approved.v1","data":{"push":7}}`, nil, "push is a JSON number where a string is wanted"},
		{"wrong type deep inside", head + `bench.requested.v1","data":{"name":"n","jobs":[{"name":7}]}}`, nil, "jobs[0].name is a JSON number"},
		{"unknown field", head + `push.approved.v1","data":{"push":"aaaaaaaaaaaaaaaaaaaaaaaaaa","by":"x","bye":1}}`, nil, "bye is not a field of this type"},
		{"not an id", head + `push.approved.v1","data":{"push":"../x","by":"x"}}`, nil, `push is "../x", not an id`},
		{"oversized", head + `push.approved.v1","data":{"by":"` + strings.Repeat("x", events.MaxData) + `"}}`, events.ErrTooLarge, "claim check"},
		{"bad duration", head + `bench.requested.v1","data":{"name":"n","jobs":[],"timeout":"soon"}}`, nil, `timeout is not readable: "soon" is not a duration`},
	} {
		_, err := events.ReadForeign([]byte(c.raw))
		switch {
		case err == nil:
			t.Errorf("%s: accepted", c.name)
		case c.is != nil && !errors.Is(err, c.is):
			t.Errorf("%s: %v, want %v", c.name, err, c.is)
		case !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: %q does not say %q", c.name, err, c.says)
		}
		var invalid *events.Invalid
		if c.is == nil && !errors.As(err, &invalid) {
			t.Errorf("%s: %T names no fields", c.name, err)
		}
	}
}

// A newer service may add fields: older ones pass over them on the bus.
func TestUnknownFieldsPassOnTheBus(t *testing.T) {
	raw := `{"specversion":"1.0","id":"1","source":"fiord/x","type":"dev.fiord.push.approved.v1","later":"x","data":{"push":"aaaaaaaaaaaaaaaaaaaaaaaaaa","by":"x","later":{"a":[1]}}}`
	if _, err := events.Unmarshal([]byte(raw)); err != nil {
		t.Error(err)
	}
}

func TestOversizedDataIsNotWritten(t *testing.T) {
	bench := events.BenchRequested{Name: "n"}
	for i := range 100 {
		bench.Jobs = append(bench.Jobs, events.Job{Name: strings.Repeat("j", 490) + string(rune('a'+i%26)) + string(rune('a'+i/26)), URL: "https://example.com/" + strings.Repeat("u", 300)})
	}
	_, err := events.Marshal(events.New("fiord/test", "k", nil, bench))
	if !errors.Is(err, events.ErrTooLarge) {
		t.Errorf("%v, want ErrTooLarge", err)
	}
}

func TestSchemasAgreeWithCompiledChecks(t *testing.T) {
	for _, e := range events.Examples() {
		raw, err := events.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := events.CheckForeign(e.Type, raw); err != nil {
			t.Errorf("%s: compiled checks accept what the schema refuses: %v", e.Type, err)
		}
	}
}

func TestAsyncAPINamesEveryType(t *testing.T) {
	var doc struct {
		AsyncAPI   string `json:"asyncapi"`
		Channels   map[string]struct{ Address string }
		Operations map[string]struct{ Action string }
	}
	if err := json.Unmarshal(events.AsyncAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.AsyncAPI != "3.0.0" {
		t.Errorf("asyncapi %q", doc.AsyncAPI)
	}
	for _, typ := range events.Types() {
		if !strings.HasPrefix(doc.Channels[typ.Short()].Address, typ.Subject()) {
			t.Errorf("%s: channel address %q", typ, doc.Channels[typ.Short()].Address)
		}
		for _, who := range typ.Publishers() {
			if doc.Operations[who+".send."+typ.Short()].Action != "send" {
				t.Errorf("%s: no operation in which %s sends it", typ, who)
			}
		}
	}
}
