// Package constraint is the placement language: conditions on a host's facts,
// as people know them from Swarm.
//
//	architecture==x86_64            equal
//	architecture=x86_64             the same
//	kernel!=5.*                     not like; * is any text, ? any one character
//	virtual==/physical|kvm/         a regular expression (RE2), anchored at both ends
//	system_overload_10min<=25       numeric: <= >= < >
//	memory_free>=8GiB               sizes: kB is 1000 bytes, KiB is 1024, as everywhere in fiord
//	driver==~flocker                soft: preferred, not required
//	affinity:container==db          the host has a container of that name
//	constraint:zone==a              the prefix says nothing and may be left out
//
// A fact that a host doesn't have meets no condition but !=. Facts are text; a
// number is compared as a number by the four numeric operators alone.
//
// Parse errors carry the position, evaluation says of each condition why it
// doesn't hold, and [Lint] finds conditions that are legal and probably not
// what was meant.
package constraint
