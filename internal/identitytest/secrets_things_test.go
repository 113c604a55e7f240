package identitytest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// keySpecs are those of signing keys and of the configuration, by which one is brought in.
func (d *driver) keySpecs() map[string]spec {
	imported := func() string {
		key := d.Key(jose.ES256)
		d.keepPrivate("an imported private key, "+rand.Text()[:4], key)
		return object(map[string]any{"private_key": pemOf(key)})
	}
	wrong := func(do ask) {
		key, other := d.Key(jose.EdDSA), d.Key(jose.ES256)
		d.keepPrivate("a private key that is refused", key)
		weak, err := rsa.GenerateKey(rand.Reader, 1024) // it is to be refused
		d.must(err)
		weakPEM := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(weak)}))
		d.keep("a weak private key", string(weak.D.Bytes()))
		for _, private := range []string{
			d.mark, weakPEM, pemOf(key) + pemOf(other), pemOf(key)[:80] + d.mark + pemOf(key)[80:], strings.Replace(pemOf(key), "PRIVATE", "ENCRYPTED PRIVATE", 1),
			strings.Replace(pemOf(key), "-----\n", "-----\nProc-Type: "+d.mark+"\n\n", 1), object(d.privateJWK(key)),
		} {
			do("", object(map[string]any{"private_key": private}))
		}
		do("", object(map[string]any{"private_key": pemOf(key), "public_key": other.Public().PEM()}))
		do("", object(map[string]any{"private_key": pemOf(key), "public_key": pemOf(key)}))
		do("", object(map[string]any{"private_key": pemOf(key), "jwt_issuer": d.marked()}))
		do("", object(map[string]any{"private_key": pemOf(key), "jwt_issuer": "taken"})) // it is a registered audience
	}
	signing := func() string {
		kid, _ := d.created("/api/keys", "/api/keys", map[string]any{"algorithm": "ES256"})["kid"].(string)
		return "/api/keys/" + kid
	}
	return map[string]spec{
		"POST /api/configuration":  {body: imported, more: wrong},
		"PATCH /api/configuration": {body: imported, more: wrong},
		"POST /api/keys": {body: always(`{"algorithm":"ES256"}`), more: func(do ask) {
			do("", object(map[string]any{"algorithm": d.mark}))
			for do("", `{"algorithm":"ES256"}`).Status == http.StatusCreated { // until there are too many
				continue
			}
			for _, key := range d.listed("/api/keys") {
				if key["activates_at"] == nil {
					d.do(web.Route{Method: "DELETE", Pattern: "/api/keys/{id}"}, "/api/keys/"+key["kid"].(string), "")
				}
			}
		}},
		"POST /api/keys/{id}/activate": {path: func() string { return signing() + "/activate" }, body: always(`{"now":true}`), more: func(do ask) {
			former := signing() + "/activate"
			do(former, `{"now":true}`)
			do("", `{"now":true}`)
			do(former, `{"now":true}`) // another has taken over
		}},
		"DELETE /api/keys/{id}": {path: signing, more: func(do ask) {
			for _, key := range d.listed("/api/keys") {
				if key["state"] == "active" {
					do("/api/keys/"+key["kid"].(string), "")
				}
			}
		}},
	}
}

// otherSpecs are those of what has no secrets: roles, audiences, sessions.
func (d *driver) otherSpecs() map[string]spec {
	role := func() string {
		return "/api/roles/" + d.created("/api/roles", "/api/roles", map[string]any{"name": rand.Text(), "permissions": []string{"a"}})["id"].(string)
	}
	audience := func() string {
		return "/api/audiences/" + d.created("/api/audiences", "/api/audiences", map[string]any{"audience": rand.Text(), "name": "n"})["id"].(string)
	}
	sessions := func(name string) string { // of somebody who has just logged in
		password := d.marked()
		members := d.newUser(map[string]any{"username": name, "password": password})
		d.do(web.Route{Method: "POST", Pattern: "/auth/login"}, "/auth/login", object(map[string]any{"username": name, "password": password}))
		return "/api/sessions?user_id=" + members["id"].(string)
	}
	d.created("/api/roles", "/api/roles", map[string]any{"name": "taken", "permissions": []string{"a"}})
	d.created("/api/audiences", "/api/audiences", map[string]any{"audience": "taken", "name": "n"})
	return map[string]spec{
		"POST /api/declaration": {body: func() string {
			return object(map[string]any{"version": 1, "roles": []any{map[string]any{"name": rand.Text()}}})
		}, more: func(do ask) {
			for _, entry := range []map[string]any{
				{"username": "x", "password": d.marked()}, {"username": "x", d.marked(): 1}, {"username": "x", "permissions": []string{"identity:" + d.marked()}}, {"username": "x", "roles": []string{d.marked()}},
			} {
				do("", object(map[string]any{"version": 1, "users": []any{entry}}))
			}
			do("", object(map[string]any{"version": 1, "clients": []any{map[string]any{"client_id": "x", "name": "x", "keys": []any{map[string]any{"public_key": d.marked()}}}}}))
			do("", object(map[string]any{"version": 1, "clients": []any{map[string]any{"client_id": "x", "name": "x", "client_secret": d.marked()}}}))
			do("/api/declaration?prune=true", object(map[string]any{"version": 1, "users": []any{}}))
			do("/api/declaration?prune="+url.QueryEscape(d.marked()), object(map[string]any{"version": 1}))
		}},
		"POST /api/leak": {body: func() string { return object(map[string]any{"found": d.marked()}) }, more: func(do ask) {
			password := d.marked()
			name := d.newUser(map[string]any{"username": strings.ToLower(rand.Text()), "password": password})["username"]
			_, secret := d.client(strings.ToLower(rand.Text()), nil)
			do("", object(map[string]any{"found": password, "username": d.marked()}))
			do("", object(map[string]any{"found": secret, "client_id": d.marked()}))
			for _, found := range []string{password, d.marked(), secret, "CLIENT_SECRET='" + secret + "'", secret + d.mark, "idr_" + d.marked(), d.marked() + ".." + d.marked()} {
				do("", object(map[string]any{"found": found, "username": name}))
				do("", object(map[string]any{"found": found, "since": d.marked()}))
				do("", object(map[string]any{"found": found, "revoke": true}))
			}
		}},
		"DELETE /api/throttles/{id}": {path: func() string {
			name := strings.ToLower(rand.Text()) + d.mark
			for range identity.ThrottledFrom {
				d.do(web.Route{Method: "POST", Pattern: "/auth/login"}, "/auth/login", object(map[string]any{"username": name, "password": d.marked()}))
			}
			canonical, err := identity.CanonicalUsername(name)
			d.must(err)
			return "/api/throttles/" + identity.UserThrottle(canonical, name).ID
		}},
		"POST /api/roles": {body: func() string { return object(map[string]any{"name": rand.Text(), "permissions": []string{"a"}}) }, more: func(do ask) {
			do("", `{"name":"taken","permissions":[]}`)
			do("", object(map[string]any{"name": d.marked(), "permissions": []string{d.marked()}}))
		}},
		"GET /api/roles/{id}": {path: role},
		"PATCH /api/roles/{id}": {path: role, body: always(`{"permissions":["b"]}`), more: func(do ask) {
			do("", `{"name":"taken"}`)
		}},
		"DELETE /api/roles/{id}": {path: role, more: func(do ask) {
			// The last administrator is one by a role.
			only := "/api/roles/" + d.created("/api/roles", "/api/roles", map[string]any{"name": "only", "permissions": []string{identity.PermissionAdmin}})["id"].(string)
			administrator, patch := "/api/users/"+d.administratorID(), web.Route{Method: "PATCH", Pattern: "/api/users/{id}"}
			d.do(patch, administrator, `{"roles":["only"],"permissions":[]}`)
			do(only, "")
			d.do(patch, administrator, object(map[string]any{"roles": []string{}, "permissions": []string{identity.PermissionAdmin}}))
		}},
		"POST /api/audiences": {body: func() string { return object(map[string]any{"audience": rand.Text(), "name": "n"}) }, more: func(do ask) {
			do("", `{"audience":"taken","name":"n"}`)
			do("", object(map[string]any{"audience": d.marked(), "name": d.mark + "\n", "algorithm": d.mark}))
		}},
		"GET /api/audiences/{id}": {path: audience},
		"PATCH /api/audiences/{id}": {path: audience, body: always(`{"name":"another"}`), more: func(do ask) {
			own := "/api/audiences/" + d.created("/api/audiences", "/api/audiences", map[string]any{"audience": d.Issuer, "name": "this service"})["id"].(string)
			do(own, `{"permissions":["a"]}`) // nobody could administer
		}},
		"DELETE /api/audiences/{id}": {path: audience},
		"DELETE /api/sessions/{id}": {path: func() string {
			return "/api/sessions/" + d.listed(sessions("session-" + strings.ToLower(rand.Text())))[0]["id"].(string)
		}},
		"DELETE /api/sessions": {},
	}
}

// listed returns the elements of a list.
func (d *driver) listed(path string) []map[string]any {
	d.t.Helper()
	var list []map[string]any
	for _, element := range d.Object(d.Get(path, "Authorization", "Bearer "+d.admin))["data"].([]any) {
		list = append(list, element.(map[string]any))
	}
	return list
}
