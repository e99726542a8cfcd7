package discovery_test

// reasons are why fiord's answer differs from the plugin's, by configuration:
// safety, or a defect of the plugin. Three differences are everywhere and are
// evened out before answers are compared: machines of one name are a host each
// (the plugin makes one host of them, with the variables of the last), tags are
// never evaluated (the plugin of before Ansible 2.19 does), and a character in
// a host's name that Ansible's INI format has another meaning for becomes an
// underscore.
var reasons = map[string]string{
	"case-b-hostnames": "safety: a tag with a template in it is a part of the host's name, and not evaluated",
	"case-d-keyed-all": "defect: one key that is a number or a boolean makes the plugin give up the whole inventory; fiord makes a group of its text",
	"case-d2-keyed":    "defect: one key that is a number or a boolean makes the plugin give up the whole inventory; fiord makes a group of its text",
	"case-f2-compose": "defect: -3 at the start of an expression is read as 3, since Ansible puts {{ before it and {{- strips space; " +
		"and text that looks like a dict becomes one, which since Ansible 2.19 it doesn't",
	"case-u-listfilters": "defect: Ansible before 2.19 loses escaped quotes at the end of an expression",
	"pub-contrib-keys":   "safety: names of variables are what Ansible allows; ec2_tag_a/b is ec2_tag_a_b",
	"pub-duplicates":     "safety: a tag with a template in it is a host's name, and not evaluated",
	"pub-many":           "defect: of machines with one name the plugin groups the second by the variables that it composed for the first",
	"pub-numbers":        "defect: -x at the start of an expression is read as x, since Ansible puts {{ before it",
	"pub-regex":          "newer: regex_replace has count since Ansible 2.17",
	"pub-set-filters":    "newer: a tuple is a list, which since Ansible 2.19 it is there too",
	"refuse-keys":        "safety: no credentials in configurations, which are kept in repositories",
	"refuse-route53":     "safety: fiord needs the right to describe instances alone; the refusal says what to write instead",
}
