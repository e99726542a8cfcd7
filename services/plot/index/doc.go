// Package index is plot's read model as rows: what the page searches, sorts and
// counts. It is an SQLite database in the service's folder, one for each replica.
//
// It follows from events alone and from nothing that is written elsewhere, so it
// may be deleted at any time: what the stream holds no more is read from the archive
// again, and the result is the same. After a restart only the events since the last
// one that was taken are read.
//
// The events of benches are kept as they came for as long as the stream has them.
// From them, or else from the archive, a bench is put together when an event about
// it comes after all, or when somebody asks for it: [Index.Bench].
package index
