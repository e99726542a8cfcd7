package process

import (
	"fmt"
	"os/user"
	"strconv"

	"github.com/fiord-bench/fiord/host/sandbox"
)

// accountName is the user whose account is taken if the host has one.
const accountName = "fiord"

// accountNumber is taken otherwise: no distribution and no systemd gives it to
// anybody (they stop at 65519, and nobody is 65534).
const accountNumber = 65530

// Account is who fio runs as where this program is root, by a user's name or
// number. Empty is the user fiord, if there is one, or else a number that nobody
// has. It is nil for root: fio then stays root, without its powers.
func Account(setting string) (*sandbox.Account, error) {
	name := setting
	if name == "" {
		name = accountName
	}
	found, err := user.Lookup(name)
	switch number, bad := strconv.Atoi(name); {
	case err == nil:
		return of(found)
	case setting == "":
		return &sandbox.Account{UID: accountNumber, GID: accountNumber}, nil
	case bad != nil || number < 0:
		return nil, fmt.Errorf("find user %q: %w", setting, err)
	case number == 0:
		return nil, nil //nolint:nilnil // documented
	default:
		if found, err = user.LookupId(name); err == nil {
			return of(found)
		}
		return &sandbox.Account{UID: number, GID: number}, nil
	}
}

func of(u *user.User) (*sandbox.Account, error) {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, fmt.Errorf("user %s: number %q: %w", u.Username, u.Uid, err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, fmt.Errorf("user %s: group %q: %w", u.Username, u.Gid, err)
	}
	if uid == 0 {
		return nil, nil //nolint:nilnil // documented
	}
	return &sandbox.Account{UID: uid, GID: gid}, nil
}
