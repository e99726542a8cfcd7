package volume

import (
	"path"
	"slices"
	"strings"
)

// tokens are the pieces of a value that could be paths: lowerdir=/a:/b has two.
func tokens(part string) []string {
	return strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune("=:;, ", r) })
}

// elsewhere are types of file systems whose device is on another machine.
var elsewhere = []string{"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "lustre", "beegfs", "orangefs", "afs", "9p"}

// nowhere are types of file systems that have no device.
var nowhere = []string{"tmpfs", "ramfs"}

// paths are those of this host that an option's value could make a driver
// mount. The engine's own driver takes a device without a / for a path below the
// root too.
func paths(v Volume, key, part string) []string {
	if v.Driver == Local && key == "device" {
		kind := strings.ToLower(v.Options["type"])
		switch binds := bound(v.Options["o"]); {
		case !binds && slices.Contains(nowhere, kind), !binds && slices.Contains(elsewhere, kind):
			return nil
		default:
			return []string{path.Join("/", part)}
		}
	}
	var out []string
	for _, t := range tokens(part) {
		if strings.HasPrefix(t, "/") {
			out = append(out, path.Clean(t))
		}
	}
	return out
}

// bound tells whether the options of a mount make it a bind, whatever its type.
func bound(o string) bool {
	return slices.ContainsFunc(strings.Split(o, ","), func(p string) bool {
		p = strings.TrimSpace(p)
		return p == "bind" || p == "rbind"
	})
}
