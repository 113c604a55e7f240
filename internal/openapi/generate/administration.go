package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

func anyObject() *huma.Schema { return &huma.Schema{Type: huma.TypeObject} }

func parameters(list ...*huma.Param) []*huma.Param { return list }

// How the operations of the administration can fail: every one; those that name a
// resource; those with a body; those that change what others may have changed too.
var (
	everywhere = []identity.Kind{
		identity.InvalidToken, identity.InsufficientPermission, identity.PayloadTooLarge, identity.InvalidRequest, identity.RateLimited, identity.Unavailable,
	}
	withBody = []identity.Kind{identity.InvalidJSON, identity.UnsupportedMediaType}
	onOne    = []identity.Kind{identity.NotFound}
	changing = []identity.Kind{identity.Conflict}
	matching = []identity.Kind{identity.PreconditionFailed}
)

func failing(with ...[]identity.Kind) []identity.Kind {
	return slices.Concat(append(with, everywhere)...)
}

// resource is a kind of thing with the five usual operations.
type resource struct {
	path, tag, one, many       string // one and many as in operation ids
	word                       string // as in sentences, with its article
	shown, page, create, patch any
	created                    any // nil: as shown
	filters                    []*huma.Param
	createExamples             []example
	patchExamples              []example
	showExamples               []example
	createdExamples            []example
	createText, patchText      string
	deleteText                 string
}

func (d *document) resource(r resource) {
	created, createdExamples := r.created, r.createdExamples
	if created == nil {
		created, createdExamples = r.shown, r.showExamples
	}
	one := r.path + "/{id}"
	d.add(operation{
		method: "GET", path: r.path, id: "list" + r.many, tag: r.tag, summary: "List", parameters: paging(r.filters...),
		success: []answer{{status: 200, text: "A page.", body: r.page}}, fails: failing(),
	})
	d.add(operation{
		method: "POST", path: r.path, id: "create" + r.one, tag: r.tag, summary: "Make " + r.word, text: r.createText,
		body: r.create, examples: r.createExamples,
		success: []answer{{status: 201, text: "It was made.", body: created, headers: []string{"ETag"}, examples: createdExamples}},
		fails:   failing(withBody, changing),
	})
	d.add(operation{
		method: "GET", path: one, id: "get" + r.one, tag: r.tag, summary: "Show " + r.word,
		success: []answer{{status: 200, text: "What it is.", body: r.shown, headers: []string{"ETag"}, examples: r.showExamples}},
		fails:   failing(onOne),
	})
	d.add(operation{
		method: "PATCH", path: one, id: "update" + r.one, tag: r.tag, summary: "Change " + r.word, text: r.patchText,
		parameters: parameters(ifMatch()), body: r.patch, examples: r.patchExamples, alsoMergePatch: true,
		success: []answer{{status: 200, text: "What it is now.", body: r.shown, headers: []string{"ETag"}, examples: r.showExamples}},
		fails:   failing(onOne, withBody, changing, matching),
	})
	d.add(operation{
		method: "DELETE", path: one, id: "delete" + r.one, tag: r.tag, summary: "Delete " + r.word, text: r.deleteText, parameters: parameters(ifMatch()),
		success: []answer{{status: 204, text: "It is gone."}},
		fails:   failing(onOne, changing, matching),
	})
}

func (d *document) administration() {
	d.configuration()
	d.resource(users())
	d.resource(clients())
	d.credentials()
	d.resource(roles())
	d.resource(audiences())
	when := func() *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: "date-time"} }
	d.add(operation{
		method: "GET", path: "/api/audit", id: "listEvents", tag: "Audit", summary: "List what happened, newest first",
		parameters: paging(
			query("from", "Not before this time.", when()), query("to", "Before this time.", when()),
			query("event", "The kind of thing and what happened, such as user.created.", plainText()),
			query("outcome", "How it ended.", &huma.Schema{Type: huma.TypeString, Enum: []any{identity.OutcomeSuccess, identity.OutcomeFailure}}),
			query("actor", "The id of who did it.", plainText()), query("target", "The id of what it was done to.", plainText()),
			query("ip", "The address it came from.", &huma.Schema{AnyOf: []*huma.Schema{{Type: huma.TypeString, Format: "ipv4"}, {Type: huma.TypeString, Format: "ipv6"}}}), query("request_id", "The request it came with.", plainText()),
		),
		success: []answer{{status: 200, text: "A page.", body: api.Page[api.Event]{}}}, fails: failing(),
	})
}

func (d *document) configuration() {
	shown := []example{{"configuration", "The configuration", api.Configuration{
		PublicKey: examplePEM, KID: exampleKID, Algorithm: "ES256", JWTExpiration: 900, JWTIssuer: exampleIssuer, JWTMaxRefreshes: 100, RefreshGrace: 10, SessionMaxAge: 2592000, UpdatedAt: exampleAt(),
	}}}
	examples := []example{
		{"lifetimes", "Lifetimes", api.ConfigurationUpdate{JWTExpiration: new(int64(600)), JWTMaxRefreshes: new(int64(50)), RefreshGrace: new(int64(0))}},
		{"rotation", "Another signing key every 90 days, by itself", api.ConfigurationUpdate{KeyRotationInterval: new(int64(7776000))}},
		{"issuer", "Another issuer: needs identity:admin", api.ConfigurationUpdate{JWTIssuer: new(exampleIssuer)}},
		{"key", "Another signing key: needs identity:admin", api.ConfigurationUpdate{PrivateKey: new("-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n")}},
	}
	const more = " Setting `private_key` or `jwt_issuer` needs `identity:admin`."
	d.add(operation{
		method: "GET", path: "/api/configuration", id: "getConfiguration", tag: "Configuration", summary: "Show the configuration",
		success: []answer{{status: 200, text: "What is configured.", body: api.Configuration{}, headers: []string{"ETag"}, examples: shown}}, fails: failing(),
	})
	d.add(operation{
		method: "POST", path: "/api/configuration", id: "setConfiguration", tag: "Configuration", summary: "Set members of the configuration",
		text: "Sets at least one. All or nothing.", extraDescription: more, parameters: parameters(ifMatch()), body: api.ConfigurationUpdate{}, examples: examples,
		success: []answer{{status: 201, text: "What is configured now.", body: api.Configuration{}, headers: []string{"ETag"}, examples: shown}},
		fails:   failing(withBody, changing, matching),
	})
	d.add(operation{
		method: "PATCH", path: "/api/configuration", id: "updateConfiguration", tag: "Configuration", summary: "Change the configuration", alsoMergePatch: true,
		text: "All or nothing.", extraDescription: more, parameters: parameters(ifMatch()), body: api.ConfigurationUpdate{}, examples: examples,
		success: []answer{{status: 200, text: "What is configured now.", body: api.Configuration{}, headers: []string{"ETag"}, examples: shown}},
		fails:   failing(withBody, changing, matching),
	})
}

func (d *document) credentials() {
	secrets, keys := "/api/clients/{id}/secrets", "/api/clients/{id}/keys"
	const newestFirst = "Newest first. The ETag is that of the client."
	secret := api.ClientSecret{ID: "8h2k4m6q", Label: "blue", CreatedAt: exampleAt()}
	key := api.ClientKey{ID: "01985d3a-7c6b-7f00-8a51-3d2f0c5b9e12", KID: exampleKID, Algorithm: "ES256", Label: "blue", CreatedAt: exampleAt()}
	d.add(operation{
		method: "GET", path: secrets, id: "listClientSecrets", tag: "Clients", summary: "List a client's secrets", text: newestFirst, parameters: paging(),
		success: []answer{{status: 200, text: "Which secrets there are; nobody can read them again.", body: api.Page[api.ClientSecret]{}, headers: []string{"ETag"}}}, fails: failing(onOne),
	})
	d.add(operation{
		method: "POST", path: secrets, id: "createClientSecret", tag: "Clients", summary: "Give a client one more secret",
		text: "A client has up to five live ones, one of them chosen by a caller, so that a rotation overlaps.", parameters: parameters(ofClient()),
		body: api.CreateSecretRequest{}, examples: []example{
			{"generated", "One that is generated", api.CreateSecretRequest{Label: "blue"}},
			{"chosen", "One that the caller chooses", api.CreateSecretRequest{ClientSecret: "a secret of sufficient length", ExpiresAt: new(exampleAt().AddDate(1, 0, 0))}},
		},
		success: []answer{{status: 201, text: "The secret, shown this once.", body: api.CreatedSecret{}, examples: []example{
			{"generated", "One that was generated", api.CreatedSecret{ClientSecret: secret, Secret: exampleSecret}},
		}}},
		fails: failing(onOne, withBody, changing, matching),
	})
	d.add(operation{
		method: "DELETE", path: secrets + "/{sid}", id: "deleteClientSecret", tag: "Clients", summary: "Take a secret from a client",
		text: "Not the last one of a client that requires a secret.", parameters: parameters(ofClient()),
		success: []answer{{status: 204, text: "It no longer works."}}, fails: failing(onOne, changing, matching),
	})
	d.add(operation{
		method: "GET", path: keys, id: "listClientKeys", tag: "Clients", summary: "List a client's keys", text: newestFirst, parameters: paging(),
		success: []answer{{status: 200, text: "Which keys there are.", body: api.Page[api.ClientKey]{}, headers: []string{"ETag"}}}, fails: failing(onOne),
	})
	d.add(operation{
		method: "POST", path: keys, id: "createClientKey", tag: "Clients", summary: "Give a client one more public key",
		text: "A client has up to five, so that a rotation overlaps.", parameters: parameters(ofClient()),
		body: api.CreateKeyRequest{}, examples: []example{
			{"pem", "As PEM", api.CreateKeyRequest{PublicKey: quoted(examplePEM), Label: "blue"}},
			{"jwk", "As a JWK", api.CreateKeyRequest{PublicKey: json.RawMessage(exampleJWK)}},
		},
		success: []answer{{status: 201, text: "The key.", body: api.ClientKey{}, examples: []example{{"key", "A key", key}}}},
		fails:   failing(onOne, withBody, changing, matching),
	})
	d.add(operation{
		method: "DELETE", path: keys + "/{kid}", id: "deleteClientKey", tag: "Clients", summary: "Take a key from a client",
		text: "Not the last one of a client that requires a signature.", parameters: parameters(ofClient()),
		success: []answer{{status: 204, text: "It no longer works."}}, fails: failing(onOne, changing, matching),
	})
}

// ofClient is If-Match for a client's secrets and keys, which are part of the client.
func ofClient() *huma.Param {
	p := ifMatch()
	p.Description = "The ETag of the client as the caller knows it. If it has changed since, nothing is done."
	return p
}

func quoted(s string) json.RawMessage {
	return json.RawMessage(strconv.Quote(s)) // in ASCII it is the same in JSON
}

func exampleAt() time.Time {
	at, _ := time.Parse(time.RFC3339, exampleTime) // it is a constant
	return at
}
