package main

import (
	"github.com/seed-60f9e3ad/identity/api"
)

// throttles is what administers the attempts that are counted.
func (d *document) throttles() {
	at := exampleAt()
	d.add(operation{
		method: "GET", path: "/api/throttles", id: "listThrottles", tag: "Throttles", summary: "List the names on which attempts have to wait, those with the most attempts first",
		text:       "Also those that nobody has. Attempts count for a day from the first of them, until one succeeds.",
		parameters: paging(),
		success: []answer{{status: 200, text: "A page.", body: api.Page[api.Throttle]{}, examples: []example{
			{"page", "One name", api.Page[api.Throttle]{Data: api.List[api.Throttle]{{
				ID: "iq7mAnWYkYuJ3WqTqZ1a0m9i4D3xBvV3oZlDk1cY2cQ", Kind: "user", Name: "ada", Attempts: 12, Until: at.Add(3e9), UpdatedAt: at,
			}}}},
		}}}, fails: failing(),
	})
	d.add(operation{
		method: "DELETE", path: "/api/throttles/{id}", id: "clearThrottle", tag: "Throttles", summary: "Forget the attempts on a name",
		text:    "The next one need not wait.",
		success: []answer{{status: 204, text: "They are forgotten."}}, fails: failing(onOne),
	})
}
