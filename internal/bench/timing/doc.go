// Command timing measures whether a refusal tells by its time who exists. It starts the
// real service in its own process, with Argon2id at the cost that the contract says, and
// asks it over the loopback interface on one kept connection.
//
//	go run ./internal/bench/timing
//
// Requests come in pairs of equal shape, such as a wrong password for somebody who exists
// and for somebody who does not. Of each pair it takes samples in random order, every one
// with a name of its own and from an address of its own, so that no throttle is reached
// and nobody is in memory who has not been put there. A pair passes where the medians are
// within 5 % and a rank test finds no difference (p > 0.01). Of many pairs one fails by
// chance now and then, so one that fails is measured once more with fresh names, and the
// second result counts. Two pairs are controls: one must differ, one must not.
//
// Without DATABASE_* variables the installation is a new one on SQLite in a temporary
// folder; otherwise the database that they name shall be new. A server database needs
// ENCRYPTION_KEY. The exit code is 1 if any pair or control fails.
package main
