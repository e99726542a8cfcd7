package facts

import "golang.org/x/sys/unix"

// machine is the hardware name that uname(2) gives.
func machine() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Machine[:])
}
