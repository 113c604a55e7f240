package rest

import (
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func (h *Handler) configuration() []Route {
	return []Route{
		{"GET", "/api/configuration", identity.PermissionConfigurationRead, h.getConfiguration},
		{"POST", "/api/configuration", identity.PermissionConfigurationWrite, h.postConfiguration},
		{"PATCH", "/api/configuration", identity.PermissionConfigurationWrite, h.patchConfiguration},
	}
}

func (h *Handler) getConfiguration(w http.ResponseWriter, r request) error {
	if err := web.NoQuery(r.Request); err != nil {
		return err
	}
	cfg, err := h.admin.Configuration(r.Context(), r.caller)
	if err != nil {
		return err
	}
	return writeConfiguration(w, http.StatusOK, cfg)
}

func (h *Handler) postConfiguration(w http.ResponseWriter, r request) error {
	update, err := readConfiguration(r)
	if err != nil {
		return err
	}
	if update == (admin.ConfigurationUpdate{}) {
		return &identity.Error{Kind: identity.InvalidRequest, Message: "There is nothing to set.", Fields: []identity.FieldError{{
			Loc: []string{"body"}, Message: "name at least one member", Type: identity.FieldMissing,
		}}}
	}
	return h.updateConfiguration(w, r, http.StatusCreated, update)
}

func (h *Handler) patchConfiguration(w http.ResponseWriter, r request) error {
	update, err := readConfiguration(r, "application/merge-patch+json")
	if err != nil {
		return err
	}
	return h.updateConfiguration(w, r, http.StatusOK, update)
}

func (h *Handler) updateConfiguration(w http.ResponseWriter, r request, status int, update admin.ConfigurationUpdate) error {
	match := func(found admin.Configuration) error { return web.CheckMatch(r.Request, found.ETag()) }
	cfg, err := h.admin.UpdateConfiguration(r.Context(), r.caller, update, match)
	if err != nil {
		return err
	}
	web.Note(r.Context(), slog.Bool("configuration_changed", true), slog.Bool("key_imported", update.PrivateKey != nil),
		slog.String("kid", cfg.Key.KID), slog.String("issuer", cfg.Issuer))
	return writeConfiguration(w, status, cfg)
}

func readConfiguration(r request, mediaTypes ...string) (admin.ConfigurationUpdate, error) {
	if err := web.RequireJSON(r.Request, mediaTypes...); err != nil {
		return admin.ConfigurationUpdate{}, err
	}
	o, err := web.ParseObject(r.body)
	if err != nil {
		return admin.ConfigurationUpdate{}, err
	}
	update := admin.ConfigurationUpdate{
		Expiration: seconds(o, "jwt_expiration"), RefreshGrace: seconds(o, "refresh_grace"),
		SessionMaxAge: seconds(o, "session_max_age"), KeyRotationInterval: seconds(o, "key_rotation_interval"),
	}
	if pem, present := o.OptionalSecret("private_key"); present {
		update.PrivateKey = &pem
	}
	if pem, present := o.OptionalString("public_key"); present {
		update.PublicKey = &pem
	}
	if issuer, present := o.OptionalString("jwt_issuer"); present {
		update.Issuer = &issuer
	}
	if n, present := o.OptionalInt("jwt_max_refreshes"); present {
		most := int(max(min(n, math.MaxInt32), math.MinInt32)) // what is cut off is refused by its bounds
		update.MaxRefreshes = &most
	}
	if o.Has("private_key") || o.Has("jwt_issuer") { // who may not learns no more of what is wrong
		if err := r.caller.Require(identity.PermissionAdmin); err != nil {
			return update, err
		}
	}
	o.Merge(web.NoQuery(r.Request))
	return update, o.Err()
}

// seconds reads a number of seconds. One that time cannot hold is cut to one that
// its bounds refuse.
func seconds(o *web.Object, name string) *time.Duration {
	n, present := o.OptionalInt(name)
	if !present {
		return nil
	}
	const most = int64(math.MaxInt64 / time.Second)
	d := time.Duration(max(min(n, most), -most)) * time.Second
	return &d
}

func writeConfiguration(w http.ResponseWriter, status int, cfg admin.Configuration) error {
	w.Header().Set("ETag", cfg.ETag())
	return web.WriteJSON(w, status, api.Configuration{
		PublicKey: cfg.Key.Public.PEM(), KID: cfg.Key.KID, Algorithm: cfg.Key.Algorithm,
		JWTExpiration: int64(cfg.Expiration.Seconds()), JWTIssuer: cfg.Issuer,
		JWTMaxRefreshes: int64(cfg.MaxRefreshes), RefreshGrace: int64(cfg.RefreshGrace.Seconds()),
		SessionMaxAge: int64(cfg.SessionMaxAge.Seconds()), KeyRotationInterval: int64(cfg.KeyRotationInterval.Seconds()),
		UpdatedAt: cfg.UpdatedAt,
	})
}
