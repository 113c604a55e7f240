package rest

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func (h *Handler) credentials() []Route {
	return []Route{
		{"GET", "/api/clients/{id}/secrets", identity.PermissionClientsRead, h.listSecrets},
		{"POST", "/api/clients/{id}/secrets", identity.PermissionClientsWrite, h.createSecret},
		{"DELETE", "/api/clients/{id}/secrets/{sid}", identity.PermissionClientsWrite, h.deleteSecret},
		{"GET", "/api/clients/{id}/keys", identity.PermissionClientsRead, h.listKeys},
		{"POST", "/api/clients/{id}/keys", identity.PermissionClientsWrite, h.createKey},
		{"DELETE", "/api/clients/{id}/keys/{kid}", identity.PermissionClientsWrite, h.deleteKey},
	}
}

func (h *Handler) listSecrets(w http.ResponseWriter, r request) error {
	return listOfClient(h, w, r, "secrets", func(c identity.Client) []identity.ClientSecret { return c.Secrets },
		func(s identity.ClientSecret) string { return place(s.CreatedAt, s.ID) }, viewSecret)
}

func (h *Handler) listKeys(w http.ResponseWriter, r request) error {
	return listOfClient(h, w, r, "keys", func(c identity.Client) []identity.ClientKey { return c.Keys },
		func(k identity.ClientKey) string { return place(k.CreatedAt, k.ID) }, viewKey)
}

// place is where a credential stands in the list of its client, which is newest first.
func place(created time.Time, id string) string {
	return fmt.Sprintf("%016x %s", math.MaxInt64-created.UnixMilli(), id)
}

// matchClient honours If-Match for a client's secrets and keys, which are part of the
// client and of its entity tag.
func (r request) matchClient(found identity.Client) error { return r.match(found.Version) }

// listOfClient answers with what a client has of one kind, under the client's entity
// tag.
func listOfClient[T, V any](h *Handler, w http.ResponseWriter, r request, list string, of func(identity.Client) []T, key func(T) string, view func(T) V) error {
	p, err := readPage(r.Request, list)
	if err != nil {
		return err
	}
	client, err := h.admin.Client(r.Context(), r.caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag(client.Version))
	items := slices.DeleteFunc(of(client), func(item T) bool { return key(item) <= p.after })
	return writePage(w, p, items, key, view)
}

func (h *Handler) createSecret(w http.ResponseWriter, r request) error {
	o, err := r.object()
	if err != nil {
		return err
	}
	n := admin.NewSecret{Secret: optionalSecret(o, "client_secret")}
	n.Label, _ = o.OptionalString("label")
	if text, present := o.OptionalString("expires_at"); present {
		n.ExpiresAt, err = time.Parse(time.RFC3339, text)
		if err != nil || n.ExpiresAt.IsZero() { // the zero time would be never
			o.Invalid("expires_at", "must be a time to come, as RFC 3339 writes it")
		}
	}
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	registered, secret, err := h.admin.AddClientSecret(r.Context(), r.caller, r.PathValue("id"), n, r.matchClient)
	if err != nil {
		return err
	}
	web.NoStore(w)
	return web.WriteJSON(w, http.StatusCreated, api.CreatedSecret{ClientSecret: viewSecret(registered), Secret: secret.Reveal()})
}

func (h *Handler) deleteSecret(w http.ResponseWriter, r request) error {
	if err := r.nothing(); err != nil {
		return err
	}
	return done(w, h.admin.DeleteClientSecret(r.Context(), r.caller, r.PathValue("id"), r.PathValue("sid"), r.matchClient))
}

func (h *Handler) createKey(w http.ResponseWriter, r request) error {
	o, err := r.object()
	if err != nil {
		return err
	}
	text := publicKey(o)
	if !o.Has("public_key") {
		o.Merge(identity.MissingField("public_key"))
	}
	label, _ := o.OptionalString("label")
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	key, err := h.admin.AddClientKey(r.Context(), r.caller, r.PathValue("id"), text, label, r.matchClient)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusCreated, viewKey(key))
}

func (h *Handler) deleteKey(w http.ResponseWriter, r request) error {
	if err := r.nothing(); err != nil {
		return err
	}
	return done(w, h.admin.DeleteClientKey(r.Context(), r.caller, r.PathValue("id"), r.PathValue("kid"), r.matchClient))
}

func viewSecret(s identity.ClientSecret) api.ClientSecret {
	return api.ClientSecret{
		ID: s.ID, Label: s.Label, CreatedAt: s.CreatedAt, ExpiresAt: optionalTime(s.ExpiresAt), LastUsedAt: optionalTime(s.LastUsedAt),
	}
}

func viewKey(k identity.ClientKey) api.ClientKey {
	return api.ClientKey{
		ID: k.ID, KID: k.KID, Algorithm: algorithmOf(k), Label: k.Label, CreatedAt: k.CreatedAt, LastUsedAt: optionalTime(k.LastUsedAt),
	}
}

// algorithmOf is the algorithm to which the key is bound, or the first that fits.
func algorithmOf(k identity.ClientKey) string {
	key, err := jose.ParsePublicKey([]byte(k.JWK))
	if err != nil {
		return ""
	}
	for _, algorithm := range jose.AssertionAlgorithms() {
		if key.Fits(algorithm) {
			return string(algorithm)
		}
	}
	return ""
}
