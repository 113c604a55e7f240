package identitytest_test

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// spec says how a route is asked well, and what more there is to be refused.
type spec struct {
	// path makes what the route is about, anew each time; nil is the pattern.
	path func() string
	// body is a good one; nil is none.
	body func() string
	// more sends what must be refused for what is in it.
	more func(do ask)
}

// ask sends a request of a route. An empty path is that of the spec.
type ask func(path, body string) identitytest.Response

// specs has every route of the service. One without is a failure.
func (d *driver) specs() map[string]spec {
	all := map[string]spec{}
	for _, pattern := range []string{
		"/.well-known/jwks.json", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/healthz", "/readyz", "/metrics",
		"/openapi.json", "/docs", "/redoc", "/api/users", "/api/clients", "/api/roles", "/api/audiences", "/api/sessions", "/api/keys", "/api/audit", "/api/configuration", "/api/throttles", "/api/revocations", "/.well-known/revocation-list", "/api/health-report", "/api/declaration",
	} {
		all["GET "+pattern] = spec{}
	}
	for pattern, path := range map[string]string{"/docs/{file}": "/docs/docs.css", "/redoc/{file}": "/redoc/docs.css"} {
		all["GET "+pattern] = spec{path: always(path)}
	}
	for _, of := range []map[string]spec{d.authSpecs(), d.oauthSpecs(), d.userSpecs(), d.clientSpecs(), d.credentialSpecs(), d.keySpecs(), d.otherSpecs()} {
		for name, s := range of {
			all[name] = s
		}
	}
	return all
}

func always(path string) func() string { return func() string { return path } }

func (d *driver) authSpecs() map[string]spec {
	password, secret := d.marked(), d.marked()
	key := d.Key(jose.RS256)
	d.keepPrivate("a client's private key", key)
	d.AddUser("ann", password)
	noneSecret := d.marked()
	d.client("none", map[string]any{"client_secret": noneSecret, "audiences": []string{}})
	d.client("chosen", map[string]any{"client_secret": secret})
	_, generated := d.client("generated", nil)
	d.client("signing", map[string]any{"public_key": key.Public().PEM()})
	d.client("static", map[string]any{"public_key": key.Public().PEM(), "static_signature": true})
	login := func(username, password string) string {
		return object(map[string]any{"username": username, "password": password})
	}
	token := func(members map[string]any) string {
		members["audience"] = "orders"
		return object(members)
	}
	session := func() string {
		return object(map[string]any{"refresh_token": d.Object(d.do(web.Route{Method: "POST", Pattern: "/auth/login"}, "/auth/login", login("ann", password)))["refresh_token"]})
	}
	return map[string]spec{
		"POST /auth/login": {body: func() string { return login("ann", password) }, more: func(do ask) {
			for _, name := range []string{"ann", "nobody", d.mark, d.marked(), "a\r\n" + d.mark, "\x1b[31m" + d.mark, d.mark + "\u2028", strings.Repeat(d.mark, 100), d.AdminUsername} {
				do("", login(name, d.marked()))
			}
			known := d.marked()
			do("", login(d.user(map[string]any{"password": known, "one_time": true}), known))
			do("", login(d.user(map[string]any{"password": known, "enabled": false}), known))
			limited := d.user(map[string]any{"password": known, "audiences": []string{}})
			for _, audience := range []string{"orders", d.marked()} {
				do("", object(map[string]any{"username": limited, "password": known, "audience": audience}))
			}
		}},
		"POST /auth/token": {body: func() string { return token(map[string]any{"client_id": "chosen", "client_secret": secret}) }, more: func(do ask) {
			good := d.Assertion(key, "signing")
			d.keep("an assertion", signatureOf(good))
			static := d.static(key, "static")
			d.keep("a static signature", static)
			for _, members := range []map[string]any{
				{"client_id": "generated", "client_secret": generated}, {"client_id": "signing", "signature": good}, {"client_id": "signing", "signature": good},
				{"client_id": "static", "signature": static}, {"client_id": "signing", "signature": static}, {"client_id": "nobody", "signature": static},
				// What is signed as aud is no secret: the log and the audit have it, so that a wrong one is found.
				{"client_id": "signing", "signature": d.Assertion(key, "signing", map[string]any{"aud": "https://another.test"})},
				{"client_id": "signing", "signature": d.Assertion(d.Key(jose.ES256), "signing", map[string]any{"aud": d.mark})},
				{"client_id": "signing", "signature": d.Assertion(key, "signing", map[string]any{"sub": d.mark})},
				{"client_id": "signing", "signature": d.Assertion(key, "signing", map[string]any{"jti": d.mark, "exp": d.mark})},
				{"client_id": "signing", "signature": d.Assertion(key, "signing", map[string]any{d.mark: d.mark, "iss": d.mark})},
				{"client_id": "signing", "signature": d.Assertion(d.Key(jose.ES256), "signing")},
				{"client_id": "signing", "signature": d.mark + "." + d.mark + "." + d.mark}, {"client_id": "signing", "signature": d.mark},
				{"client_id": "chosen", "client_secret": d.marked()}, {"client_id": "nobody", "client_secret": secret}, {"client_id": d.mark, "client_secret": secret},
				{"client_id": "generated", "client_secret": generated[:len(generated)-1] + "_"}, {"client_id": "chosen", "client_secret": generated}, {"client_id": d.marked()},
				{"client_id": "none", "client_secret": noneSecret},
			} {
				do("", token(members))
			}
			do("", object(map[string]any{"client_id": "chosen", "client_secret": secret, "audience": d.marked()}))
		}},
		"POST /auth/refresh": {body: session, more: func(do ask) {
			used := session()
			do("", used)
			do("", used) // within the grace
			d.Clock.Move(time.Minute)
			do("", used) // its session ends
			for _, other := range []string{d.mark, d.admin, "idr_" + d.mark} {
				do("", object(map[string]any{"refresh_token": other}))
			}
		}},
		"POST /auth/logout": {body: session, more: func(do ask) {
			do("", object(map[string]any{"refresh_token": d.mark}))
		}},
		"POST /auth/password": {body: func() string {
			old := d.marked()
			return object(map[string]any{"username": d.user(map[string]any{"password": old}), "password": old, "new_password": d.marked()})
		}, more: func(do ask) {
			name := d.user(map[string]any{"password": password})
			for _, members := range []map[string]any{
				{"username": name, "password": d.marked(), "new_password": d.marked()}, {"username": d.mark, "password": password, "new_password": d.marked()},
				{"username": name, "password": password, "new_password": password}, {"username": d.mark, "password": password, "new_password": d.mark},
				{"username": name, "password": password, "new_password": strings.Repeat(d.mark, 100)}, {"username": name, "password": password, "new_password": "short"},
			} {
				do("", object(members))
			}
		}},
	}
}

func (d *driver) userSpecs() map[string]spec {
	taken := d.user(nil)
	return map[string]spec{
		"POST /api/users": {body: func() string {
			return object(map[string]any{"username": "user-" + strings.ToLower(rand.Text()), "password": d.marked(), "one_time": true})
		}, more: func(do ask) {
			hash := d.hashOf(d.marked())
			do("", object(map[string]any{"username": "imported-" + strings.ToLower(rand.Text()), "password_hash": hash}))
			for _, members := range []map[string]any{
				{"username": taken, "password": d.marked()}, {"username": taken, "password_hash": d.hashOf(d.marked())},
				{"username": d.mark, "password": d.mark}, {"username": d.marked(), "password": d.marked()}, {"username": "x", "password": strings.Repeat(d.mark, 100)},
				{"username": "x", "password_hash": d.mark}, {"username": "x", "password_hash": hash + d.mark}, {"username": "x", "password_hash": "$argon2id$v=19$m=1,t=1,p=1$" + d.mark + "$" + d.mark},
				{"username": "x", "password": d.marked(), "password_hash": hash}, {"username": "x", "password": d.marked(), "permissions": []string{d.marked()}},
				{"username": "x", "password": d.marked(), "roles": []string{d.mark}}, {"username": "x", "password": d.marked(), "audiences": []string{d.marked()}},
			} {
				do("", object(members))
			}
		}},
		"GET /api/users/{id}": {path: func() string { return "/api/users/" + d.userID(nil) }},
		"PATCH /api/users/{id}": {path: func() string { return "/api/users/" + d.userID(nil) }, body: func() string { return object(map[string]any{"password": d.marked()}) }, more: func(do ask) {
			do("", object(map[string]any{"username": taken, "password": d.marked()}))
			do("", object(map[string]any{"password": strings.Repeat(d.mark, 100)}))
			do("", object(map[string]any{"roles": []string{d.mark}, "password": d.marked()}))
		}},
		"DELETE /api/users/{id}": {path: func() string { return "/api/users/" + d.userID(nil) }, more: func(do ask) {
			do("/api/users/"+d.administratorID(), "") // the last one
		}},
		"DELETE /api/users/{id}/sessions": {path: func() string { return "/api/users/" + d.userID(nil) + "/sessions" }},
	}
}

func (d *driver) clientSpecs() map[string]spec {
	d.client("taken", nil)
	private := d.Key(jose.ES256)
	d.keepPrivate("a private key sent as a public one", private)
	patched := func() string { id, _ := d.client("", nil); return "/api/clients/" + id }
	return map[string]spec{
		"POST /api/clients": {body: func() string { return object(map[string]any{"name": "n", "client_secret": d.marked()}) }, more: func(do ask) {
			do("", object(map[string]any{"name": "n"}))
			do("", object(map[string]any{"name": "n", "client_id": "taken", "client_secret": d.marked()}))
			for _, members := range []map[string]any{
				{"name": "n", "client_id": d.marked()}, {"name": d.mark + "\n"}, {"name": "n", "client_secret": d.mark[:10]}, {"name": "n", "client_secret": strings.Repeat(d.mark, 30)},
				{"name": "n", "client_secret": "ids_" + d.mark}, {"name": "n", "client_secret": d.marked(), "require": []string{d.mark}}, {"name": "n", "client_secret": d.marked(), "require": []string{"signature"}},
				{"name": "n", "public_key": d.mark}, {"name": "n", "public_key": map[string]any{"kty": d.mark, d.mark: d.mark}}, {"name": "n", "token_algorithm": d.mark},
				{"name": "n", "public_key": pemOf(private)}, {"name": "n", "public_key": private.Public().PEM() + pemOf(private)},
				{"name": "n", "public_key": d.privateJWK(private)},
			} {
				do("", object(members))
			}
		}},
		"GET /api/clients/{id}": {path: patched},
		"PATCH /api/clients/{id}": {path: patched, body: always(`{"name":"another"}`), more: func(do ask) {
			do("", object(map[string]any{"require": []string{"signature"}}))
			do("", object(map[string]any{"client_secret": d.marked()}))
		}},
		"DELETE /api/clients/{id}": {path: patched},
	}
}

func (d *driver) credentialSpecs() map[string]spec {
	of := func(kind string, members map[string]any) func() string {
		return func() string { id, _ := d.client("", members); return "/api/clients/" + id + "/" + kind }
	}
	key, other := d.Key(jose.ES256), d.Key(jose.EdDSA)
	d.keepPrivate("another private key sent as a public one", key)
	first := func(list string, id string) string {
		return d.Object(d.Get(list, "Authorization", "Bearer "+d.admin))["data"].([]any)[0].(map[string]any)[id].(string)
	}
	return map[string]spec{
		"GET /api/clients/{id}/secrets": {path: of("secrets", nil)},
		"POST /api/clients/{id}/secrets": {path: of("secrets", nil), body: func() string { return object(map[string]any{"client_secret": d.marked()}) }, more: func(do ask) {
			path := of("secrets", nil)()
			for range 5 {
				do(path, `{}`)
			}
			do(path, object(map[string]any{"client_secret": d.marked()}))
			do("", object(map[string]any{"client_secret": strings.Repeat(d.mark, 30)}))
			do("", object(map[string]any{"client_secret": d.marked(), "expires_at": d.mark}))
			do("", object(map[string]any{"client_secret": d.marked(), "label": d.mark + "\x1b"}))
		}},
		"DELETE /api/clients/{id}/secrets/{sid}": {path: func() string {
			path := of("secrets", nil)()
			d.do(web.Route{Method: "POST", Pattern: "/api/clients/{id}/secrets"}, path, `{}`)
			return path + "/" + first(path, "id")
		}, more: func(do ask) {
			path := of("secrets", nil)()
			do(path+"/"+first(path, "id"), "")
		}},
		"GET /api/clients/{id}/keys": {path: of("keys", map[string]any{"public_key": other.Public().PEM()})},
		"POST /api/clients/{id}/keys": {path: of("keys", nil), body: func() string { return object(map[string]any{"public_key": d.Key(jose.ES256).Public().PEM()}) }, more: func(do ask) {
			do(of("keys", map[string]any{"public_key": other.Public().PEM()})(), object(map[string]any{"public_key": other.Public().PEM()}))
			for _, wrong := range []any{pemOf(key), d.privateJWK(key), d.mark, "-----BEGIN PRIVATE KEY-----\n" + d.mark + "\n-----END PRIVATE KEY-----\n"} {
				do("", object(map[string]any{"public_key": wrong}))
			}
		}},
		"DELETE /api/clients/{id}/keys/{kid}": {path: func() string {
			path := of("keys", map[string]any{"public_key": other.Public().PEM(), "client_secret": d.marked(), "require": []string{"secret"}})()
			return path + "/" + first(path, "id")
		}, more: func(do ask) {
			path := of("keys", map[string]any{"public_key": other.Public().PEM()})()
			do(path+"/"+first(path, "id"), "")
		}},
	}
}
