package rest

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func (h *Handler) clients() []Route {
	return []Route{
		{"GET", "/api/clients", identity.PermissionClientsRead, h.listClients},
		{"POST", "/api/clients", identity.PermissionClientsWrite, h.createClient},
		{"GET", "/api/clients/{id}", identity.PermissionClientsRead, h.getClient},
		{"PATCH", "/api/clients/{id}", identity.PermissionClientsWrite, h.patchClient},
		{"DELETE", "/api/clients/{id}", identity.PermissionClientsWrite, h.deleteClient},
	}
}

func (h *Handler) listClients(w http.ResponseWriter, r request) error {
	p, err := readPage(r.Request, "clients")
	if err != nil {
		return err
	}
	clients, err := h.admin.Clients(r.Context(), r.caller, p.after, p.limit+1)
	if err != nil {
		return err
	}
	return writePage(w, p, clients, func(c identity.Client) string { return c.ID }, viewClient)
}

func (h *Handler) createClient(w http.ResponseWriter, r request) error {
	o, err := r.object()
	if err != nil {
		return err
	}
	n := admin.NewClient{
		Name: o.String("name"), Secret: optionalSecret(o, "client_secret"), Permissions: listOf(o, "permissions"), Roles: listOf(o, "roles"),
		Audiences: optionalList(o, "audiences"), Metadata: o.OptionalObject("metadata"),
	}
	if n.PublicKey = publicKey(o); n.PublicKey == "" && o.Has("public_key") { // which would make a secret
		o.Merge(identity.InvalidField("public_key", "must not be empty"))
	}
	if set := keySet(o); set != nil {
		if n.Keys = *set; o.Has("public_key") || len(n.Keys) == 0 {
			o.Invalid("jwks", "must have a key, and not be together with public_key")
		}
	}
	n.AuthMethod, n.AssertionAlgorithm = identity.AuthMethod(deref(nullableString(o, "token_endpoint_auth_method"))), deref(nullableString(o, "token_endpoint_auth_signing_alg"))
	n.AssertionAudience, n.JWKSURI = identity.AssertionAudience(deref(optionalString(o, "assertion_audience"))), deref(nullableString(o, "jwks_uri"))
	if o.Has("assertion_audience") && n.AssertionAudience == "" {
		o.Merge(identity.CheckAssertionAudience(""))
	}
	n.StaticSignature, _ = o.OptionalBool("static_signature")
	n.Require, _ = o.OptionalStrings("require")
	if id := optionalString(o, "client_id"); id != nil {
		if n.ID = *id; n.ID == "" { // which would make one
			o.Merge(identity.CheckClientID(""))
		}
	}
	if enabled, present := o.OptionalBool("enabled"); present {
		n.Disabled = !enabled
	}
	if d := expiration(o); d != nil {
		n.TokenExpiration = *d
	}
	if algorithm := nullableString(o, "token_algorithm"); algorithm != nil {
		n.TokenAlgorithm = *algorithm
	}
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	client, secret, err := h.admin.CreateClient(r.Context(), r.caller, n)
	if err != nil {
		return err
	}
	web.NoStore(w)
	return write(w, http.StatusCreated, client.Version, api.CreatedClient{Client: viewClient(client), ClientSecret: secret.Reveal()})
}

// publicKey reads a key that is PEM in a string, or a JWK as an object; empty where
// it is absent.
func publicKey(o *web.Object) string {
	if o.IsObject("public_key") {
		return string(o.OptionalObject("public_key"))
	}
	text, _ := o.OptionalString("public_key")
	return text
}

// keySet reads the keys of a JWK Set (RFC 7517 section 5); nil where it is absent.
func keySet(o *web.Object) *[]admin.NewKey {
	text := o.OptionalObject("jwks")
	if text == nil {
		return nil
	}
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(text, &set) != nil || set.Keys == nil {
		o.Invalid("jwks", "must be a JWK Set")
		return nil
	}
	keys := make([]admin.NewKey, len(*set.Keys))
	for i, key := range *set.Keys {
		keys[i].PublicKey = string(key)
	}
	return &keys
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// expiration reads token_expiration: nil where it is absent, zero for null.
func expiration(o *web.Object) *time.Duration {
	if o.Null("token_expiration") {
		return new(time.Duration)
	}
	d := seconds(o, "token_expiration")
	if d != nil && *d == 0 {
		o.Invalid("token_expiration", "must be a number of seconds, or null")
	}
	return d
}

func (h *Handler) getClient(w http.ResponseWriter, r request) error {
	if err := web.NoQuery(r.Request); err != nil {
		return err
	}
	client, err := h.admin.Client(r.Context(), r.caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, client.Version, viewClient(client))
}

func (h *Handler) patchClient(w http.ResponseWriter, r request) error {
	o, err := r.object(mergePatch)
	if err != nil {
		return err
	}
	p := admin.ClientPatch{
		Name: optionalString(o, "name"), Require: optionalList(o, "require"), Permissions: optionalList(o, "permissions"),
		Roles: optionalList(o, "roles"), Audiences: optionalList(o, "audiences"), StaticSignature: optionalBool(o, "static_signature"),
		Enabled: optionalBool(o, "enabled"), TokenExpiration: expiration(o), TokenAlgorithm: nullableString(o, "token_algorithm"),
		AuthMethod: (*identity.AuthMethod)(nullableString(o, "token_endpoint_auth_method")), AssertionAlgorithm: nullableString(o, "token_endpoint_auth_signing_alg"),
		AssertionAudience: (*identity.AssertionAudience)(optionalString(o, "assertion_audience")), JWKSURI: nullableString(o, "jwks_uri"), Keys: keySet(o),
		Metadata: o.OptionalObject("metadata"),
	}
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	client, err := h.admin.UpdateClient(r.Context(), r.caller, r.PathValue("id"), p, func(found identity.Client) error { return r.match(found.Version) })
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, client.Version, viewClient(client))
}

func (h *Handler) deleteClient(w http.ResponseWriter, r request) error {
	if err := r.nothing(); err != nil {
		return err
	}
	return done(w, h.admin.DeleteClient(r.Context(), r.caller, r.PathValue("id"), func(found identity.Client) error { return r.match(found.Version) }))
}

func viewClient(c identity.Client) api.Client {
	view := api.Client{
		ClientID: c.ID, Name: c.Name, Enabled: c.Enabled, Require: c.Require.Names(), StaticSignature: c.StaticSignature,
		Permissions: c.Permissions, Roles: c.Roles.Names, Audiences: c.Audiences, TokenExpiration: optionalSeconds(c.TokenExpiration),
		Metadata: metadata(c.Metadata), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	view.AssertionAudience = string(c.AssertionAudience)
	for _, member := range []struct {
		shown **string
		value string
	}{
		{&view.TokenAlgorithm, c.TokenAlgorithm}, {&view.AuthMethod, string(c.AuthMethod)},
		{&view.AssertionAlgorithm, c.AssertionAlgorithm}, {&view.JWKSURI, c.JWKSURI},
	} {
		if member.value != "" {
			*member.shown = &member.value
		}
	}
	for _, s := range c.Secrets {
		view.Secrets = append(view.Secrets, viewSecret(s))
	}
	for _, k := range c.Keys {
		view.Keys = append(view.Keys, viewKey(k))
	}
	return view
}
