package discovery

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/ec2"
)

// plugin is the configuration of the aws_ec2 plugin, with the meaning that it
// has there. Options that can have no meaning here are in moot; any other key
// is an error, as a setting that is silently ignored would be a lie.
type plugin struct {
	Plugin         string       `yaml:"plugin"`
	Regions        []string     `yaml:"regions"`
	Filters        ec2.Filter   `yaml:"filters"`
	IncludeFilters []ec2.Filter `yaml:"include_filters"`
	ExcludeFilters []ec2.Filter `yaml:"exclude_filters"`
	EndpointURL    string       `yaml:"endpoint_url"`
	Profile        string       `yaml:"profile"`
	AWSProfile     string       `yaml:"aws_profile"`
	BotoProfile    string       `yaml:"boto_profile"`
	AssumeRoleARN  string       `yaml:"assume_role_arn"`
	IAMRoleARN     string       `yaml:"iam_role_arn"`
	ansible.Config `yaml:",inline"`

	// StrictPermissions false means that a region without rights is passed
	// over; fiord reports it in every case and never fails the others.
	StrictPermissions *bool `yaml:"strict_permissions"`
	moot              `yaml:",inline"`
}

// moot are options of the plugin for what fiord always or never does: results
// are kept as artifacts, so that there is nothing to cache.
type moot struct {
	Cache           any `yaml:"cache"`
	CachePlugin     any `yaml:"cache_plugin"`
	CachePrefix     any `yaml:"cache_prefix"`
	CacheTimeout    any `yaml:"cache_timeout"`
	CacheConnection any `yaml:"cache_connection"`
	UseExtraVars    any `yaml:"use_extra_vars"`
}

func parsePlugin(raw []byte, name string) (*Config, error) {
	if name != "aws_ec2" && name != "amazon.aws.aws_ec2" {
		return nil, fmt.Errorf("plugin is %q: of Ansible's, aws_ec2 alone is understood", name)
	}
	raw, err := withoutForeign(raw)
	if err != nil {
		return nil, err
	}
	var p plugin
	if err := yaml.Load(raw, &p, yaml.WithKnownFields()); err != nil {
		return nil, plainly(err)
	}
	account := ec2.Account{Profile: firstOf(p.Profile, p.AWSProfile, p.BotoProfile)}
	if role := firstOf(p.AssumeRoleARN, p.IAMRoleARN); role != "" {
		account.Roles = []ec2.Role{{ARN: role}}
	}
	for _, templated := range append([]string{account.Profile, p.EndpointURL}, p.Regions...) {
		if strings.Contains(templated, "{{") {
			return nil, fmt.Errorf("%q: templates aren't supported here", templated)
		}
	}
	cfg := ec2.Config{
		Name: "aws_ec2", Regions: p.Regions, Filters: p.Filters, IncludeFilters: p.IncludeFilters,
		ExcludeFilters: p.ExcludeFilters, Endpoint: p.EndpointURL, Accounts: []ec2.Account{account},
	}
	return &Config{Sources: []Source{{Name: cfg.Name, EC2: &cfg}}, Inventory: p.Config}, nil
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
