// Package side makes files beside an inventory out of Go templates: the
// configuration of an agent, an inventory in a shape of one's own.
//
// A template that asks for a secret isn't rendered here. It is stored with its
// data, and rendered where it is used, by whoever has the secret: see [Render].
package side

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
)

// MediaTemplate is the media type of a file that has yet to be rendered.
const MediaTemplate = "application/vnd.fiord.template+json"

// ErrSecret: a secret that a template needs isn't to be had.
var ErrSecret = errors.New("secret missing")

// Data is what templates see. It has what people choose machines by, and not
// every variable.
type Data struct {
	// Hosts in the order of their launch, then by id: a machine that is added
	// goes to the end.
	Hosts []Host `json:"hosts"`
	// Control is the first of them, nil if there is none. It stays the same as
	// long as it is there.
	Control *Host `json:"control,omitempty"`
	// Groups by name, with the names of their hosts.
	Groups map[string][]string `json:"groups,omitempty"`
}

// Host is a host of the inventory.
type Host struct {
	Name        string            `json:"name"`
	Address     string            `json:"address"`
	ID          string            `json:"id"`
	Provider    string            `json:"provider"`
	Account     string            `json:"account,omitempty"`
	Region      string            `json:"region,omitempty"`
	Zone        string            `json:"zone,omitempty"`
	Type        string            `json:"type,omitempty"`
	KeyName     string            `json:"key_name,omitempty"`
	PublicIPv4  string            `json:"public_ipv4,omitempty"`
	PrivateIPv4 string            `json:"private_ipv4,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Launched    time.Time         `json:"launched,omitzero"`
}

// Of collects the data of an inventory.
func Of(inv *ansible.Inventory) Data {
	d := Data{Groups: map[string][]string{}}
	for _, h := range slices.SortedFunc(slices.Values(inv.Hosts), ansible.ByLaunch) {
		i := h.Instance
		d.Hosts = append(d.Hosts, Host{
			Name: h.Name, Address: h.Address, ID: i.ID, Provider: i.Provider, Account: i.Account, Region: i.Region, Zone: i.Zone,
			Type: i.Type, KeyName: i.KeyName, PublicIPv4: i.Addresses.PublicIPv4, PrivateIPv4: i.Addresses.PrivateIPv4, Tags: i.Tags, Launched: i.Launched,
		})
	}
	if len(d.Hosts) > 0 {
		d.Control = &d.Hosts[0]
	}
	for _, g := range inv.Groups {
		d.Groups[g.Name] = g.Hosts
	}
	return d
}

// document is a template that is stored to be rendered later.
type document struct {
	Name     string   `json:"name"`
	Template string   `json:"template"`
	Secrets  []string `json:"secrets"`
	Data     Data     `json:"data"`
}

// Make renders a template, or if it asks for secrets, packs it up with its
// data. deferred says which.
func Make(name, text string, data Data) (content []byte, deferred bool, err error) {
	var secrets []string
	content, err = execute(name, text, data, func(secret string) (string, error) {
		secrets = append(secrets, secret)
		return "", nil
	})
	if err != nil || len(secrets) == 0 {
		return content, false, err
	}
	slices.Sort(secrets)
	content, err = json.Marshal(document{name, text, slices.Compact(secrets), data})
	return content, true, err
}

// Render finishes a file of type MediaTemplate. lookup finds secrets by name.
func Render(raw []byte, lookup func(name string) (string, error)) ([]byte, error) {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	if d.Template == "" {
		return nil, errors.New("read template: it is empty")
	}
	if len(d.Data.Hosts) > 0 {
		d.Data.Control = &d.Data.Hosts[0]
	}
	return execute(d.Name, d.Template, d.Data, lookup)
}

// Check parses a template, so that a mistake is found when it is configured.
func Check(name, text string) error {
	_, err := parse(name, text, func(string) (string, error) { return "", nil })
	return err
}

func parse(name, text string, secret func(string) (string, error)) (*template.Template, error) {
	t, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{
		"secret": secret,
		"quote":  quote,
		"join":   strings.Join,
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("side file %s: %w", name, err)
	}
	return t, nil
}

func execute(name, text string, data Data, secret func(string) (string, error)) ([]byte, error) {
	t, err := parse(name, text, func(key string) (string, error) {
		value, err := secret(key)
		if err != nil {
			return "", fmt.Errorf("%w: %s: %w", ErrSecret, key, err)
		}
		return value, nil
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("side file %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// quote writes any value as JSON, which YAML reads as well: what comes from a
// cloud or a secret can't break out of its place.
func quote(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}
