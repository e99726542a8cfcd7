// Package expr evaluates the Jinja expressions that people write into the
// configuration of dynamic inventories:
//
//	tags.Name | default('unnamed') | lower
//	'web' in tags.Role or placement.region == "eu-west-1"
//	security_groups[0].group_name | regex_replace('[^a-z]', '_')
//	public_ip_address if public_ip_address is defined else private_ip_address
//
// It is a subset with the meaning that Ansible gives it: attributes and items,
// literals, comparisons, in, is [not] defined, and, or, not, + and ~, inline
// if, and the filters default (d), lower, upper, trim, replace, regex_replace,
// join, split, first, last, length (count), int, string and bool. Anything
// else is refused when the expression is read, by name and position, so that
// nothing is silently something else.
//
// Values keep their types, as with Ansible's jinja2_native. Using what is
// undefined is [ErrUndefined], except under default, is defined, and as the
// start of a further attribute, as in Ansible.
package expr
