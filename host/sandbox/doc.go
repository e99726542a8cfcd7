// Package sandbox starts a program that may touch no more of the host than it
// was given, without a container engine.
//
// Layers, each of which holds without the others:
//
//   - an account of its own, where this process is root
//   - no_new_privs, and no capabilities in any set
//   - Landlock: writes, reads and executions of named paths only; no TCP, no
//     abstract sockets and no signals to processes outside
//   - seccomp: the system calls that Docker allows in its containers, with
//     io_uring, without sockets and without looking into other processes
//
// All but the last two are as old as any kernel that is still kept. What a
// kernel lacks is in Features; whether to go on without it is the caller's
// decision, by Rules.Required.
//
// The kernel keeps all of this for each thread and hands it down to what the
// thread starts. So it is put on one thread that runs nothing else and ends
// with the program (see package child): no helper program is needed, and this
// process stays as free as it was.
package sandbox
