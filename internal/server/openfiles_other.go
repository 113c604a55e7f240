//go:build !unix

package server

// openFiles returns how many files this process may have open, where there is such a
// limit.
func openFiles() (n int, known bool) { return 0, false }
