package rest

import (
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
	if c.TokenAlgorithm != "" {
		view.TokenAlgorithm = &c.TokenAlgorithm
	}
	for _, s := range c.Secrets {
		view.Secrets = append(view.Secrets, viewSecret(s))
	}
	for _, k := range c.Keys {
		view.Keys = append(view.Keys, viewKey(k))
	}
	return view
}
