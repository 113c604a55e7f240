// Package rest is the JSON face of package admin under /api. It knows wire
// formats, bearer tokens and the order of checks, and decides nothing: what a
// caller may do is said by the route's permission here and checked again by the
// operation.
package rest
