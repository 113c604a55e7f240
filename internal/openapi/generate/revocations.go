package main

import (
	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// revocations is what administers access tokens that are out.
func (d *document) revocations() {
	at := exampleAt()
	shown := api.Revocation{
		ID: "0196f3a0-5c6b-7d10-9f21-2b6f6e1f4c55", Kind: "sub", Value: new("billing"), Before: at.Add(1e9), CreatedAt: at, ExpiresAt: at.Add(961e9),
	}
	d.add(operation{
		method: "GET", path: "/api/revocations", id: "listRevocations", tag: "Revocations", summary: "List what was revoked and may still concern a token, the newest first",
		text:       "Also what follows from other changes: of a password, of the credentials of a client, of a session, of a key.",
		parameters: paging(),
		success: []answer{{status: 200, text: "A page.", body: api.Page[api.Revocation]{}, examples: []example{
			{"page", "The tokens of a client", api.Page[api.Revocation]{Data: api.List[api.Revocation]{shown}}},
		}}}, fails: failing(),
	})
	d.add(operation{
		method: "POST", path: "/api/revocations", id: "revoke", tag: "Revocations", summary: "Access tokens count no more",
		text: "Here and by introspection at once, elsewhere as soon as a verifier has the revocation list. Whoever it concerns proves themselves again; a session is ended, and so are those of a user. " +
			"`kid` deletes the key, which must not sign any more; that and `all` need `identity:admin`.",
		body: api.RevokeRequest{},
		examples: []example{
			{"token", "One token", api.RevokeRequest{Kind: "jti", Value: "4F7QKXN2B5VZ3MDA6HJ2WYC7RE"}},
			{"principal", "Those of a user or client", api.RevokeRequest{Kind: "sub", Value: "billing"}},
			{"all", "All that were issued until now", api.RevokeRequest{Kind: "all"}},
		},
		success: []answer{{status: 200, text: "They count no more.", body: api.Revocation{}, examples: []example{{"revocation", "The tokens of a client", shown}}}},
		fails:   failing(withBody, []identity.Kind{identity.NotFound, identity.Conflict}),
	})
}
