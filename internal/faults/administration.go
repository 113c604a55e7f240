package faults

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
)

// CreateUser makes a user. The username should be in canonical form: it is the key.
func (c *Client) CreateUser(ctx context.Context, body api.CreateUserRequest) (api.User, error) {
	detail := Detail{}
	if body.Password != "" {
		detail[DetailCredential] = c.Ledger.Credential(body.Password)
	}
	detail.setEnabled(body.Enabled)
	return change(ctx, c, call{op: OpUserCreate, key: body.Username, method: http.MethodPost, path: "/api/users", body: body, detail: detail},
		func(u api.User) Detail { return Detail{"id": u.ID} })
}

// PatchUser changes a user, though not the name, by which the ledger knows them.
func (c *Client) PatchUser(ctx context.Context, u api.User, patch api.UserPatch) (api.User, error) {
	detail := Detail{}
	if patch.Password != nil {
		detail[DetailCredential] = c.Ledger.Credential(*patch.Password)
	}
	detail.setEnabled(patch.Enabled)
	return change[api.User](ctx, c, call{op: OpUserPatch, key: u.Username, method: http.MethodPatch, path: path("users", u.ID), body: patch, detail: detail}, nil)
}

// EnableUser enables or disables a user.
func (c *Client) EnableUser(ctx context.Context, u api.User, on bool) error {
	_, err := c.PatchUser(ctx, u, api.UserPatch{Enabled: &on})
	return err
}

// DeleteUser deletes a user.
func (c *Client) DeleteUser(ctx context.Context, u api.User) error {
	return remove(ctx, c, call{op: OpUserDelete, key: u.Username, path: path("users", u.ID)})
}

// ChangePassword changes a user's own password, at /auth/password.
func (c *Client) ChangePassword(ctx context.Context, username, old, replacement string) error {
	_, err := change[struct{}](ctx, c, call{
		op: OpUserPassword, key: username, method: http.MethodPost, path: "/auth/password",
		body:   api.PasswordRequest{Username: username, Password: old, NewPassword: replacement},
		detail: Detail{DetailPrevious: c.Ledger.Credential(old), DetailCredential: c.Ledger.Credential(replacement)},
	}, nil)
	return err
}

// CreateClient makes a machine client. The client id must be chosen: it is the key.
func (c *Client) CreateClient(ctx context.Context, body api.CreateClientRequest) (api.CreatedClient, error) {
	detail := Detail{}
	detail.setEnabled(body.Enabled)
	return change(ctx, c, call{op: OpClientCreate, key: body.ClientID, method: http.MethodPost, path: "/api/clients", body: body, detail: detail},
		func(made api.CreatedClient) Detail {
			learned := Detail{}
			for _, secret := range made.Secrets {
				learned[DetailSecret] = secret.ID
			}
			for _, key := range made.Keys {
				learned[DetailKID] = key.KID
			}
			return learned
		})
}

// PatchClient changes a client.
func (c *Client) PatchClient(ctx context.Context, clientID string, patch api.ClientPatch) (api.Client, error) {
	detail := Detail{}
	detail.setEnabled(patch.Enabled)
	return change[api.Client](ctx, c, call{op: OpClientPatch, key: clientID, method: http.MethodPatch, path: path("clients", clientID), body: patch, detail: detail}, nil)
}

// EnableClient enables or disables a client.
func (c *Client) EnableClient(ctx context.Context, clientID string, on bool) error {
	_, err := c.PatchClient(ctx, clientID, api.ClientPatch{Enabled: &on})
	return err
}

// DeleteClient deletes a client.
func (c *Client) DeleteClient(ctx context.Context, clientID string) error {
	return remove(ctx, c, call{op: OpClientDelete, key: clientID, path: path("clients", clientID)})
}

// AddSecret makes a secret. A label that no other secret of the client has lets the
// checker recognise one whose answer was lost.
func (c *Client) AddSecret(ctx context.Context, clientID, label string) (api.CreatedSecret, error) {
	return change(ctx, c, call{
		op: OpSecretAdd, key: clientID, method: http.MethodPost, path: path("clients", clientID, "secrets"),
		body: api.CreateSecretRequest{Label: label}, detail: Detail{DetailLabel: label},
	}, func(made api.CreatedSecret) Detail { return Detail{DetailSecret: made.ID} })
}

// DeleteSecret removes a secret.
func (c *Client) DeleteSecret(ctx context.Context, clientID string, secret api.ClientSecret) error {
	return remove(ctx, c, call{
		op: OpSecretDelete, key: clientID, path: path("clients", clientID, "secrets", secret.ID),
		detail: Detail{DetailSecret: secret.ID, DetailLabel: secret.Label},
	})
}

// AddKey registers a public key.
func (c *Client) AddKey(ctx context.Context, clientID string, key *Key) (api.ClientKey, error) {
	return change[api.ClientKey](ctx, c, call{
		op: OpKeyAdd, key: clientID, method: http.MethodPost, path: path("clients", clientID, "keys"),
		body: api.CreateKeyRequest{PublicKey: key.Public()}, detail: Detail{DetailKID: key.KID()},
	}, nil)
}

// DeleteKey removes a public key.
func (c *Client) DeleteKey(ctx context.Context, clientID string, key *Key) error {
	return remove(ctx, c, call{
		op: OpKeyDelete, key: clientID, path: path("clients", clientID, "keys", key.KID()), detail: Detail{DetailKID: key.KID()},
	})
}

// Write makes any other request that changes something, under a name of the test's own.
// The body is marshalled; nil is none.
func (c *Client) Write(ctx context.Context, op, key, method, path string, body any, detail Detail) error {
	_, err := change[struct{}](ctx, c, call{op: op, key: key, method: method, path: path, body: body, detail: detail}, nil)
	return err
}

// ReadState asks the service what there is. It writes no ledger.
func (c *Client) ReadState(ctx context.Context) (State, error) {
	state := State{Users: map[string]UserState{}, Clients: map[string]ClientState{}, Sessions: map[string]int{}}
	err := all(ctx, c, "/api/users", func(u api.User) { state.Users[u.Username] = UserState{Enabled: u.Enabled} })
	if err != nil {
		return State{}, err
	}
	err = all(ctx, c, "/api/clients", func(m api.Client) {
		of := ClientState{Enabled: m.Enabled, Secrets: map[string]bool{}, Labels: map[string]bool{}, Keys: map[string]bool{}}
		for _, s := range m.Secrets {
			of.Secrets[s.ID], of.Labels[s.Label] = true, true
		}
		for _, k := range m.Keys {
			of.Keys[k.KID] = true
		}
		state.Clients[m.ClientID] = of
	})
	if err != nil {
		return State{}, err
	}
	if err = all(ctx, c, "/api/sessions", func(s api.Session) { state.Sessions[s.ID] = int(s.RefreshesLeft) }); err != nil {
		return State{}, err
	}
	configuration, _, err := exchange[api.Configuration](ctx, c, call{method: http.MethodGet, path: "/api/configuration"})
	state.Grace = time.Duration(configuration.RefreshGrace) * time.Second
	return state, err
}

// ProbePassword tries passwords of an enabled user until one works, and notes in the
// state which. It writes no ledger.
func (c *Client) ProbePassword(ctx context.Context, state State, username string, candidates ...string) error {
	of := state.Users[username]
	of.Credential = "none"
	for _, candidate := range candidates {
		_, status, err := exchange[api.TokenResponse](ctx, c, call{
			method: http.MethodPost, path: "/auth/login", body: api.LoginRequest{Username: username, Password: candidate},
		})
		if err == nil {
			of.Credential = c.Ledger.Credential(candidate)
			break
		}
		if status != http.StatusUnauthorized {
			return err
		}
	}
	state.Users[username] = of
	return nil
}

// all calls each with every item of a list.
func all[T any](ctx context.Context, c *Client, list string, each func(T)) error {
	query := url.Values{"limit": {strconv.Itoa(200)}}
	for {
		page, _, err := exchange[api.Page[T]](ctx, c, call{method: http.MethodGet, path: list + "?" + query.Encode()})
		if err != nil {
			return err
		}
		for _, item := range page.Data {
			each(item)
		}
		if page.NextCursor == nil {
			return nil
		}
		query.Set("cursor", *page.NextCursor)
	}
}

func change[T any](ctx context.Context, c *Client, k call, learn func(T) Detail) (T, error) {
	k.write = true
	answer, _, err := send(ctx, c, k, learn)
	return answer, err
}

func remove(ctx context.Context, c *Client, k call) error {
	k.method = http.MethodDelete
	_, err := change[struct{}](ctx, c, k, nil)
	return err
}

// path is that of something under /api.
func path(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = url.PathEscape(p)
	}
	return "/api/" + strings.Join(escaped, "/")
}

func (d Detail) setEnabled(on *bool) {
	if on != nil {
		d[DetailEnabled] = word(*on)
	}
}
