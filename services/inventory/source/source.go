package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// Kind is a kind of document.
type Kind string

// The kinds of documents.
const (
	AWS           Kind = "aws"            // aws ec2 describe-instances
	GCloud        Kind = "gcloud"         // gcloud compute instances list
	Azure         Kind = "az"             // az vm list -d
	OpenStack     Kind = "openstack"      // openstack server list --long -f json
	DigitalOcean  Kind = "digitalocean"   // doctl compute droplet list -o json
	Hetzner       Kind = "hetzner"        // hcloud server list -o json
	Proxmox       Kind = "proxmox"        // pvesh get /cluster/resources --type vm --output-format json
	DockerMachine Kind = "docker-machine" // docker-machine inspect
	Terraform     Kind = "terraform"      // terraform.tfstate, and terraform or tofu show -json
	Prometheus    Kind = "prometheus"     // a file of file_sd_configs
	Static        Kind = "static"         // fiord's own YAML
	Snapshot      Kind = "snapshot"       // a snapshot as fiord stores it
	Empty         Kind = "empty"          // [], what gcloud and az print when there is no machine: whose it is, only its name says
)

// ErrUnknown: a document of none of the kinds.
var ErrUnknown = errors.New("not a list of machines that fiord knows: expected the JSON of aws ec2 describe-instances, gcloud compute instances list, az vm list -d, " +
	"openstack server list, doctl compute droplet list, hcloud server list, pvesh get /cluster/resources, docker-machine inspect, terraform or tofu show -json, " +
	"Prometheus's file_sd, or a snapshot")

// Kinds lists the kinds of documents that a configuration may name.
func Kinds() []Kind {
	return []Kind{AWS, GCloud, Azure, OpenStack, DigitalOcean, Hetzner, Proxmox, DockerMachine, Terraform, Prometheus, Static}
}

// Detect finds out what kind of JSON document it is. The errors are ErrBroken
// and ErrUnknown.
func Detect(raw []byte) (Kind, error) {
	raw = bytes.TrimSpace(raw)
	if err := intact(raw); err != nil {
		return "", err
	}
	var object struct {
		Reservations  json.RawMessage
		ReservationID json.RawMessage `json:"ReservationId"`
		InstanceID    json.RawMessage `json:"InstanceId"`
		Instances     json.RawMessage `json:"instances"`
		Sources       json.RawMessage `json:"sources"`
		Terraform     json.RawMessage `json:"terraform_version"`
	}
	if err := json.Unmarshal(raw, &object); err == nil {
		switch {
		case object.Reservations != nil, object.ReservationID != nil, object.InstanceID != nil:
			return AWS, nil
		case object.Instances != nil && object.Sources != nil:
			return Snapshot, nil
		case object.Terraform != nil:
			return Terraform, nil
		}
		if kind, known := toolOf(firstObject(raw)); known {
			return kind, nil
		}
		return "", ErrUnknown
	}
	if isNested(raw) {
		return AWS, nil
	}
	// By exact keys first: the decoder takes vmid for vmId.
	if kind, known := toolOf(firstObject(raw)); known {
		return kind, nil
	}
	var list []struct {
		VMID          json.RawMessage `json:"vmId"`
		MachineType   json.RawMessage `json:"machineType"`
		Targets       json.RawMessage `json:"targets"`
		ReservationID json.RawMessage `json:"ReservationId"`
		InstanceID    json.RawMessage `json:"InstanceId"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", ErrUnknown
	}
	if len(list) == 0 {
		return Empty, nil
	}
	for _, first := range list {
		switch {
		case first.InstanceID != nil, first.ReservationID != nil:
			return AWS, nil
		case first.VMID != nil:
			return Azure, nil
		case first.MachineType != nil:
			return GCloud, nil
		case first.Targets != nil:
			return Prometheus, nil
		}
	}
	return "", ErrUnknown
}

// Parse reads the machines of a document. name is the source they are said to
// come from.
func Parse(kind Kind, name string, raw []byte) ([]instance.Instance, error) {
	var list []instance.Instance
	var err error
	switch kind {
	case AWS:
		list, err = parseAWS(raw)
	case GCloud:
		list, err = parseGCloud(raw)
	case Azure:
		list, err = parseAzure(raw)
	case Static:
		list, err = parseStatic(raw)
	case Terraform:
		list, err = terraformMachines(raw)
	case Prometheus:
		list, err = prometheusMachines(raw)
	case Empty:
	default:
		if t, known := tools()[kind]; known {
			list, err = t.parse(raw)
			break
		}
		err = fmt.Errorf("no documents of kind %q", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("read machines of %s: %w", name, err)
	}
	for i := range list {
		list[i].Source = name
		if err := list[i].Validate(); err != nil {
			return nil, fmt.Errorf("read machines of %s: number %d: %w", name, i+1, err)
		}
	}
	return list, nil
}

// object is a decoded JSON object whose members may be missing or of another
// kind than expected; then they are empty.
type object map[string]any

func (o object) text(path ...string) string {
	switch v := o.at(path).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func (o object) at(path []string) any {
	var v any = map[string]any(o)
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func (o object) object(path ...string) object {
	m, _ := o.at(path).(map[string]any)
	return m
}

func (o object) objects(path ...string) []object {
	items, _ := o.at(path).([]any)
	return objectsOf(items)
}

func objectsOf(items []any) []object {
	var out []object
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// texts are the members that are text.
func (o object) texts() map[string]string {
	if len(o) == 0 {
		return nil
	}
	out := make(map[string]string, len(o))
	for k := range o {
		out[k] = o.text(k)
	}
	return out
}

// list decodes a document that is a list of objects.
func list(raw []byte) ([]object, error) {
	v, err := instance.Decode(raw)
	if err != nil {
		return nil, err
	}
	items, ok := v.([]any)
	if !ok {
		return nil, errors.New("expected a list")
	}
	out := objectsOf(items)
	if len(out) != len(items) {
		return nil, errors.New("expected a list of objects")
	}
	return out, nil
}
