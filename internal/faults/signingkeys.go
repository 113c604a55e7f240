package faults

import (
	"context"
	"net/http"

	"github.com/seed-60f9e3ad/identity/api"
)

// SigningKeys lists the service's keys, oldest first. It writes no ledger.
func (c *Client) SigningKeys(ctx context.Context) ([]api.SigningKey, error) {
	var list []api.SigningKey
	err := all(ctx, c, "/api/keys", func(k api.SigningKey) { list = append(list, k) })
	return list, err
}

// MakeSigningKey makes a key that is published and does not sign yet.
func (c *Client) MakeSigningKey(ctx context.Context, algorithm string) (api.SigningKey, error) {
	return change[api.SigningKey](ctx, c, call{
		op: "signing-key.create", key: algorithm, method: http.MethodPost, path: path("keys"), body: api.CreateSigningKeyRequest{Algorithm: algorithm},
	}, nil)
}

// ActivateSigningKey has a key take over from the one of its algorithm.
func (c *Client) ActivateSigningKey(ctx context.Context, kid string) (api.SigningKey, error) {
	return change[api.SigningKey](ctx, c, call{op: "signing-key.activate", key: kid, method: http.MethodPost, path: path("keys", kid, "activate")}, nil)
}
