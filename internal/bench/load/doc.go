// Command load asks the real service, as it is built, as fast as it can, and says how much
// that is beside what the same machine could do if nothing were to be done but the
// cryptography and HTTP.
//
//	go run ./internal/bench/load
//
// It builds cmd/identity, gives it a new SQLite database with clients and users (or the
// database that the DATABASE_* variables name, which must be empty), and starts it as a
// process of its own. Requests come over the loopback interface on kept connections, plain
// or with TLS, from as many callers as -connections says: each asks again when it has its
// answer (closed loop), or at a rate that -rate sets, whether or not there were answers
// (open loop; a latency then counts from when the request was due, so that a service that
// hangs cannot hide it). The client is a few lines over a connection: what a request costs
// the one who makes it would else be most of it.
//
// Beside each workload stands its ceiling, measured in the same run on the same cores:
//
//   - a bare net/http server, another process too, that does the same signing or verifying
//     with the same library and writes a constant answer;
//   - the raw rate of the cryptography alone, on all cores at once;
//   - for hashing, both this service's own kernel and golang.org/x/crypto.
//
// The rounds of a workload and of its ceiling alternate, and the table has the medians and
// their ratio: on a machine that others use too, a ratio is all that can be believed.
package main
