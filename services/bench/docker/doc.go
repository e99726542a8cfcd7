// Package docker runs fio in a container of a Docker engine, or of anything
// that speaks its API.
//
// # The container
//
// It has no network, a read-only root, no capabilities and no way to gain
// privileges; it runs as the owner of the directory it measures, and sees the
// invocation's own directory, the directories, volumes and devices it was
// allowed, and nothing else of the host. Its seccomp profile is Docker's
// default with the three io_uring calls put back, which newer engines block.
//
// # Whose container is it
//
// Labels name the run, the attempt, the host and the directory, and the name
// is derived from run and attempt, so that the engine itself refuses a second
// start of one attempt. A worker that starts again lists what carries its
// host's label: it waits for what still measures, and removes the rest.
//
// # Local and remote engines
//
// On a unix socket the invocation's directory is bind-mounted. Over TCP or SSH
// the engine sees another file system: the job is copied in, the results are
// copied out at the end, and only volumes can be measured, because the guard
// cannot look at disks it does not see.
package docker
