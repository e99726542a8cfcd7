package natsd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// Home is the account of the streams and of fiord's services.
const Home = "FIORD"

// User is one who may connect, by public key.
type User struct {
	NKey string
	// Permissions; nil for every right within the account.
	Permissions *server.Permissions
	// Account of a guest, which is its alone: bench hosts, people, sites. NATS does
	// not hold the reply subject of a request against the sender's rights. What a
	// guest has the server send anywhere stays within the guest's account, and of
	// that no more leaves it than what the guest may publish himself. "" is [Home].
	Account string
	// Leaf is a guest that is a server: a leaf node whose clients use the JetStream of
	// [Home] by its own names.
	Leaf bool
	// Answers are subjects on which the guest serves requests of [Home].
	Answers []string
}

// The documents below are nats-server's configuration as JSON.
type account struct {
	JetStream string     `json:"jetstream,omitempty"`
	Users     []rights   `json:"users,omitempty"`
	Exports   []export   `json:"exports,omitempty"`
	Imports   []imported `json:"imports,omitempty"`
}

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

type export struct {
	Service  string   `json:"service"`
	Response string   `json:"response_type,omitempty"`
	Accounts []string `json:"accounts,omitempty"`
}

type imported struct {
	Service source `json:"service"`
}

type source struct {
	Account string `json:"account"`
	Subject string `json:"subject"`
}

// exported are the subjects of [Home] of which guests get what they may publish.
func exported() []string { return []string{"fiord.>", "$JS.API.>", "$JS.ACK.>", "$KV.>", "$SRV.>"} }

func isExported(subject string) bool {
	return slices.ContainsFunc(exported(), func(e string) bool { return strings.HasPrefix(subject, strings.TrimSuffix(e, ">")) })
}

// Config writes users as nats-server's configuration takes them: accounts and the
// rights in them. It holds public keys only.
func Config(users []User) ([]byte, error) {
	home := account{JetStream: "enabled"}
	for _, subject := range exported() {
		home.Exports = append(home.Exports, export{Service: subject, Response: "Stream"})
	}
	accounts, domains := map[string]*account{Home: &home}, map[string]string{}
	for _, u := range users {
		one := rights{u.NKey, permissionsOf(u.Permissions)}
		if u.Account == "" {
			home.Users = append(home.Users, one)
			continue
		}
		if accounts[u.Account] != nil {
			return nil, fmt.Errorf("write server configuration: two users share the account %s", u.Account)
		}
		accounts[u.Account] = guest(u, one)
		if u.Leaf {
			domains[u.Account] = ""
		}
		for _, subject := range u.Answers {
			home.Imports = append(home.Imports, imported{source{u.Account, subject}})
		}
	}
	text, err := document("accounts", accounts)
	if err != nil || len(domains) == 0 {
		return text, err
	}
	more, err := document("default_js_domain", domains)
	return append(text, more...), err
}

// LeafConfig writes users of a leaf node, which has no streams and no accounts: it
// is one guest of the server that it connects to.
func LeafConfig(users []User) ([]byte, error) {
	var all []rights
	for _, u := range users {
		all = append(all, rights{u.NKey, permissionsOf(u.Permissions)})
	}
	return document("authorization", map[string]any{"users": all})
}

func document(name string, value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // nats-server knows no \u003e
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("write server configuration: %w", err)
	}
	return append([]byte(name+": "), text.Bytes()...), nil
}

const accountInfo = "$JS.API.INFO"

func guest(u User, one rights) *account {
	a := &account{Users: []rights{one}}
	// With accountInfo imported, the server does not let the account ask JetStream
	// by itself, which would answer each request a second time: that it has none.
	for _, subject := range widest(slices.DeleteFunc(append([]string{accountInfo}, u.Permissions.Publish.Allow...), func(s string) bool { return !isExported(s) })) {
		a.Imports = append(a.Imports, imported{source{Home, subject}})
	}
	for _, subject := range u.Answers {
		a.Exports = append(a.Exports, export{Service: subject, Response: "Stream", Accounts: []string{Home}})
	}
	return a
}

// widest drops the subjects that another one covers. The server hands a request to
// each import that its subject matches: a pull would be made twice, and what the
// second one was given would come to an inbox that is gone.
func widest(subjects []string) []string {
	var out []string
	for i, s := range subjects {
		if !slices.Contains(subjects[:i], s) && !slices.ContainsFunc(subjects, func(other string) bool { return other != s && covers(other, s) }) {
			out = append(out, s)
		}
	}
	return out
}

// covers reports whether each subject that narrow matches is matched by wide.
func covers(wide, narrow string) bool {
	w, n := strings.Split(wide, "."), strings.Split(narrow, ".")
	for i, token := range w {
		switch {
		case token == ">":
			return len(n) > i
		case i >= len(n) || n[i] == ">":
			return false
		case token != "*" && token != n[i]:
			return false
		}
	}
	return len(w) == len(n)
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
