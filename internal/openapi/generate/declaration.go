package main

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-60f9e3ad/identity/api"
)

// declaration is how an installation is to be, as a whole.
func (d *document) declaration() {
	declared := api.Declaration{
		Version: 1, Roles: &[]api.DeclaredRole{{Name: "billing", Permissions: []string{"invoices:read"}}},
		Clients: &[]api.DeclaredClient{{ClientID: "billing", Name: "Billing", Require: []string{"secret"}, Roles: []string{"billing"}}},
	}
	plan := api.Plan{
		Changes: api.List[api.PlannedChange]{
			{Action: "update", Kind: "role", Name: "billing", Before: map[string]json.RawMessage{"permissions": json.RawMessage("null")}, After: map[string]json.RawMessage{"permissions": json.RawMessage(`["invoices:read"]`)}},
			{Action: "create", Kind: "client", Name: "billing", Before: map[string]json.RawMessage{}, After: map[string]json.RawMessage{"name": json.RawMessage(`"Billing"`)}},
		},
		MustMake: api.List[api.MustMake]{{Kind: "client_secret", Name: "billing", Command: "identity client secret create billing"}},
		Applied:  true,
	}
	d.add(operation{
		method: "GET", path: "/api/declaration", id: "exportDeclaration", tag: "Declaration", summary: "Write the installation as a declaration",
		text:    "Of which applying changes nothing. It has no secrets and no passwords. Of more than 10,000 things none is written.",
		success: []answer{{status: 200, text: "The declaration.", body: api.Declaration{}, examples: []example{{"declaration", "A role and a client", declared}}}},
		fails:   failing(changing),
	})
	flag := &huma.Schema{Type: huma.TypeBoolean, Default: false}
	d.add(operation{
		method: "POST", path: "/api/declaration", id: "applyDeclaration", tag: "Declaration", summary: "Make the installation what a declaration says",
		text: "All of it in one transaction, or nothing. A section that is absent is left alone; in one that is there, what an entry does not say is the default, and what has no entry is left alone, or deleted with `prune`. " +
			"Secrets and passwords are not declared: `must_make` says which are missing. At most 1000 changes at once, and 4 MiB.",
		parameters: parameters(query("dry_run", "Only say what would be done.", flag), query("prune", "Delete what is not declared, of the sections that are.", flag)),
		body:       api.Declaration{}, examples: []example{{"declaration", "A role and a client", declared}},
		success: []answer{{status: 200, text: "What was done, or would be.", body: api.Plan{}, examples: []example{{"plan", "Two changes", plan}}}},
		fails:   failing(withBody, changing),
	})
}
