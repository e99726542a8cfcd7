// Package ansible turns a snapshot of machines into an Ansible inventory.
//
// [Build] names the hosts, composes their variables and puts them into groups,
// with the meaning that Ansible's constructed inventories give to the same
// configuration: first compose, which sees the raw variables, then groups and
// keyed_groups, which see the composed ones too. [Inventory.Write] then writes
// every format at once, so that all of them say the same.
//
// Besides what its provider says, every host has the variable fiord: the same
// for all providers, with account, id, image, name, provider, region, stale,
// state, tags, type, worker and zone as far as they are known, and control for
// the one host that was launched first.
//
// Nothing is lost silently: every machine of the snapshot is either a host or
// excluded with a reason, and names that collide are dealt with by policy and
// never merged. What comes from a cloud is data: it is quoted for each format
// and marked where Ansible would otherwise evaluate it as a template.
package ansible
