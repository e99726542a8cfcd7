// Package checkout reads files of one commit of a remote git repository.
//
// It never makes a work tree: files are read as git objects, so nothing that a
// pusher can put into a repository (symbolic links, attributes, filters, hooks,
// submodules, names that climb) is ever interpreted by a file system. It
// fetches the pushed commit and nothing else: depth one, no tags, small files
// with it in one exchange, and of a large repository, where the server can, no
// contents but those of the files that are asked for.
//
// # Why the git command
//
// The alternative is a git library in the process. The command was chosen
// because it speaks protocol version 2 with partial clones and can therefore
// fetch one commit of a large repository without its blobs, because every
// forge tests against it, and because a hostile pack then meets a process that
// can be limited and killed instead of our heap. Its price, an environment and
// a configuration that reach from many places into what it does, is paid in
// one function (see environ): no system, user or repository configuration, no
// hooks, no prompts, no credential helpers, an allow-list of protocols, and
// secrets handed over in the environment, never in arguments, where every user
// of the machine could read them.
package checkout
