package source

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// staticFile is YAML for machines that no cloud knows of:
//
//	machines:
//	  - name: bench-1
//	    address: 10.0.0.1
//	    tags: {rack: a}
//	    vars: {ansible_user: ops}
type staticFile struct {
	Machines []staticMachine `yaml:"machines"`
}

type staticMachine struct {
	// ID defaults to the name.
	ID   string `yaml:"id"`
	Name string `yaml:"name"`
	// Address is how the machine is reached; Public and IPv6 if it has more.
	Address string            `yaml:"address"`
	Public  string            `yaml:"public"`
	IPv6    string            `yaml:"ipv6"`
	DNS     string            `yaml:"dns"`
	Region  string            `yaml:"region"`
	Zone    string            `yaml:"zone"`
	Type    string            `yaml:"type"`
	Tags    map[string]string `yaml:"tags"`
	Vars    map[string]any    `yaml:"vars"`
}

func parseStatic(raw []byte) ([]instance.Instance, error) {
	var f staticFile
	if err := yaml.Load(raw, &f, yaml.WithKnownFields()); err != nil {
		return nil, err
	}
	out := make([]instance.Instance, len(f.Machines))
	for n, m := range f.Machines {
		vars, err := instance.Encode(m.Vars)
		if err != nil {
			return nil, fmt.Errorf("machine %s: vars: %w", m.Name, err)
		}
		if m.Vars == nil {
			vars = nil
		}
		out[n] = instance.Instance{
			ID: first(m.ID, m.Name), Name: m.Name, Provider: instance.Static, Region: m.Region, Zone: m.Zone, Type: m.Type,
			State: instance.StateRunning, Tags: m.Tags, Vars: vars,
			Addresses: instance.Addresses{PublicIPv4: m.Public, PrivateIPv4: m.Address, IPv6: m.IPv6, PrivateDNS: first(m.DNS, m.Name)},
		}
	}
	return out, nil
}
