// Package listen opens the addresses that fiord's programs serve on: by TLS with
// certificates that are read again when their files change, or in the clear where
// nobody else is on the wire. It also checks whose name a request is for, so that
// a page on the internet cannot use a visitor's browser to reach a service that
// listens for this machine alone (DNS rebinding).
package listen
