package main

import (
	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

const exampleRefresh = "idr_AWNhZmUBmF06fGt_AIpRPS8MW54SAAAAB2lzLW5vdC1hLW1hYy1pcy1ub3QtYS1tYWMtaXMtYW4tZXg"

// sessions are the routes of /auth on which a session goes on and ends.
func (d *document) sessions() {
	common := []identity.Kind{
		identity.InvalidJSON, identity.PayloadTooLarge, identity.UnsupportedMediaType, identity.InvalidRequest, identity.RateLimited, identity.Unavailable,
	}
	body := []example{{"refresh-token", "The last refresh token", api.RefreshRequest{RefreshToken: exampleRefresh}}}
	d.add(operation{
		method: "POST", path: "/auth/refresh", id: "refresh", tag: "Authentication", summary: "A session goes on",
		text: "A refresh token works once, and the answer has the next one. The one used last may be sent again for `refresh_grace` seconds by whoever has lost the answer: the answer has the same next one. " +
			"Any other second use ends the session: somebody else has the token too.\n\n" +
			"The user, permissions and audiences are looked at anew. Whoever was disabled, or has another password, has no session any more.",
		body: api.RefreshRequest{}, examples: body,
		success: []answer{{status: 200, text: "The session goes on.", body: api.SessionResponse{}, examples: session("orders-api", 99)}},
		fails:   append(common, identity.InvalidRefreshToken),
	})
	d.add(operation{
		method: "POST", path: "/auth/logout", id: "logout", tag: "Authentication", summary: "A session ends",
		text: "The answer is the same whatever the token is. Access tokens of the session are refused by this service at once; elsewhere they are good until they expire, for a logout is not on the revocation list.",
		body: api.RefreshRequest{}, examples: body,
		success: []answer{{status: 204, text: "There is no such session any more."}},
		fails:   common,
	})
}

// session is an answer with a refresh token.
func session(audience string, left int64) []example {
	return []example{{"session", "A token for " + audience + ", with what refreshes it", api.SessionResponse{
		TokenResponse: api.TokenResponse{Token: exampleToken, Audience: audience, TokenType: api.TokenTypeBearer, ExpiresIn: 900},
		RefreshToken:  exampleRefresh, RefreshesLeft: &left,
	}}}
}

// lifecycle is what administers sessions and signing keys.
func (d *document) lifecycle() {
	const id = "0196f3a0-5c6b-7d10-9f21-2b6f6e1f4c55"
	at := exampleAt()
	later := at.AddDate(0, 0, 30)
	shown := api.Session{
		ID: id, UserID: "0196f39e-0000-7a2b-8c3d-4e5f60718293", Audience: "orders-api", CreatedAt: at, LastRefreshedAt: &at, ExpiresAt: later,
		RefreshesLeft: 99, IP: "192.0.2.7", UserAgent: "curl/8.5.0",
	}
	d.add(operation{
		method: "GET", path: "/api/sessions", id: "listSessions", tag: "Sessions", summary: "List the sessions that are not over, newest first",
		parameters: paging(query("user_id", "The user whose they are.", plainText())),
		success: []answer{{status: 200, text: "A page.", body: api.Page[api.Session]{}, examples: []example{
			{"page", "One session", api.Page[api.Session]{Data: api.List[api.Session]{shown}}},
		}}}, fails: failing(),
	})
	d.add(operation{
		method: "DELETE", path: "/api/sessions", id: "endAllSessions", tag: "Sessions", summary: "End every session at once",
		text:    "For when refresh tokens may be about that should not be: after restoring a backup, or a leak. Every user has to log in again.",
		success: []answer{{status: 204, text: "There is no session any more."}}, fails: failing(),
	})
	const elsewhere = "Its access tokens are refused by this service at once; verifiers that keep the revocation list learn it within seconds, others accept them until they expire."
	d.add(operation{
		method: "DELETE", path: "/api/sessions/{id}", id: "endSession", tag: "Sessions", summary: "End a session", text: elsewhere,
		success: []answer{{status: 204, text: "It has ended."}}, fails: failing(onOne),
	})
	d.add(operation{
		method: "DELETE", path: "/api/users/{id}/sessions", id: "endSessionsOfUser", tag: "Sessions", summary: "End all sessions of a user",
		success: []answer{{status: 204, text: "They have ended."}}, fails: failing(onOne),
	})
	key := api.SigningKey{KID: exampleKID, Algorithm: "ES256", State: string(identity.KeyActive), Default: true, CreatedAt: at, ActivatesAt: &at}
	next := api.SigningKey{KID: exampleKID, Algorithm: "ES256", State: string(identity.KeyNext), CreatedAt: at}
	d.add(operation{
		method: "GET", path: "/api/keys", id: "listSigningKeys", tag: "Signing keys", summary: "List the signing keys", parameters: paging(),
		text: "In the order in which they sign; those that are not activated come last.",
		success: []answer{{status: 200, text: "A page.", body: api.Page[api.SigningKey]{}, examples: []example{
			{"page", "One key", api.Page[api.SigningKey]{Data: api.List[api.SigningKey]{key}}},
		}}}, fails: failing(),
	})
	d.add(operation{
		method: "POST", path: "/api/keys", id: "createSigningKey", tag: "Signing keys", summary: "Make a signing key",
		text: "It is published from now on, and signs nothing until it is activated.",
		body: api.CreateSigningKeyRequest{}, examples: []example{
			{"es256", "One for ES256", api.CreateSigningKeyRequest{Algorithm: "ES256"}},
			{"rs256", "One for verifiers that know only RS256", api.CreateSigningKeyRequest{Algorithm: "RS256"}},
		},
		success: []answer{{status: 201, text: "The key.", body: api.SigningKey{}, examples: []example{{"key", "A key", next}}}},
		fails:   failing(withBody, changing),
	})
	d.add(operation{
		method: "POST", path: "/api/keys/{id}/activate", id: "activateSigningKey", tag: "Signing keys", summary: "Have a key take over",
		text: "It takes over from the key of its algorithm, if there is one, once it has been published for five minutes: `activates_at` in the answer says when. " +
			"The key before it stays published until the last token under it has expired. The body may be empty.",
		body: api.ActivateKeyRequest{}, mayBeEmpty: true, examples: []example{
			{"planned", "As soon as every verifier can know it", api.ActivateKeyRequest{}},
			{"leaked", "At once, because the key before it has leaked", api.ActivateKeyRequest{Now: true}},
			{"algorithm", "As the default key, with another algorithm", api.ActivateKeyRequest{Default: true}},
		},
		success: []answer{{status: 200, text: "The key, with when it begins to sign.", body: api.SigningKey{}, examples: []example{{"key", "A key", key}}}},
		fails:   failing(onOne, withBody, changing),
	})
	d.add(operation{
		method: "DELETE", path: "/api/keys/{id}", id: "deleteSigningKey", tag: "Signing keys", summary: "Delete a key",
		text:    "It is published no more, so every token under it is refused, by this service within a second and elsewhere once the keys were asked for again. Not one that is in use.",
		success: []answer{{status: 204, text: "It is gone."}}, fails: failing(onOne, changing),
	})
}
