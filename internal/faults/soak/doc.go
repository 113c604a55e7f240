// Command soak runs two nodes of the service for a long time, under a mixed load and with
// faults at random moments, and says at the end what came of it.
//
//	go run ./internal/faults/soak -for 1h
//
// The database is PostgreSQL, MariaDB or SQLite: servers of its own in temporary folders,
// reached through a proxy that can be hurt. People log in, refresh, log out, change
// passwords; machines show secrets and signatures; an administrator disables, makes and
// removes; some try what must not work. All of it is in the ledger of package faults,
// which is held to its rules every few minutes, in chapters: at the end of each the
// faults are healed, the rules are checked, and the next one begins with other users and
// machines and a new ledger, so that a run of any length needs no more memory than one
// chapter.
//
// One fault at a time, of those that the database has: the second node is killed and
// started again, it is stopped for seconds, the database server crashes or hangs, its
// connections are cut, its network is slow, answers to commits are lost. Each must be
// survived: a node that is not ready half a minute after the fault is over is a violation
// like any other. The first node is never killed, so that there is one whose whole life
// can be looked at. The order and the lengths of the faults follow from the seed, which is
// printed; what meets what does not.
//
// Every few seconds each node is asked how it is. The table shows the resident memory, the
// goroutines and the open files of each life of a node, and the slope of each by least
// squares over the second half of that life. A life that is shorter than ten minutes is
// shown and not judged: what is warming up rises.
//
// It exits with 1 where a rule was broken or something rises.
package main
