package sandbox

import (
	"fmt"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// Rights by what is done with a path.
const (
	readFile  landlock.AccessFSSet = ll.AccessFSReadFile
	readDir                        = readFile | ll.AccessFSReadDir
	execute                        = readFile | ll.AccessFSExecute
	writeFile landlock.AccessFSSet = ll.AccessFSWriteFile | ll.AccessFSTruncate
	writeDir                       = readDir | writeFile | ll.AccessFSMakeReg | ll.AccessFSMakeDir | ll.AccessFSRemoveFile | ll.AccessFSRemoveDir
)

// landlock restricts the calling thread, and what it starts, to the rules. A
// right that this kernel does not know is not restricted: see Gaps.
func (r Rules) landlock() error {
	fd, flags, err := landlock.V7.BestEffort().NewRulesetFD(r.access()...)
	if err != nil {
		return fmt.Errorf("make rules of Landlock: %w", err)
	}
	defer func() { _ = syscall.Close(fd) }()
	if err := ll.LandlockRestrictSelf(fd, flags); err != nil {
		return fmt.Errorf("apply rules of Landlock: %w", err)
	}
	return nil
}

func (r Rules) access() []landlock.Rule {
	var rules []landlock.Rule
	add := func(rights landlock.AccessFSSet, paths ...string) {
		for _, p := range paths {
			rules = append(rules, landlock.PathAccess(rights&allowedOn(p), p).IgnoreIfMissing())
		}
	}
	add(writeDir, r.Write...)
	add(readDir, r.Read...)
	add(execute, r.Execute...)
	for _, d := range r.Devices {
		rights := readFile | ll.AccessFSIoctlDev
		if d.Write {
			rights |= writeFile
		}
		add(rights, d.Path)
	}
	return rules
}

// allowedOn masks the rights that only folders have: the kernel refuses a rule
// for a file that names one.
func allowedOn(path string) landlock.AccessFSSet {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err == nil && st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		return execute | writeFile | ll.AccessFSIoctlDev
	}
	return ^landlock.AccessFSSet(0)
}
