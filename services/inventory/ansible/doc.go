// Package ansible turns a snapshot of machines into an Ansible inventory.
//
// [Build] names the hosts, composes their variables and puts them into groups,
// with the meaning that Ansible's constructed inventories give to the same
// configuration: first compose, which sees the raw variables, then groups and
// keyed_groups, which see the composed ones too. [Inventory.Write] then writes
// every format at once, so that all of them say the same.
//
// Nothing is lost silently: every machine of the snapshot is either a host or
// excluded with a reason, and names that collide are dealt with by policy and
// never merged. What comes from a cloud is data: it is quoted for each format
// and marked where Ansible would otherwise evaluate it as a template.
package ansible
