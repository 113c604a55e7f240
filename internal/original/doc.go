// Package original takes over the tables of the original Python service from its
// PostgreSQL database. It hides where they stand and what their columns mean: Read finds
// them by the names and types of their columns, whatever the tables are called, and reads
// them in one read-only snapshot; Tables.Plan turns them into what this service stores, or
// says everything that stands in the way at once; Plan.Store writes it in one transaction.
//
// Nothing is ever written to the original tables. Nobody gains power by the move: is_root
// becomes identity:admin, and any permission that begins with "identity:" stays behind.
// No error and no report holds a secret, a hash or a key.
package original
