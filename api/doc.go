// Package api holds the JSON that the service and its callers exchange: the
// bodies of /auth, the administration interface, the published keys and every
// error. It hides nothing and does nothing; it is the one place where the
// member names of the interface are written down, so that the service and the
// Go client cannot disagree about them.
//
// All bodies are UTF-8 JSON objects. The service reads them strictly: member
// names are compared exactly, an unknown or repeated member is refused, and
// null is no value. Successes are application/json, failures are
// application/problem+json with a [Problem].
package api
