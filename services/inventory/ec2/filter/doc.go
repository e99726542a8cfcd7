// Package filter knows the filters of EC2's DescribeInstances: what each stands
// for in a machine's variables, and which machines it matches. By it a document
// that somebody pipes in is filtered as the API would have done, and a host's
// name may be taken from whatever a filter can select by.
package filter
