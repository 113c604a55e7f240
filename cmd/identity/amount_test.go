package main

import "testing"

func TestAmounts(t *testing.T) {
	field := func(s *settings) *int64 { return &s.hashMemory }
	for value, want := range map[string]int64{"19MiB": 19 << 10, "19456KiB": 19456, "64 MiB": 64 << 10, "1GiB": 1 << 20, "1024GiB": 1 << 30} {
		var s settings
		if err := setMemory(field, 19<<10, 1<<30)(&s, value); err != nil || s.hashMemory != want {
			t.Errorf("%s: %d, %v", value, s.hashMemory, err)
		}
	}
	for _, value := range []string{"", "64", "64MB", "64mib", "64M", "MiB", "-64MiB", "1.5GiB", "18MiB", "19455KiB", "1025GiB", "9223372036854775807GiB", "0x40MiB"} {
		if err := setMemory(field, 19<<10, 1<<30)(&settings{}, value); err == nil {
			t.Errorf("%q is accepted", value)
		}
	}
	for kib, want := range map[int64]string{19 << 10: "19MiB", 1 << 20: "1GiB", 1<<20 + 1: "1048577KiB", 19456 + 512: "19968KiB"} {
		if got := amount(kib); got != want {
			t.Errorf("%d KiB: %s, want %s", kib, got, want)
		}
	}
}
