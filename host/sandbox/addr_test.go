package sandbox_test

import "unsafe"

// addr is where the kernel finds what it is to fill.
func addr(b *[120]byte) unsafe.Pointer { return unsafe.Pointer(b) }
