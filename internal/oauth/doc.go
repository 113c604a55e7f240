// Package oauth speaks the protocol: it turns requests into one form, decides
// what is granted, and writes the answers. It hides the wire formats; below it
// nothing sees raw input.
//
// /auth/login and /auth/token take the same way, step by step: read the request,
// authenticate, decide (a pure function), issue, answer. The published keys and
// the discovery documents are here too.
package oauth
