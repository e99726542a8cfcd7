// Package embedded runs a real S3 server inside the process: versitygw's
// gateway over its POSIX backend, on a TCP port, with signatures, conditional
// writes and bucket policies. Any S3 client works against it.
//
// Objects are plain files below a folder, their metadata extended attributes.
// Two things are added to the gateway. An acknowledged write is on the disk:
// content, attributes, name and every new folder are synced before the answer,
// which the gateway never does by itself. And the users of [Options] may read and
// write below their own prefixes alone, and never over what is there, unless theirs
// is the right to replace a version that they name. Requests whose path, query or header
// hold control characters are refused, and failures go to the logger of [Options]: the
// gateway would print them raw, with what the client chose in them.
//
// The gateway's parts that keep state per process are not used, so that several
// servers can run in one process, each on its own folder. The POSIX backend
// resolves relative paths against the working directory; here it only ever
// sees absolute ones, and the process keeps its working directory.
//
// What a person's S3 client may miss: copies within the server, versioning,
// tagging, CORS and web sites answer NotImplemented.
package embedded
