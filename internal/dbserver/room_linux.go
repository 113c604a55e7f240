package dbserver

import (
	"fmt"
	"syscall"
)

// mountRoom mounts a file system of a size in memory, which the account owns.
func mountRoom(dir string, size int64, a *account) error {
	options := fmt.Sprintf("size=%d,mode=0700", size)
	if a != nil {
		options += fmt.Sprintf(",uid=%d,gid=%d", a.uid, a.gid)
	}
	return syscall.Mount("dbserver", dir, "tmpfs", 0, options)
}

func unmountRoom(dir string) error { return syscall.Unmount(dir, 0) }
