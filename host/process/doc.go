// Package process runs fio as a plain child, for hosts without a container
// engine.
//
// fio carries its run, attempt and host in its environment. Its jobs, which
// take sessions of their own and so escape any process group, inherit that,
// and so the worker, and a later worker too, finds every process of a run: no
// state file can disagree with /proc. When the worker dies the kernel
// sends fio SIGTERM, on which it ends its jobs and writes its report.
//
// What only a container can give (CPU, memory, process and block I/O limits,
// volumes, a read-only root) is refused with an error that names the option.
package process
