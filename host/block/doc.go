// Package block reads what a Linux host knows of its block devices: identity,
// what stands on them, and who uses them.
//
// Everything is read from files below a root that tests set (/sys, /proc,
// /dev, /run/udev), never through tools or ioctls, so that recorded trees of
// machines behave as those machines did. Nothing here writes.
//
// Sources: the kernel's Documentation/ABI for /sys/block and /sys/dev/block,
// proc(5) for mountinfo and swaps, and udev's database for the serial numbers
// that the kernel does not export.
package block
