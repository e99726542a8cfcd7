package discovery

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// The reasons why options of the plugin have no meaning here.
const (
	whyCredentials = "credentials don't belong into a configuration: take them from the environment, a profile, or assume_role_arn"
	whyContrib     = "names as the old script ec2.py made them aren't supported"
	whyOtherAPIs   = "fiord asks for instances alone, with the rights for that alone"
	whyDuplicates  = "a machine is one host here; hostnames are preferences"
)

// foreign are the options of the plugin that change what it does in a way that
// fiord hasn't, with the reason. Switched off they say nothing and are passed
// over.
var foreign = map[string]string{
	"access_key": whyCredentials, "aws_access_key": whyCredentials, "aws_access_key_id": whyCredentials,
	"secret_key": whyCredentials, "aws_secret_key": whyCredentials, "aws_secret_access_key": whyCredentials,
	"session_token": whyCredentials, "security_token": whyCredentials, "aws_security_token": whyCredentials, "aws_session_token": whyCredentials,
	"use_contrib_script_compatible_sanitization": whyContrib, "use_contrib_script_compatible_ec2_tag_keys": whyContrib,
	"include_extra_api_calls": whyOtherAPIs, "use_ssm_inventory": whyOtherAPIs,
	"route53_enabled": whyOtherAPIs, "route53_excluded_zones": whyOtherAPIs, "route53_hostnames": whyOtherAPIs,
	"allow_duplicated_hosts": whyDuplicates,
}

// withoutForeign takes the options out that fiord hasn't and that are switched
// off; one that is on is an error with its line and the reason.
func withoutForeign(raw []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Load(raw, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return raw, nil
	}
	options := doc.Content[0]
	kept := make([]*yaml.Node, 0, len(options.Content))
	for pair := range slices.Chunk(options.Content, 2) {
		reason, isForeign := foreign[pair[0].Value]
		if !isForeign {
			kept = append(kept, pair...)
			continue
		}
		if !switchedOff(pair[1]) {
			return nil, fmt.Errorf("line %d: %s: %s", pair[0].Line, pair[0].Value, reason)
		}
	}
	if len(kept) == len(options.Content) {
		return raw, nil // as written, for the lines in errors
	}
	options.Content = kept
	return yaml.Dump(&doc)
}

// switchedOff says whether an option has no effect: it is empty, or false.
func switchedOff(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode {
		return len(n.Content) == 0
	}
	return slices.Contains([]string{"", "~", "null", "false", "False", "no", "No", "off"}, n.Value)
}
