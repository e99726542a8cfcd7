package discovery

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/ec2"
	"github.com/fiord-bench/fiord/services/inventory/ec2/filter"
	"github.com/fiord-bench/fiord/services/inventory/jinja"
)

// plugin is the configuration of the aws_ec2 plugin, with the meaning that it
// has there.
type plugin struct {
	Plugin         string     `yaml:"plugin"`
	Regions        texts      `yaml:"regions"`
	Filters        ec2.Filter `yaml:"filters"`
	IncludeFilters filters    `yaml:"include_filters"`
	ExcludeFilters filters    `yaml:"exclude_filters"`
	EndpointURL    text       `yaml:"endpoint_url"`
	AWSEndpointURL text       `yaml:"aws_endpoint_url"`
	Profile        text       `yaml:"profile"`
	AWSProfile     text       `yaml:"aws_profile"`
	BotoProfile    text       `yaml:"boto_profile"`
	AssumeRoleARN  text       `yaml:"assume_role_arn"`
	IAMRoleARN     text       `yaml:"iam_role_arn"`
	ansible.Config `yaml:",inline"`
}

// parser reads the configuration of one of Ansible's plugins.
type parser struct {
	parse func(raw []byte, env Getenv) (*Config, []string, error)
	// options are the keys that mean something.
	options []string
}

// plugins by the names that configurations give them.
func plugins() map[string]parser {
	aws, gcp, azure := parser{parseAWS, awsOptions}, parser{parseGCP, gcpOptions}, parser{parseAzure, azureOptions}
	return map[string]parser{
		"aws_ec2": aws, "amazon.aws.aws_ec2": aws,
		"gcp_compute": gcp, "google.cloud.gcp_compute": gcp,
		"azure_rm": azure, "azure.azcollection.azure_rm": azure,
	}
}

// constructed are the options that all plugins share.
var constructed = []string{
	"plugin", "hostnames", "compose", "groups", "keyed_groups", "leading_separator", "strict", "addresses", "no_address", "collisions",
}

var awsOptions = append([]string{
	"regions", "filters", "include_filters", "exclude_filters", "endpoint_url", "aws_endpoint_url", "profile", "aws_profile", "boto_profile",
	"assume_role_arn", "iam_role_arn", "hostvars_prefix", "hostvars_suffix", "allow_duplicated_hosts",
	"use_contrib_script_compatible_sanitization", "use_contrib_script_compatible_ec2_tag_keys",
}, constructed...)

func parsePlugin(raw []byte, name string, env Getenv) (*Config, error) {
	p, known := plugins()[name]
	if !known {
		return nil, fmt.Errorf("plugin is %q: of Ansible's, amazon.aws.aws_ec2, google.cloud.gcp_compute and azure.azcollection.azure_rm are understood", name)
	}
	kept, warnings, err := sortOut(raw, p.options)
	if err != nil {
		return nil, err
	}
	c, more, err := p.parse(kept, env)
	if err != nil {
		return nil, plainly(err)
	}
	c.Inventory.AsPlugin = true
	c.Warnings = append(append(warnings, more...), c.Inventory.Forgive()...)
	return c, nil
}

func parseAWS(raw []byte, env Getenv) (*Config, []string, error) {
	var p plugin
	if err := yaml.Load(raw, &p); err != nil {
		return nil, nil, err
	}
	regions, err := p.render(env)
	if err != nil {
		return nil, nil, err
	}
	account := ec2.Account{Profile: firstOf(p.Profile, p.AWSProfile, p.BotoProfile)}
	if role := firstOf(p.AssumeRoleARN, p.IAMRoleARN); role != "" {
		account.Roles = []ec2.Role{{ARN: role}}
	}
	cfg := ec2.Config{
		Name: "aws_ec2", Regions: regions, Filters: p.Filters, IncludeFilters: p.IncludeFilters, ExcludeFilters: p.ExcludeFilters,
		Endpoint: firstOf(p.EndpointURL, p.AWSEndpointURL), Accounts: []ec2.Account{account},
	}
	for _, f := range append([]ec2.Filter{p.Filters}, p.IncludeFilters...) {
		if slices.Contains(f[filter.State], "terminated") || slices.Contains(f[filter.State], "shutting-down") {
			p.KeepTerminated = true
		}
	}
	var warnings []string
	for _, h := range p.Hostnames {
		if h.Literal() && h.Prefix == "" {
			warnings = append(warnings, fmt.Sprintf("hostnames: %q names no attribute: every machine that gets to it is named %s, as Ansible does", h.Name, h.Name))
		}
	}
	return &Config{Sources: []Source{{Name: cfg.Name, EC2: &cfg}}, Inventory: p.Config}, warnings, nil
}

// render computes the options that are templates, and lists the regions.
func (p *plugin) render(env Getenv) (regions []string, err error) {
	options := []*text{&p.EndpointURL, &p.AWSEndpointURL, &p.Profile, &p.AWSProfile, &p.BotoProfile, &p.AssumeRoleARN, &p.IAMRoleARN}
	for i := range p.Regions {
		options = append(options, &p.Regions[i])
	}
	for _, o := range options {
		if err := o.render(env); err != nil {
			return nil, err
		}
	}
	for _, r := range p.Regions {
		for part := range strings.SplitSeq(r.value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				regions = append(regions, part)
			}
		}
	}
	return regions, nil
}

// text is an option that may be a template.
type text struct {
	value string
	line  int
}

// UnmarshalYAML reads the template.
func (t *text) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: expected text", n.Line)
	}
	if n.ShortTag() != "!!null" {
		*t = text{n.Value, n.Line}
	}
	return nil
}

// render computes the template; lookup('env', NAME) is all it can use.
func (t *text) render(env Getenv) error {
	if !strings.Contains(t.value, "{{") {
		return nil
	}
	parsed, err := ansible.ParseTemplate(t.value)
	if err == nil {
		t.value, err = parsed.Render(environment{env})
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", t.line, err)
	}
	return nil
}

// Getenv looks up a variable of the environment, "" if it isn't there.
type Getenv func(name string) string

// environment is the scope of templates in options.
type environment struct{ env Getenv }

var _ jinja.Environment = environment{}

// Getenv answers lookup('env', NAME).
func (e environment) Getenv(name string) string {
	if e.env == nil {
		return ""
	}
	return e.env(name)
}

// Lookup knows no variables.
func (environment) Lookup(string) (any, bool) { return nil, false }

// texts are a list, or one text.
type texts []text

// UnmarshalYAML reads a scalar or a list.
func (t *texts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return n.Load((*[]text)(t))
	}
	var one text
	err := one.UnmarshalYAML(n)
	*t = texts{one}
	return err
}

// filters are a list of filters, or one.
type filters []ec2.Filter

// UnmarshalYAML reads a mapping or a list of them.
func (f *filters) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return n.Load((*[]ec2.Filter)(f))
	}
	var one ec2.Filter
	err := n.Load(&one)
	*f = filters{one}
	return err
}

func firstOf(values ...text) string {
	for _, v := range values {
		if v.value != "" {
			return v.value
		}
	}
	return ""
}
