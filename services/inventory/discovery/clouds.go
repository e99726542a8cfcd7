package discovery

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
)

// Google's and Azure's plugins: fiord takes their machines from documents, so
// that of their options those count that make hosts and groups of machines.

var gcpOptions = append([]string{"use_contrib_script_compatible_sanitization", "vars_prefix", "name_suffix"}, constructed...)

type gcpPlugin struct {
	NameSuffix     string `yaml:"name_suffix"`
	VarsPrefix     string `yaml:"vars_prefix"`
	ansible.Config `yaml:",inline"`
}

func parseGCP(raw []byte, _ Getenv) (*Config, []string, error) {
	var p gcpPlugin
	if err := yaml.Load(raw, &p); err != nil {
		return nil, nil, err
	}
	if p.NameSuffix != "" {
		return nil, nil, fmt.Errorf("name_suffix: write hostnames: [\"name | replace('$', '%s')\"] instead", p.NameSuffix)
	}
	p.HostvarsPrefix = p.VarsPrefix
	if len(p.Hostnames) == 0 { // the plugin's
		p.Hostnames = ansible.Hostnames{{Name: "public_ip"}, {Name: "private_ip"}, {Name: "name"}}
	}
	return &Config{Inventory: p.Config}, documentsOnly("gcloud compute instances list --format=json"), nil
}

var azureOptions = append([]string{
	"hostvar_expressions", "conditional_groups", "plain_host_names", "exclude_host_filters", "include_host_filters",
}, constructed...)

type azurePlugin struct {
	HostvarExpressions map[string]ansible.Expression `yaml:"hostvar_expressions"`
	ConditionalGroups  map[string]ansible.Expression `yaml:"conditional_groups"`
	PlainHostNames     ansible.Bool                  `yaml:"plain_host_names"`
	ExcludeFilters     []ansible.Expression          `yaml:"exclude_host_filters"`
	IncludeFilters     []ansible.Expression          `yaml:"include_host_filters"`
	ansible.Config     `yaml:",inline"`
}

func parseAzure(raw []byte, _ Getenv) (*Config, []string, error) {
	var p azurePlugin
	if err := yaml.Load(raw, &p); err != nil {
		return nil, nil, err
	}
	if len(p.Compose) == 0 {
		p.Compose = p.HostvarExpressions
	}
	if len(p.Groups) == 0 {
		p.Groups = p.ConditionalGroups
	}
	p.Include, p.Exclude = p.IncludeFilters, p.ExcludeFilters
	if len(p.Hostnames) == 0 {
		p.Hostnames = ansible.Hostnames{{Name: "name"}}
		p.Addresses = []string{"public", "private", "ipv6"}
		p.NoAddress = ansible.Keep
	}
	return &Config{Inventory: p.Config}, documentsOnly("az vm list --show-details --output json"), nil
}

func documentsOnly(command string) []string {
	return []string{fmt.Sprintf("fiord does not ask this cloud itself: give it the machines, %s | fiord inventory - or | fiord discover -", command)}
}
