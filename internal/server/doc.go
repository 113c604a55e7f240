// Package server puts the house together. An Installation is a database with the
// keys that open it and the operations on it; the command line works on one
// directly. A Server serves an Installation over HTTP: it owns the routes, the
// background jobs, health, metrics, TLS and the shutdown, and nothing that
// decides who gets a token.
package server
