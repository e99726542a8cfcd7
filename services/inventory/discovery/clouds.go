package discovery

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tidwall/gjson"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/gcp"
	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/jinja"
)

// Google's and Azure's plugins: fiord takes their machines from documents, and
// of the machines in a document those that the plugin would have asked for.
// How the plugin gets in and what it asks by are passed over.

var gcpOptions = append([]string{"use_contrib_script_compatible_sanitization", "vars_prefix", "name_suffix", "zones", "projects", "filters"}, constructed...)

type gcpPlugin struct {
	NameSuffix     string   `yaml:"name_suffix"`
	VarsPrefix     string   `yaml:"vars_prefix"`
	Zones          textList `yaml:"zones"`
	Projects       textList `yaml:"projects"`
	Filters        textList `yaml:"filters"`
	ansible.Config `yaml:",inline"`
}

// textList are a list of texts, or one text with commas.
type textList []string

// UnmarshalYAML reads a scalar or a list.
func (s *textList) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	for _, item := range items {
		if item.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: expected text", item.Line)
		}
		if item.ShortTag() != "!!null" && strings.TrimSpace(item.Value) != "" {
			*s = append(*s, strings.TrimSpace(item.Value))
		}
	}
	return nil
}

func parseGCP(raw []byte, _ Getenv) (*Config, []string, error) {
	var p gcpPlugin
	if err := yaml.Load(raw, &p); err != nil {
		return nil, nil, err
	}
	p.HostvarsPrefix, p.BareNames = p.VarsPrefix, true
	p.DottedGroups = true
	if len(p.Hostnames) == 0 { // the plugin's
		p.Hostnames = ansible.Hostnames{{Name: "public_ip"}, {Name: "private_ip"}, {Name: "name"}}
	}
	for i := range p.Hostnames {
		if err := p.hostname(&p.Hostnames[i]); err != nil {
			return nil, nil, err
		}
	}
	var filters []gcp.Filter
	for _, f := range p.Filters {
		filter, err := gcp.Parse(f)
		if err != nil {
			return nil, nil, err
		}
		filters = append(filters, filter)
	}
	p.Admit = func(i *instance.Instance) string { return p.admit(i, filters) }
	return &Config{Inventory: p.Config}, documentsOnly("gcloud compute instances list --format=json"), nil
}

// hostname makes an expression of a name that the suffix goes to.
func (p *gcpPlugin) hostname(h *ansible.Hostname) error {
	source := ""
	switch {
	case h.Name == "hostname":
		source = fmt.Sprintf("hostname | default(name ~ %s)", quoted(p.NameSuffix))
	case h.Name == "name":
		source = "name ~ " + quoted(p.NameSuffix)
	case h.Name == "public_ip", h.Name == "private_ip", strings.HasPrefix(h.Name, "labels."):
		return nil
	default:
		return fmt.Errorf("hostnames: %q is no name that the plugin knows: there are public_ip, private_ip, name, hostname and labels.<key>", h.Name)
	}
	e, err := jinja.Parse(source)
	h.Of = e
	return err
}

// quoted is text as an expression.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}

// admit says why the plugin would not have asked for a machine, "" if it would.
func (p *gcpPlugin) admit(i *instance.Instance, filters []gcp.Filter) string {
	switch {
	case i.Provider != instance.GCP:
		return ""
	case len(p.Zones) > 0 && !slices.Contains(p.Zones, i.Zone):
		return fmt.Sprintf("zone %s is not among the zones of the configuration", i.Zone)
	case len(p.Projects) > 0 && i.Account != "" && !slices.Contains(p.Projects, i.Account):
		return fmt.Sprintf("project %s is not among the projects of the configuration", i.Account)
	}
	for _, f := range filters {
		if !f.Match(string(i.Vars)) {
			return "the filter " + f.String() + " does not hold"
		}
	}
	return ""
}

var azureOptions = append([]string{
	"hostvar_expressions", "conditional_groups", "plain_host_names", "exclude_host_filters", "include_host_filters", "default_host_filters",
	"include_vm_resource_groups", "include_vmss_resource_groups", "use_contrib_script_compatible_sanitization",
}, constructed...)

type azurePlugin struct {
	HostvarExpressions map[string]ansible.Expression `yaml:"hostvar_expressions"`
	ConditionalGroups  map[string]ansible.Expression `yaml:"conditional_groups"`
	PlainHostNames     ansible.Bool                  `yaml:"plain_host_names"`
	ExcludeFilters     []ansible.Expression          `yaml:"exclude_host_filters"`
	IncludeFilters     []ansible.Expression          `yaml:"include_host_filters"`
	DefaultFilters     *[]ansible.Expression         `yaml:"default_host_filters"`
	ResourceGroups     textList                      `yaml:"include_vm_resource_groups"`
	ScaleSets          textList                      `yaml:"include_vmss_resource_groups"`
	ansible.Config     `yaml:",inline"`
}

// poweredOff are the plugin's default_host_filters.
const poweredOff = `['powerstate != "running"', 'provisioning_state != "succeeded"']`

func parseAzure(raw []byte, _ Getenv) (*Config, []string, error) {
	var p azurePlugin
	if err := yaml.Load(raw, &p); err != nil {
		return nil, nil, err
	}
	if p.HostvarExpressions != nil {
		p.Compose = p.HostvarExpressions
	}
	p.Groups = p.ConditionalGroups // the plugin does not look at groups
	if name := "default_inventory_hostname"; bool(p.PlainHostNames) {
		var plain ansible.Expression
		if err := yaml.Load([]byte("name"), &plain); err != nil {
			return nil, nil, err
		}
		if p.Compose = maps.Clone(p.Compose); p.Compose == nil {
			p.Compose = map[string]ansible.Expression{}
		}
		if _, composed := p.Compose[name]; !composed {
			p.Compose[name] = plain
		}
	}
	if p.DefaultFilters == nil {
		if err := yaml.Load([]byte(poweredOff), &p.DefaultFilters); err != nil {
			return nil, nil, err
		}
	}
	p.Include, p.Exclude = p.IncludeFilters, append(p.ExcludeFilters, *p.DefaultFilters...)
	if err := p.hostnames(); err != nil {
		return nil, nil, err
	}
	if len(p.Addresses) == 0 {
		p.Addresses, p.NoAddress = []string{"public", "private"}, ansible.Keep
	}
	p.Admit = p.admit
	warnings := documentsOnly("az vm list --show-details --output json")
	if len(p.ScaleSets) > 0 {
		warnings = append(warnings, "include_vmss_resource_groups: az vm list does not print the machines of scale sets, so that there are none of them")
	}
	return &Config{Inventory: p.Config}, warnings, nil
}

// hostnames makes expressions of the names: the plugin's default tells machines
// of one name in several resource groups apart.
func (p *azurePlugin) hostnames() error {
	byDefault := "default_inventory_hostname"
	if p.PlainHostNames {
		byDefault = "name"
	}
	if len(p.Hostnames) == 0 {
		p.Hostnames = ansible.Hostnames{{Name: "default"}}
	}
	for i := range p.Hostnames {
		h := &p.Hostnames[i]
		source := h.Name
		if source == "default" || source == "default_inventory_hostname" {
			source = byDefault
		}
		e, err := jinja.Parse(source)
		if err != nil {
			return fmt.Errorf("hostnames[%d]: %w", i, err)
		}
		h.Of = e
	}
	return nil
}

// admit says why the plugin would not have asked for a machine, "" if it would.
func (p *azurePlugin) admit(i *instance.Instance) string {
	group := gjson.GetBytes(i.Vars, "resource_group").String()
	in := func(asked string) bool { return asked == "*" || strings.EqualFold(asked, group) }
	if i.Provider == instance.Azure && len(p.ResourceGroups) > 0 && !slices.ContainsFunc(p.ResourceGroups, in) {
		return fmt.Sprintf("resource group %s is not among include_vm_resource_groups", group)
	}
	return ""
}

func documentsOnly(command string) []string {
	return []string{fmt.Sprintf("fiord does not ask this cloud itself: give it the machines, %s | fiord inventory - or | fiord discover -", command)}
}
