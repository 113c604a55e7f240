// Command refresh measures sessions, on the database that the DATABASE_* variables name:
// how many logins and refreshes there are in a second and how many statements each takes,
// by one caller and by several at once; and what it leaves in the database that one session
// is refreshed as often as a session can be.
//
//	go run ./internal/bench/refresh -refreshes 100000
//
// All goes through the handler of the server in this process, without a network before it,
// and tokens are signed with ES256. Passwords cost what the contract says. The database
// shall be new: an installation is made in it, and what other sessions leave would be
// measured too. A server database needs ENCRYPTION_KEY. Of MariaDB and MySQL it
// tells how many rows there are, and not how large they are.
package main
