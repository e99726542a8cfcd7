// Package thread tests a whole fiord as its users meet it: the built command as
// a process of its own, real git, the real hook, the real Docker engine, a real
// browser. Nothing of it is imported that a user could not reach from outside,
// but the contract and the connection file.
package thread
