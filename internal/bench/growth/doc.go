// Command growth measures what a request costs as an installation grows. It fills one
// installation for each size with that many users and that many clients, side by side
// in the database that the DATABASE_* variables name, and then asks all of them in
// turns, so that whatever else the machine does meanwhile hurts them alike.
//
// What it asks goes through the real code: the verbs of the store, and the handler of
// the server in this process, without a network before it. The table that it prints, and
// the JSON of -json, give times and, first of all, their ratio to the smallest size.
//
//	go run ./internal/bench/growth -sizes 1000,100000,1000000
//
// An installation is named by its size: the file DATABASE_PATH or the schema
// DATABASE_SCHEMA_NAME with "_1000" and so on behind it. One that is there already is
// measured as it is. PostgreSQL's schemas are made; the databases of MySQL and MariaDB
// must be there, empty. A server database needs ENCRYPTION_KEY.
package main
