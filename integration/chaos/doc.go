// Package chaos kills fiord's services, each a process of its own, in the
// middle of a thread, and looks whether the thread ends right all the same.
package chaos
