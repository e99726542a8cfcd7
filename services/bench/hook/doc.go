// Package hook calls adapters around requests to a container engine, in the
// Powerstrip protocol, version 1.
//
// An adapter is an HTTP server. Before a request (pre-hook) it gets
//
//	{"PowerstripProtocolVersion": 1, "Type": "pre-hook",
//	 "ClientRequest": {"Method": "POST", "Request": "/v1.41/containers/create", "Body": "{…}"}}
//
// and answers with ModifiedClientRequest of the same form; after it (post-hook)
// it also gets ServerResponse {"ContentType", "Body", "Code"} and answers with
// ModifiedServerResponse. Body is the engine's JSON as a string, or null.
//
// Adapters are chained: pre-hooks in configured order, each on what the one
// before made of the body, post-hooks in the opposite order, as the answer
// travels back. Only the host's operator configures them, and only on requests
// that fiord itself makes.
package hook
