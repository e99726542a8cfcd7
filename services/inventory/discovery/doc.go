// Package discovery reads what to discover and how to make an inventory of it,
// and asks the sources.
//
// The configuration is either fiord's own, with any number of sources, or an
// existing configuration of Ansible's aws_ec2 plugin as it is.
package discovery
