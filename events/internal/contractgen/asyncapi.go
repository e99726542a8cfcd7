package main

import (
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/fiord-bench/fiord/events"
)

// The parts of an AsyncAPI 3.0 document that the contract needs
// (https://www.asyncapi.com/docs/reference/specification/v3.0.0).
type (
	asyncDocument struct {
		AsyncAPI           string                    `json:"asyncapi"`
		Info               asyncInfo                 `json:"info"`
		DefaultContentType string                    `json:"defaultContentType"`
		Servers            map[string]asyncServer    `json:"servers"`
		Channels           map[string]asyncChannel   `json:"channels"`
		Operations         map[string]asyncOperation `json:"operations"`
		Components         asyncComponents           `json:"components"`
	}
	asyncInfo struct {
		Title       string       `json:"title"`
		Version     string       `json:"version"`
		Description string       `json:"description"`
		License     asyncLicense `json:"license"`
	}
	asyncLicense struct {
		Name string `json:"name"`
	}
	asyncServer struct {
		Host     string `json:"host"`
		Protocol string `json:"protocol"`
	}
	asyncChannel struct {
		Address    string                    `json:"address"`
		Summary    string                    `json:"summary"`
		Parameters map[string]asyncParameter `json:"parameters,omitempty"`
		Messages   map[string]ref            `json:"messages"`
	}
	asyncParameter struct {
		Description string `json:"description"`
	}
	asyncOperation struct {
		Action   string     `json:"action"`
		Channel  ref        `json:"channel"`
		Messages []ref      `json:"messages"`
		Tags     []asyncTag `json:"tags"`
	}
	asyncTag struct {
		Name string `json:"name"`
	}
	asyncComponents struct {
		Messages map[string]asyncMessage `json:"messages"`
	}
	asyncMessage struct {
		Name        string             `json:"name"`
		Summary     string             `json:"summary"`
		ContentType string             `json:"contentType"`
		Payload     *jsonschema.Schema `json:"payload"`
	}
	ref struct {
		Ref string `json:"$ref"`
	}
)

func document(schemas map[events.Type]*jsonschema.Schema) asyncDocument {
	doc := asyncDocument{
		AsyncAPI: "3.0.0",
		Info: asyncInfo{
			Title: "fiord", Version: "1.0.0", License: asyncLicense{Name: "Apache-2.0"},
			Description: "Every event of fiord: CloudEvents 1.0 over NATS JetStream. Each service reacts to events and emits events; operations are named for the service that sends or receives.",
		},
		DefaultContentType: events.MediaType,
		Servers:            map[string]asyncServer{"local": {Host: "127.0.0.1:4222", Protocol: "nats"}},
		Channels:           map[string]asyncChannel{},
		Operations:         map[string]asyncOperation{},
		Components:         asyncComponents{Messages: map[string]asyncMessage{}},
	}
	for _, t := range events.Types() {
		doc.add(t, schemas[t])
	}
	return doc
}

func (d *asyncDocument) add(t events.Type, data *jsonschema.Schema) {
	name := t.Short()
	address, parameters := addressOf(t)
	message := ref{"#/components/messages/" + name}
	d.Channels[name] = asyncChannel{Address: address, Summary: t.Summary(), Parameters: parameters, Messages: map[string]ref{name: message}}
	d.Components.Messages[name] = asyncMessage{Name: string(t), Summary: t.Summary(), ContentType: events.MediaType, Payload: envelope(t, data)}
	channel := ref{"#/channels/" + name}
	within := []ref{{channel.Ref + "/messages/" + name}}
	for _, who := range t.Publishers() {
		d.Operations[who+".send."+name] = asyncOperation{Action: "send", Channel: channel, Messages: within, Tags: []asyncTag{{who}}}
	}
	for _, who := range t.Consumers() {
		d.Operations[who+".receive."+name] = asyncOperation{Action: "receive", Channel: channel, Messages: within, Tags: []asyncTag{{who}}}
	}
}

// addressOf is the subject with its route as parameters.
func addressOf(t events.Type) (string, map[string]asyncParameter) {
	owner := map[string]asyncParameter{
		"kind":  {Description: "host or pool"},
		"token": {Description: "The host's or pool's name; bytes other than letters, digits and hyphens are written _xx in hexadecimal."},
	}
	switch {
	case t.Ends() == "bench":
		return t.Subject() + ".end.{bench}", map[string]asyncParameter{"bench": {Description: "Id of the bench that ends."}}
	case t.Ends() == "run":
		owner["run"] = asyncParameter{Description: "Id of the run that ends."}
		return t.Subject() + ".end.{kind}.{token}.{run}", owner
	case t == events.TypeCancelRequested:
		return t.Subject() + ".{bench}", map[string]asyncParameter{"bench": {Description: "Id of the bench to stop."}}
	case t == events.TypeRunsRequested:
		return t.Subject() + ".{kind}.{token}", owner
	case t == events.TypeRunStarted:
		return t.Subject() + ".host.{token}", map[string]asyncParameter{"token": owner["token"]}
	}
	return t.Subject(), nil
}

// envelope is the schema of the whole CloudEvent in structured mode.
func envelope(t events.Type, data *jsonschema.Schema) *jsonschema.Schema {
	text := func(description string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", MinLength: ptr(uint64(1)), Description: description}
	}
	inner := *data
	inner.ID, inner.Version = "", ""
	props := jsonschema.NewProperties()
	props.Set("specversion", &jsonschema.Schema{Const: "1.0"})
	props.Set("id", text("Unique within source; hash of cause, type and key."))
	props.Set("source", text("The service: "+strings.Join(sources(t), ", ")+"."))
	props.Set("type", &jsonschema.Schema{Const: string(t)})
	props.Set("subject", text("Id of what the event is about."))
	props.Set("time", &jsonschema.Schema{Type: "string", Format: "date-time"})
	props.Set("datacontenttype", &jsonschema.Schema{Const: "application/json"})
	props.Set("correlationid", text("Id of the first event of the chain."))
	props.Set("causationid", text("Id of the event reacted to."))
	props.Set("traceparent", text("W3C Trace Context of the start of the chain."))
	props.Set("tracestate", text("W3C Trace Context of the start of the chain."))
	props.Set("data", &inner)
	return &jsonschema.Schema{Type: "object", Properties: props, Required: []string{"specversion", "id", "source", "type", "data"}}
}

func sources(t events.Type) []string {
	names := slices.Clone(t.Publishers())
	for i, n := range names {
		if n != events.People {
			names[i] = "fiord/" + n
		}
	}
	return names
}

func ptr[T any](v T) *T { return &v }
