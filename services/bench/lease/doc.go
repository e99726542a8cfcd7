// Package lease keeps a device that several hosts see to one of them at a
// time, by compare-and-set on keys that the server lets expire.
//
// # Whose clock
//
// A key expires by the server's clock, TTL after the server took the last
// renewal. The holder counts the same TTL from before it sent that renewal,
// less a [Margin], on a clock of its own host that never jumps. It therefore
// stops before the key can expire, whatever the clocks of hosts say: only
// their speed must agree. That moment is the lease's deadline. It goes to the
// supervisor of fio (package supervise), which ends fio by then even if the
// worker is dead, frozen or cut off.
//
// # Tokens
//
// A grant's token is the revision its key was created at. Revisions of a
// bucket only grow, so a later grant of a device has a higher token. Results
// carry the token they were measured under. [Lease.Finish] reports whether the
// lease held to the end of the measurement; if it cannot say so, the results
// are stale and must not count.
package lease
