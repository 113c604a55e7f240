package rest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Client metadata after RFC 7591 section 2, and what cannot be together.
func TestClientMetadata(t *testing.T) {
	d := newDesk(t)
	es, rsa := d.Key(jose.ES256).Public(), d.Key(jose.RS256).Public()
	set := func(keys ...jose.PublicKey) map[string]any {
		list := []json.RawMessage{}
		for _, k := range keys {
			list = append(list, json.RawMessage(k.JWK()))
		}
		return map[string]any{"keys": list}
	}
	const secret, uri = "a secret that was chosen", "https://keys.example.com/jwks"
	for i, c := range []struct {
		members map[string]any
		status  int
	}{
		{map[string]any{"token_endpoint_auth_method": "client_secret_basic"}, 201},
		{map[string]any{"token_endpoint_auth_method": "client_secret_post"}, 201},
		{map[string]any{"token_endpoint_auth_method": nil, "token_endpoint_auth_signing_alg": nil, "jwks_uri": nil}, 201},
		{map[string]any{"token_endpoint_auth_method": "private_key_jwt"}, 422},
		{map[string]any{"token_endpoint_auth_method": "none"}, 422},
		{map[string]any{"token_endpoint_auth_method": "client_secret_jwt"}, 422},
		{map[string]any{"token_endpoint_auth_method": ""}, 422},
		{map[string]any{"public_key": es.PEM(), "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256"}, 201},
		{map[string]any{"public_key": es.PEM(), "token_endpoint_auth_method": "client_secret_basic"}, 422},
		{map[string]any{"public_key": es.PEM(), "client_secret": secret, "token_endpoint_auth_method": "private_key_jwt"}, 422}, // requires both
		{map[string]any{"public_key": es.PEM(), "client_secret": secret}, 201},
		{map[string]any{"public_key": es.PEM(), "client_secret": secret, "require": []string{"signature"}, "token_endpoint_auth_method": "private_key_jwt"}, 201},
		{map[string]any{"public_key": es.PEM(), "token_endpoint_auth_signing_alg": "RS256"}, 422}, // no key fits
		{map[string]any{"public_key": es.PEM(), "token_endpoint_auth_signing_alg": "none"}, 422},
		{map[string]any{"public_key": es.PEM(), "token_endpoint_auth_signing_alg": "HS256"}, 422},
		{map[string]any{"token_endpoint_auth_signing_alg": "ES256"}, 422}, // nothing is signed
		{map[string]any{"jwks": set(es, rsa), "token_endpoint_auth_signing_alg": "PS256"}, 201},
		{map[string]any{"jwks": set()}, 422},
		{map[string]any{"jwks": set(es, es)}, 422},
		{map[string]any{"jwks": set(es), "public_key": es.PEM()}, 422},
		{map[string]any{"jwks": map[string]any{"keys": []any{map[string]any{"kty": "oct", "k": "AAAA"}}}}, 422},
		{map[string]any{"jwks": map[string]any{}}, 422},
		{map[string]any{"jwks": map[string]any{"keys": "x"}}, 422},
		{map[string]any{"jwks": []any{}}, 422},
		{map[string]any{"jwks_uri": uri}, 201},
		{map[string]any{"jwks_uri": uri, "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "EdDSA"}, 201},
		{map[string]any{"jwks_uri": uri, "client_secret": secret}, 201},
		{map[string]any{"jwks_uri": uri, "public_key": es.PEM()}, 422},
		{map[string]any{"jwks_uri": uri, "static_signature": true}, 422},
		{map[string]any{"jwks_uri": uri, "token_endpoint_auth_method": "client_secret_basic"}, 422},
		{map[string]any{"jwks_uri": "http://keys.example.com/jwks"}, 422},
		{map[string]any{"jwks_uri": "https://127.0.0.1/jwks"}, 422},
		{map[string]any{"jwks_uri": ""}, 422},
		{map[string]any{"assertion_audience": "token_endpoint"}, 201},
		{map[string]any{"assertion_audience": "everybody"}, 422},
		{map[string]any{"assertion_audience": ""}, 422},
	} {
		id := fmt.Sprintf("client-%d", i)
		r := d.asAdmin("POST", "/api/clients", object(over(map[string]any{"client_id": id, "name": id}, c.members)))
		if r.Status != c.status {
			t.Errorf("%v: status %d, want %d: %s", c.members, r.Status, c.status, r.Body)
			continue
		}
		if r.Status != 201 {
			continue
		}
		shown := d.get("/api/clients/" + id)
		for _, member := range []string{"token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "jwks_uri"} {
			if shown[member] != c.members[member] {
				t.Errorf("%v: %s is %v", c.members, member, shown[member])
			}
		}
	}
}

// A patch replaces the keys by a set, or by where they are, and back; what would leave the client
// without a proof is refused, and nothing is half done.
func TestKeysAreReplaced(t *testing.T) {
	d := newDesk(t)
	first, second := d.Key(jose.ES256).Public(), d.Key(jose.ES384).Public()
	path := d.client("c", map[string]any{"public_key": first.PEM()})
	kids := func() []string {
		list := []string{}
		for _, k := range d.get(path)["keys"].([]any) {
			list = append(list, k.(map[string]any)["kid"].(string))
		}
		return list
	}
	patch := func(status int, members map[string]any, want ...string) {
		t.Helper()
		r := d.asAdmin("PATCH", path, object(members))
		if r.Status != status {
			t.Errorf("%v: status %d, want %d: %s", members, r.Status, status, r.Body)
		}
		if got := kids(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v: keys %v, want %v", members, got, want)
		}
	}
	set := func(keys ...jose.PublicKey) map[string]any {
		list := []json.RawMessage{}
		for _, k := range keys {
			list = append(list, json.RawMessage(k.JWK()))
		}
		return map[string]any{"keys": list}
	}
	const uri = "https://keys.example.com/jwks"
	patch(200, map[string]any{"jwks": set(second)}, second.KID())
	patch(422, map[string]any{"jwks": set()}, second.KID())
	patch(422, map[string]any{"jwks_uri": uri}, second.KID())
	patch(422, map[string]any{"token_endpoint_auth_signing_alg": "ES256"}, second.KID())
	patch(200, map[string]any{"token_endpoint_auth_signing_alg": "ES384"}, second.KID())
	patch(422, map[string]any{"jwks": set(first)}, second.KID())
	patch(200, map[string]any{"jwks": set(first), "token_endpoint_auth_signing_alg": "ES256", "token_endpoint_auth_method": "private_key_jwt"}, first.KID())
	d.wantStatus("the last key that fits", d.asAdmin("DELETE", path+"/keys/"+first.KID(), ""), 409)
	patch(422, map[string]any{"require": []string{"secret", "signature"}}, first.KID())
	patch(200, map[string]any{"jwks_uri": uri, "jwks": set()})
	d.wantStatus("a key beside a jwks_uri", d.asAdmin("POST", path+"/keys", object(map[string]any{"public_key": first.PEM()})), 409)
	patch(422, map[string]any{"jwks_uri": nil})
	patch(200, map[string]any{"jwks_uri": nil, "jwks": set(first)}, first.KID())
}

// Whoever may introspect for an audience exists.
func TestIntrospectionClient(t *testing.T) {
	d := newDesk(t)
	d.client("server", nil)
	for _, c := range []struct {
		client any
		status int
	}{{"server", 201}, {nil, 201}, {"nobody", 422}, {"", 422}, {1, 422}} {
		audience := fmt.Sprintf("audience-%v", c.client)
		r := d.asAdmin("POST", "/api/audiences", object(map[string]any{"audience": audience, "name": "n", "introspection_client": c.client}))
		if r.Status != c.status {
			t.Errorf("%v: status %d, want %d: %s", c.client, r.Status, c.status, r.Body)
		} else if c.status == 201 && d.Object(r)["introspection_client"] != c.client {
			t.Errorf("%v is shown as %s", c.client, r.Body)
		}
	}
	path := "/api/audiences/" + d.made("/api/audiences", map[string]any{"audience": "a", "name": "a"})
	d.wantStatus("somebody", d.asAdmin("PATCH", path, `{"introspection_client":"server"}`), 200)
	d.wantStatus("another name", d.asAdmin("PATCH", path, `{"name":"b"}`), 200)
	if got := d.get(path)["introspection_client"]; got != "server" {
		t.Errorf("it is %v", got)
	}
	d.wantStatus("who does not exist", d.asAdmin("PATCH", path, `{"introspection_client":"nobody"}`), 422)
	d.wantStatus("nobody", d.asAdmin("PATCH", path, `{"introspection_client":null}`), 200)
}
