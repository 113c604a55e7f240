// Package dbserver runs real PostgreSQL and MariaDB servers in directories of
// its own, for tests and demonstrations. It hides where the programs are, which
// system user they want, how a data directory is laid out, and how one waits
// until a server accepts.
//
// Start gives a test a server that lives as long as the test. Shared gives the
// tests of one binary a server together, where each makes a database of its own
// with NewDatabase. SQL goes through the command-line clients, so that the
// package needs no driver, and through the server's Unix socket, so that no
// setting of a test for TCP locks the package out.
//
// # Promises
//
//   - A server listens on 127.0.0.1 and in its directory, nowhere else, and asks
//     every user for a password.
//   - What a client was told is committed survives Kill: fsync stays on.
//   - Start after Kill or Stop finds the same data under the same port.
//   - Nothing stays behind, neither processes nor directories, even where the
//     test binary is killed: on Linux the kernel ends the servers with it, and
//     everywhere a watchman sweeps after it.
//
// Faults may be called from any goroutine, in any state of the server. What fails
// there fails the test without ending it.
package dbserver
