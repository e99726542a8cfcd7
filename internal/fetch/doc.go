// Package fetch downloads small files from addresses that strangers wrote.
//
// A job file may be named by URL in a repository that anybody can propose
// changes to, and the machine that fetches it stands inside somebody's network.
// So the address that is dialled is checked, not the one that was written: after
// DNS, for every redirect, and for every address of a name. Proxies of the
// environment are not used, since behind one there is no address to check.
package fetch
