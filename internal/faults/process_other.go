//go:build !linux

package faults

import "os/exec"

// dieWithParent does nothing where there is no such thing: a process outlives a test
// binary that is killed, though not one that ends.
func dieWithParent(*exec.Cmd) {}
