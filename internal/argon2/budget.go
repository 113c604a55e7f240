package argon2

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// budgetShare is the part of a machine's memory that hashing takes at most,
// where nobody says how much: a quarter.
const budgetShare = 4

// DefaultMemory returns the memory in KiB that hashing takes on a machine where
// nobody says how much, for a pool with so many cores: a slot for each, and
// enough for the largest hash that may be imported; but no more than a quarter of
// what the machine has, and no less than one hash takes. has is what the machine
// has in KiB: see MachineMemory; 0 is unknown.
func DefaultMemory(has int64, cores int) int64 {
	own := int64(DefaultParams().Memory)
	wanted := max(own*int64(cores), MaxMemory)
	if has > 0 {
		wanted = min(wanted, has/budgetShare)
	}
	return max(wanted, own)
}

// MachineMemory returns the memory in KiB that this process may use: the least of
// what the machine has (/proc/meminfo) and what the control groups above the
// process allow (cgroup v2, memory.max), as of a container. It is 0 where neither
// is known. root is the root of the file system.
func MachineMemory(root fs.FS) int64 {
	least := int64(0)
	consider := func(kib int64) {
		if kib > 0 && (least == 0 || kib < least) {
			least = kib
		}
	}
	for line := range strings.Lines(read(root, "proc/meminfo")) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			consider(number(fields[1]))
		}
	}
	for group := cgroup(root); ; group = path.Dir(group) {
		// "max", where there is no limit, is no number.
		consider(number(strings.TrimSpace(read(root, path.Join("sys/fs/cgroup", group, "memory.max")))) / 1024)
		if group == "/" || group == "." {
			return least
		}
	}
}

// cgroup returns the path of the control group of this process, "/" where it is
// not known. In a container with a namespace of its own that is the container's.
func cgroup(root fs.FS) string {
	for line := range strings.Lines(read(root, "proc/self/cgroup")) {
		if group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok { // that of version 2
			return path.Clean("/" + group)
		}
	}
	return "/"
}

func read(root fs.FS, name string) string {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return string(text)
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
