package main

import (
	"fmt"
	"strconv"
	"strings"
)

// units are those that an amount of memory is given in, in KiB, from the largest.
var units = []struct {
	name string
	kib  int64
}{{"GiB", 1 << 20}, {"MiB", 1 << 10}, {"KiB", 1}}

// setMemory takes an amount of memory: a number and its unit, without which nobody
// knows what was meant. least and most are in KiB.
func setMemory(field func(*settings) *int64, least, most int64) func(*settings, string) error {
	return func(s *settings, value string) error {
		for _, unit := range units {
			number, ok := strings.CutSuffix(value, unit.name)
			if !ok {
				continue
			}
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			if err != nil || n < 0 || n > most/unit.kib || n*unit.kib < least {
				return errExpected
			}
			*field(s) = n * unit.kib
			return nil
		}
		return errExpected
	}
}

// amount is memory as a setting takes it.
func amount(kib int64) string {
	unit := units[0]
	for _, smaller := range units[1:] {
		if kib%unit.kib != 0 {
			unit = smaller
		}
	}
	return fmt.Sprintf("%d%s", kib/unit.kib, unit.name)
}
