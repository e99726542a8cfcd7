package discovery

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// The reasons why options of plugins are refused, with what to write instead.
const (
	whyCredentials = "credentials don't belong into a configuration: remove the line, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment or write profile: NAME"
	whyRoute53     = "fiord asks for instances alone, with the rights for that alone: write hostnames: [dns-name] or name machines by a tag, hostnames: [tag:Name]"
	whySSM         = "fiord asks for instances alone, with the rights for that alone: remove the line, and take what is inside a machine from its worker's facts"
)

// foreign are the options of plugins that change what they do in a way that
// fiord hasn't, with the reason. Switched off they say nothing and are passed
// over.
var foreign = map[string]string{
	"access_key": whyCredentials, "aws_access_key": whyCredentials, "aws_access_key_id": whyCredentials, "ec2_access_key": whyCredentials,
	"secret_key": whyCredentials, "aws_secret_key": whyCredentials, "aws_secret_access_key": whyCredentials, "ec2_secret_key": whyCredentials,
	"session_token": whyCredentials, "security_token": whyCredentials, "aws_security_token": whyCredentials, "aws_session_token": whyCredentials,
	"access_token": whyCredentials, "use_ssm_inventory": whySSM, "route53_enabled": whyRoute53,
}

// moot are options for what fiord always or never does: results are kept as
// artifacts, so that there is nothing to cache; a region without rights is
// reported and never fails the others.
var moot = []string{
	"cache", "cache_plugin", "cache_prefix", "cache_timeout", "cache_connection", "use_extra_vars", "strict_permissions",
	"include_extra_api_calls", "route53_hostnames", "route53_excluded_zones", "validate_certs", "aws_ca_bundle", "aws_config",
	"debug_botocore_endpoint_logs", "region", "aws_region", "ec2_region",
	// Google's
	"projects", "zones", "folders", "scopes", "auth_kind", "service_account_file", "service_account_contents",
	"service_account_email", "retrieve_image_info",
	// Azure's
	"auth_source", "subscription_id", "client_id", "secret", "tenant", "ad_user", "password", "cloud_environment",
	"include_vm_resource_groups", "include_vmss_resource_groups", "include_hcivm_resource_groups", "include_arcvm_resource_groups",
	"fail_on_template_errors", "default_host_filters", "batch_fetch", "api_profile", "adfs_authority_url", "cert_validation_mode",
	"x509_certificate_path", "thumbprint",
}

// fromEnvironment is a credential taken from where fiord takes it too.
var fromEnvironment = regexp.MustCompile(`^\s*\{\{\s*lookup\(\s*['"](?:ansible\.builtin\.)?env['"]\s*,\s*['"]AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN)['"]`)

// sortOut takes the options out that have no meaning here. One that is foreign
// and on is an error with its line and the remedy; one that no plugin has gives
// a warning, as Ansible passes over it.
func sortOut(raw []byte, options []string) (kept []byte, warnings []string, err error) {
	var doc yaml.Node
	if err := yaml.Load(raw, &doc); err != nil {
		return nil, nil, err
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return raw, nil, nil
	}
	mapping := doc.Content[0]
	var content []*yaml.Node
	for pair := range slices.Chunk(mapping.Content, 2) {
		key := pair[0]
		reason, isForeign := foreign[key.Value]
		switch {
		case slices.Contains(options, key.Value):
			content = append(content, pair...)
		case isForeign && !switchedOff(pair[1]) && !fromEnvironment.MatchString(pair[1].Value):
			return nil, nil, fmt.Errorf("line %d: %s: %s", key.Line, key.Value, reason)
		case !isForeign && !slices.Contains(moot, key.Value):
			warnings = append(warnings, fmt.Sprintf("line %d: there is no option %q%s: passed over, as Ansible does", key.Line, key.Value, meant(key.Value, options)))
		}
	}
	if len(content) == len(mapping.Content) {
		return raw, nil, nil // as written, for the lines in errors
	}
	blank := blankOut(raw, mapping, content)
	return blank, warnings, nil
}

// blankOut empties the lines of the options that are not kept, so that errors
// name the lines of what was written.
func blankOut(raw []byte, mapping *yaml.Node, kept []*yaml.Node) []byte {
	lines := strings.SplitAfter(string(raw), "\n")
	anchored := strings.Contains(string(raw), "&")
	if mapping.Style&yaml.FlowStyle != 0 || anchored { // lines can't be taken out of these
		mapping.Content = kept
		if out, err := yaml.Dump(mapping); err == nil {
			return out
		}
		return raw
	}
	for n := 0; n < len(mapping.Content); n += 2 {
		if slices.Contains(kept, mapping.Content[n]) {
			continue
		}
		end := len(lines)
		if n+2 < len(mapping.Content) {
			end = mapping.Content[n+2].Line - 1
		}
		for l := mapping.Content[n].Line - 1; l < end; l++ {
			lines[l] = "\n"
		}
	}
	return []byte(strings.Join(lines, ""))
}

// meant suggests the option that a name is nearest to.
func meant(name string, options []string) string {
	for _, o := range options {
		if strings.TrimSuffix(o, "s") == strings.TrimSuffix(name, "s") || strings.ReplaceAll(o, "_", "") == strings.ReplaceAll(strings.ReplaceAll(name, "_", ""), "-", "") {
			return fmt.Sprintf(" (did you mean %s?)", o)
		}
	}
	return ""
}

// switchedOff says whether an option has no effect: it is empty, or false.
func switchedOff(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode {
		return len(n.Content) == 0
	}
	return slices.Contains([]string{"", "~", "null", "false", "False", "no", "No", "off"}, n.Value)
}
