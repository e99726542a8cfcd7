package creds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/nats-io/nats-server/v2/server"
)

// rights of one user in the form of nats-server's configuration.
type rights struct {
	NKey        string       `json:"nkey"`
	Permissions *permissions `json:"permissions,omitempty"`
}

type permissions struct {
	Publish   subjects   `json:"publish"`
	Subscribe subjects   `json:"subscribe"`
	Responses *responses `json:"allow_responses,omitempty"`
}

type subjects struct {
	Allow []string `json:"allow,omitempty"`
	Deny  []string `json:"deny,omitempty"`
}

type responses struct {
	Max     int    `json:"max"`
	Expires string `json:"expires"`
}

// ServerConfig writes users as nats-server's configuration takes them: a file
// to be included. It holds public keys only.
func ServerConfig(w io.Writer, users []*server.NkeyUser) error {
	list := make([]rights, 0, len(users))
	for _, u := range users {
		list = append(list, rights{u.Nkey, permissionsOf(u.Permissions)})
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // nats-server knows no \u003e
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(map[string]any{"users": list}); err != nil {
		return fmt.Errorf("write server configuration: %w", err)
	}
	_, err := fmt.Fprintf(w, "# Users of fiord and their rights, by public key. Include this file in\n# nats-server's configuration, with jetstream switched on.\nauthorization: %s", &text)
	return err
}

func permissionsOf(p *server.Permissions) *permissions {
	if p == nil {
		return nil
	}
	out := &permissions{Publish: subjectsOf(p.Publish), Subscribe: subjectsOf(p.Subscribe)}
	if r := p.Response; r != nil {
		out.Responses = &responses{r.MaxMsgs, r.Expires.String()}
	}
	return out
}

func subjectsOf(p *server.SubjectPermission) subjects {
	if p == nil {
		return subjects{}
	}
	return subjects{p.Allow, p.Deny}
}
