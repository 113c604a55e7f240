package argon2_test

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
)

func TestMachineMemory(t *testing.T) {
	const meminfo = "MemTotal:        8000000 kB\nMemFree:          100000 kB\n"
	files := func(of map[string]string) fstest.MapFS {
		m := fstest.MapFS{}
		for name, text := range of {
			m[name] = &fstest.MapFile{Data: []byte(text)}
		}
		return m
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing is known": {nil, 0},
		"a machine":        {map[string]string{"proc/meminfo": meminfo}, 8000000},
		"no limit": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n",
		}, 8000000},
		"a container sees its own group as the root": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "268435456\n",
		}, 256 << 10},
		"a limit above the group": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "1:name=systemd:/x\n0::/a/b/c\n",
			"sys/fs/cgroup/a/memory.max": "1048576", "sys/fs/cgroup/a/b/c/memory.max": "2097152",
		}, 1024},
		"a limit above the machine": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "9223372036854771712",
		}, 8000000},
		"a group out of its tree": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/../../other\n"}, 8000000},
		"garbage":                 {map[string]string{"proc/meminfo": "MemTotal: -5 kB\nMemTotal: x kB\n", "proc/self/cgroup": "0", "sys/fs/cgroup/memory.max": "-1"}, 0},
	} {
		if got := argon2.MachineMemory(files(c.files)); got != c.want {
			t.Errorf("%s: %d KiB, want %d", name, got, c.want)
		}
	}
	if _, err := os.Stat("/proc/meminfo"); err == nil && argon2.MachineMemory(os.DirFS("/")) == 0 {
		t.Error("nothing is known of this machine")
	}
}

// A pool takes the default on every machine, and keeps to a quarter of it where that
// holds a hash.
func TestDefaultMemory(t *testing.T) {
	const mib = 1 << 10
	for _, c := range []struct {
		has         int64
		cores       int
		want, slots int64
	}{
		{0, 2, 256 * mib, 2},
		{64 * 1024 * mib, 2, 256 * mib, 2},
		{64 * 1024 * mib, 32, 32 * 19 * mib, 32},
		{512 * mib, 32, 128 * mib, 6},
		{256 * mib, 2, 64 * mib, 2}, // holds an imported hash of argon2-cffi
		{128 * mib, 2, 32 * mib, 1},
		{64 * mib, 2, 19 * mib, 1},
		{1, 64, 19 * mib, 1},
	} {
		got := argon2.DefaultMemory(c.has, c.cores)
		if got != c.want {
			t.Errorf("%d KiB and %d cores: %d KiB, want %d", c.has, c.cores, got, c.want)
		}
		pool := newPool(t, argon2.Config{Memory: got, Slots: int(min(int64(c.cores), got/int64(argon2.DefaultParams().Memory)))})
		if s := pool.Stats(); int64(s.Slots) != c.slots || s.MemoryLimitKiB != got {
			t.Errorf("%d KiB and %d cores: %+v", c.has, c.cores, s)
		}
	}
}

// Without a number of slots it is one for each core, or what the memory holds.
func TestSlotsFitTheMemory(t *testing.T) {
	own := int64(argon2.DefaultParams().Memory)
	if s := newPool(t, argon2.Config{Memory: own}).Stats(); s.Slots != 1 || s.MemoryLimitKiB != own {
		t.Errorf("memory for one: %+v", s)
	}
	if s := newPool(t, argon2.Config{Memory: 2*own - 1}).Stats(); s.Slots != 1 {
		t.Errorf("memory for not quite two: %+v", s)
	}
	all := newPool(t, argon2.Config{Params: small, Memory: 1 << 30}).Stats()
	if zero := newPool(t, argon2.Config{Params: small}).Stats(); all.Slots != zero.Slots {
		t.Errorf("memory for more than cores: %+v, without a limit %+v", all, zero)
	}
}
