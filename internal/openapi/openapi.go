// Package openapi has the description of the HTTP interface, an OpenAPI 3.1 document,
// and serves it. The document is generated from the wire types of package api (see the
// command in generate) and committed beside this file, so that a change of the
// interface is seen in review; a test makes sure that it is what the generator makes,
// and that it has exactly the routes that the service has. The kit for tests holds
// every response of the service to it.
package openapi

import (
	_ "embed"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

//go:generate go run ./generate

//go:embed openapi.json
var document []byte

// Path is where the document is served.
const Path = "/openapi.json"

// Document returns the document. It is shared: nobody may change it.
func Document() []byte { return document }

// Routes registers the document's route.
func Routes(r *web.Router) {
	r.Handle("GET", Path, web.NewStatic("application/json", document).Serve)
}
