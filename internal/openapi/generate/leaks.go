package main

import (
	"github.com/seed-60f9e3ad/identity/api"
)

// leaks is what looks at what was found where it should not be.
func (d *document) leaks() {
	at := exampleAt()
	const secret = "ids_k3x9q2ab_c2VjcmV0LWlzLW5vdC1hLXNlY3JldC1pcy1uLWV4YW1wQWJDZEVm"
	shown := api.Leak{
		Kind: "client_secret", Good: true, ID: "k3x9q2ab", Owners: api.List[api.LeakOwner]{{Type: "client", ID: "billing", Name: "Billing"}},
		Says: "It is a secret of the client billing.", CreatedAt: &at, LastUsedAt: &at,
		Uses: api.List[api.LeakUse]{{Event: "token.issued", Outcome: "success", IP: "192.0.2.7", Events: 12, First: at, Last: at}}, UsesFrom: &at,
		Ends:    api.List[string]{"the secret", "every token of billing here"},
		Remains: api.List[string]{"services that keep the revocation list refuse tokens that are out within seconds, others when they expire: in 15m0s at the latest"},
	}
	d.add(operation{
		method: "POST", path: "/api/leak", id: "lookAtLeak", tag: "Leaks", summary: "Say what was found, and revoke it",
		text: "What it is that was found where it should not be, whose, since when, and what was done with it, as far as the audit has it. " +
			"With `revoke` it is ended, and everything made with it, whatever that leaves: a client may have no secret then. Asking again changes nothing more. " +
			"What was sent is in no answer, log or audit; that somebody asked is in the audit.",
		body: api.LeakRequest{}, examples: []example{
			{"look", "What is this?", api.LeakRequest{Found: secret}},
			{"revoke", "End it", api.LeakRequest{Found: secret, Revoke: true}},
		},
		success: []answer{{status: 200, text: "What it is; also where it is nothing of this service.", body: api.Leak{}, examples: []example{{"secret", "A secret of a client", shown}}}},
		fails:   failing(withBody, onOne),
	})
}
