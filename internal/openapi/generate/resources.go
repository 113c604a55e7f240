package main

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-60f9e3ad/identity/api"
)

const (
	exampleID  = "01985d3a-7c6b-7f00-8a51-3d2f0c5b9e10"
	examplePEM = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n-----END PUBLIC KEY-----\n"
	exampleJWK = `{"kty":"EC","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
)

var exampleMetadata = json.RawMessage(`{"team":"billing"}`)

func users() resource {
	return resource{
		path: "/api/users", tag: "Users", one: "User", many: "Users", word: "a user",
		shown: api.User{}, page: api.Page[api.User]{}, create: api.CreateUserRequest{}, patch: api.UserPatch{},
		filters: []*huma.Param{
			query("username", "Only names that begin with this, in canonical form.", plainText()),
			query("enabled", "Only those that are, or are not.", &huma.Schema{Type: huma.TypeBoolean}),
		},
		createText: "Nobody can grant a permission of this service that they do not hold.",
		patchText:  "Nobody can change who holds a permission of this service that they lack, nor the last administrator into none.",
		deleteText: "Not the last administrator. The id is never used again.",
		createExamples: []example{
			{"password", "With a password that works once", api.CreateUserRequest{
				Username: "ada", Password: "correct horse battery staple", OneTime: true, Permissions: api.List[string]{"orders:read"}, Audiences: &api.List[string]{"orders-api"},
			}},
			{"password-hash", "With a hash from another system", api.CreateUserRequest{
				Username: "grace", PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$OoPy0VXSXx0m4hGfqKgM0xUXyQ2x9sUj0F7E3mGk7wA", Metadata: exampleMetadata,
			}},
		},
		patchExamples: []example{
			{"permissions", "Other permissions", api.UserPatch{Permissions: &api.List[string]{"orders:read", "orders:write"}}},
			{"disable", "No tokens any more", api.UserPatch{Enabled: new(false)}},
			{"metadata", "Remove a member of the metadata", api.UserPatch{Metadata: json.RawMessage(`{"team":null}`)}},
		},
		showExamples: []example{{"user", "A user", api.User{
			ID: exampleID, Username: "ada", Enabled: true, Permissions: api.List[string]{"orders:read"}, Audiences: api.List[string]{"orders-api"},
			Metadata: exampleMetadata, OneTime: true, CreatedAt: exampleAt(), UpdatedAt: exampleAt(),
		}}},
	}
}

func clients() resource {
	shown := api.Client{
		ClientID: "billing", Name: "Billing", Enabled: true, Require: api.List[string]{"secret"}, Permissions: api.List[string]{"orders:read"},
		Audiences: api.List[string]{"*"}, AssertionAudience: "issuer", Metadata: exampleMetadata, CreatedAt: exampleAt(), UpdatedAt: exampleAt(),
		Secrets: api.List[api.ClientSecret]{{ID: "8h2k4m6q", CreatedAt: exampleAt()}},
	}
	return resource{
		path: "/api/clients", tag: "Clients", one: "Client", many: "Clients", word: "a client",
		shown: api.Client{}, created: api.CreatedClient{}, page: api.Page[api.Client]{}, create: api.CreateClientRequest{}, patch: api.ClientPatch{},
		createText: "Without `client_secret` and `public_key` a secret is generated. A secret is shown this once.",
		patchText:  "Nobody can change a client that holds a permission of this service that they lack.",
		deleteText: "Not the last administrator. The client_id is never used again.",
		createExamples: []example{
			{"secret", "One that must present a secret, which is generated", api.CreateClientRequest{Name: "Billing", ClientID: "billing", Permissions: api.List[string]{"orders:read"}}},
			{"signature", "One that must present a signature", api.CreateClientRequest{Name: "Billing", ClientID: "billing", PublicKey: quoted(examplePEM)}},
			{"jwk", "The same, with the key as a JWK", api.CreateClientRequest{Name: "Billing", ClientID: "billing", PublicKey: json.RawMessage(exampleJWK)}},
			{"jwks-uri", "One whose keys are where it says", api.CreateClientRequest{Name: "Billing", ClientID: "billing", JWKSURI: new("https://billing.example.com/jwks.json"), AuthMethod: new("private_key_jwt")}},
			{"both", "One that must present both", api.CreateClientRequest{
				Name: "Billing", ClientID: "billing", ClientSecret: "a secret of sufficient length", PublicKey: quoted(examplePEM), Require: api.List[string]{"secret", "signature"},
			}},
		},
		patchExamples: []example{
			{"lifetime", "Short tokens", api.ClientPatch{TokenExpiration: &api.Nullable[int64]{Value: new(int64(300))}}},
			{"default-lifetime", "Tokens as configured", api.ClientPatch{TokenExpiration: &api.Nullable[int64]{}}},
			{"algorithm", "Tokens for verifiers that know only RS256", api.ClientPatch{TokenAlgorithm: &api.Nullable[string]{Value: new("RS256")}}},
			{"disable", "No tokens any more", api.ClientPatch{Enabled: new(false)}},
		},
		showExamples:    []example{{"client", "A client", shown}},
		createdExamples: []example{{"client", "A client with a generated secret", api.CreatedClient{Client: shown, ClientSecret: exampleSecret}}},
	}
}

func roles() resource {
	return resource{
		path: "/api/roles", tag: "Roles", one: "Role", many: "Roles", word: "a role",
		shown: api.Role{}, page: api.Page[api.Role]{}, create: api.CreateRoleRequest{}, patch: api.RolePatch{},
		createText: "Nobody can grant a permission of this service that they do not hold.",
		patchText:  "What it grants changes for everybody who holds it.",
		deleteText: "Whoever holds it loses what it grants.",
		createExamples: []example{
			{"role", "A role", api.CreateRoleRequest{Name: "clerk", Permissions: api.List[string]{"orders:read"}}},
		},
		patchExamples: []example{{"permissions", "Other permissions", api.RolePatch{Permissions: &api.List[string]{"orders:read", "orders:write"}}}},
		showExamples: []example{{"role", "A role", api.Role{
			ID: exampleID, Name: "clerk", Permissions: api.List[string]{"orders:read"}, CreatedAt: exampleAt(), UpdatedAt: exampleAt(),
		}}},
	}
}

func audiences() resource {
	return resource{
		path: "/api/audiences", tag: "Audiences", one: "Audience", many: "Audiences", word: "an audience",
		shown: api.Audience{}, page: api.Page[api.Audience]{}, create: api.CreateAudienceRequest{}, patch: api.AudiencePatch{},
		createText: "The register is optional: a token may be for an audience that is not in it. For one that is, it carries only those permissions, lifetime and algorithm.",
		deleteText: "Tokens for it are then as for every audience.",
		createExamples: []example{
			{"audience", "An audience", api.CreateAudienceRequest{
				Audience: "orders-api", Name: "Orders", Permissions: &api.List[string]{"orders:read", "orders:write"}, TokenExpiration: new(int64(300)), Algorithm: new("ES256"),
			}},
		},
		patchExamples: []example{
			{"lifetime", "Short tokens", api.AudiencePatch{TokenExpiration: &api.Nullable[int64]{Value: new(int64(60))}}},
			{"no-limit", "No limit of permissions", api.AudiencePatch{Permissions: &api.Nullable[api.List[string]]{}}},
		},
		showExamples: []example{{"audience", "An audience", api.Audience{
			ID: exampleID, Audience: "orders-api", Name: "Orders", Permissions: &api.List[string]{"orders:read", "orders:write"},
			TokenExpiration: new(int64(300)), Algorithm: new("ES256"), CreatedAt: exampleAt(), UpdatedAt: exampleAt(),
		}}},
	}
}
