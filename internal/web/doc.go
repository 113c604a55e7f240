// Package web is the HTTP edge of the service. It hides net/http's leniency
// and everything that is the same for every route, so that a handler is a few
// lines that return an error.
//
// A [Router] answers each request once and logs it once. It gives the request
// an id, finds the caller's address behind trusted proxies, sets the security
// headers, matches the path and then the method, runs the [Handler], and turns
// the error that it returns, or its panic, into a problem document (RFC 9457).
// The kind of an identity.Error decides the status in one place; an error
// without a kind is a 500 whose text only the log sees.
//
// Handlers read their input with [Body], [RequireJSON], [ParseObject] and
// [Query], each of which refuses what it must: an [Object] knows which of its
// members were asked for, and reports the missing, the unknown and the mistyped
// ones all together. They answer with [WriteJSON].
//
// What it promises: no redirect, ever; no value of a request in an error; no
// query, no raw path, no header and no body in the log; no bytes of one request
// taken for another (see router.go on framing). It does not know any route of
// the product.
package web
