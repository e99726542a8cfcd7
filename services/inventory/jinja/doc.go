// Package jinja evaluates the Jinja expressions that people write into the
// configuration of dynamic inventories, with the meaning that Ansible gives
// them:
//
//	tags.Name | default('unnamed') | lower
//	'web' in tags.Role or placement.region == "eu-west-1"
//	security_groups | map(attribute='group_name') | sort | join(',')
//	public_ip_address if public_ip_address is defined else private_ip_address
//
// It knows expressions and no templates: what is in a variable is data, whatever
// braces it has. What isn't supported is refused when the expression is read, by
// name and position, so that nothing is silently something else. Depth, sizes
// and the time of a regular expression are bounded.
//
// Values keep their kinds, as since Ansible 2.19. Using what is undefined is
// [ErrUndefined], except under default, is defined, and as the start of a
// further attribute.
package jinja
