package dbserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is the system user that runs a server; nil is the one who runs the test.
// PostgreSQL refuses to run as root, and MariaDB should not.
type account struct{ uid, gid uint32 }

// accountFor returns the account with which a server runs: the one that its
// package made, if root runs the test.
func accountFor(name string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no account: see above
	}
	found, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("root runs this test, and the server wants a user of its own: %w", err)
	}
	uid, err := strconv.ParseUint(found.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(found.Gid, 10, 32)
	return &account{uint32(uid), uint32(gid)}, errors.Join(err, err2)
}

// own gives a file to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// run makes a command run as the account. MariaDB's own --user would not do: a
// process that changes its user loses the signal of its parent's death.
func (a *account) run(cmd *exec.Cmd) {
	if a != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
}
