package identitytest_test

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// Every refusal of a machine is explained by the audit, and not by the answer.
func TestWhyMachinesAreRefused(t *testing.T) {
	d := newWhyDesk(t)
	now := d.Clock.Now().Unix()
	kid := d.key.Public().KID()
	id, _ := identity.ClientSecretID(identity.NewSecret(d.generated))
	old, _ := identity.ClientSecretID(identity.NewSecret(d.expired))
	spent := d.Assertion(d.key, "signing")
	good := d.Assertion(d.key, "signing")
	d.Token("orders", map[string]string{"client_id": "signing", "signature": spent})
	wrong := d.generated[:12] + "_" + strings.Repeat("A", 43)
	wrong += base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(wrong))))
	off, offSecret := d.AddClient(admin.NewClient{ID: "off", Disabled: true})
	_, foreign := d.AddClient(admin.NewClient{ID: "foreign"})
	secret := func(id, secret string) func() identitytest.Response {
		return d.token(map[string]string{"client_id": id, "client_secret": secret})
	}
	signature := func(text string) func() identitytest.Response {
		return d.token(map[string]string{"client_id": "signing", "signature": text})
	}
	issued := func(changes map[string]any) func() identitytest.Response { return d.signed(changes) }
	for _, r := range []refusal{
		{"nobody", secret("nobody", d.generated), identity.RefusedClientUnknown, "", "", nil},
		{"disabled", secret(off.ID, offSecret), identity.RefusedClientDisabled, "off", "", nil},
		{"no secret", d.token(map[string]string{"client_id": "generated"}), identity.RefusedSecretMissing, "generated", "", map[string]any{"require": "secret"}},
		{"cut off", secret("generated", d.generated[:len(d.generated)-1]), identity.RefusedSecretForm, "generated", "", nil},
		{"of another", secret("generated", foreign), identity.RefusedSecretUnknown, "generated", "", map[string]any{"live_secrets": "[number 2, " + id + "]"}},
		{"expired", secret("generated", d.expired), identity.RefusedSecretExpired, "generated", old, map[string]any{"secret": "number 1, " + old + " (old)", "expired_since": 60}},
		{"wrong", secret("generated", wrong), identity.RefusedSecretWrong, "generated", id, map[string]any{"secret": "number 2, " + id}},
		{"no signature", d.token(map[string]string{"client_id": "signing"}), identity.RefusedSignatureMissing, "signing", "", map[string]any{"require": "signature"}},
		{"no form", signature("a.b.c"), identity.RefusedSignatureForm, "signing", "", nil},
		{"static", signature("QUJD"), identity.RefusedStaticNotAllowed, "signing", "", nil},
		{"another key", signature(d.Assertion(d.other, "signing")), identity.RefusedKeyUnknown, "signing", "", map[string]any{"kids": "[" + kid + "]", "kid": nil}},
		{"a signature of something else", signature(spent[:strings.LastIndex(spent, ".")] + good[strings.LastIndex(good, "."):]), identity.RefusedSignatureWrong, "signing", d.keyID, map[string]any{"kid": kid}},
		{"another kind of key", signature(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA"}`)) + ".e30." + strings.Repeat("A", 86)), identity.RefusedKeyAlgorithm, "signing", "", map[string]any{"alg": "EdDSA"}},
		{"aud", issued(map[string]any{"aud": "https://old.test"}), identity.RefusedAssertionAudience, "signing", d.keyID, map[string]any{"expected": d.Issuer, "actual": "https://old.test"}},
		{"aud of two", issued(map[string]any{"aud": []string{d.Issuer, "b"}}), identity.RefusedAssertionAudience, "signing", d.keyID, map[string]any{"actual": "[" + d.Issuer + ", b]"}},
		{"aud that steers", issued(map[string]any{"aud": "\x1b[31m\u202e" + strings.Repeat("x", 500)}), identity.RefusedAssertionAudience, "signing", d.keyID,
			map[string]any{"actual": `\x1b[31m\u202e` + strings.Repeat("x", 249) + "…"}},
		{"iss", issued(map[string]any{"iss": "another"}), identity.RefusedAssertionIssuer, "signing", d.keyID, map[string]any{"expected": "signing", "sent": true, "actual": nil}},
		{"sub", issued(map[string]any{"sub": nil}), identity.RefusedAssertionSubject, "signing", d.keyID, map[string]any{"sent": false}},
		{"exp", issued(map[string]any{"exp": now - 94}), identity.RefusedAssertionExpired, "signing", d.keyID, map[string]any{"expired_since": 94, "leeway": 60}},
		{"exp ahead", issued(map[string]any{"exp": now + 1000}), identity.RefusedAssertionLifetime, "signing", d.keyID, map[string]any{"ahead": 1000, "at_most": 300}},
		{"exp for ever", issued(map[string]any{"exp": 1e300}), identity.RefusedAssertionLifetime, "signing", d.keyID, nil},
		{"no exp", issued(map[string]any{"exp": nil}), identity.RefusedAssertionClaims, "signing", d.keyID, nil},
		{"nbf", issued(map[string]any{"nbf": now + 94}), identity.RefusedAssertionEarly, "signing", d.keyID, map[string]any{"ahead": 94, "leeway": 60}},
		{"iat", issued(map[string]any{"iat": now + 94}), identity.RefusedAssertionIssued, "signing", d.keyID, map[string]any{"ahead": 94}},
		{"jti", issued(map[string]any{"jti": ""}), identity.RefusedAssertionID, "signing", d.keyID, nil},
		{"spent", signature(spent), identity.RefusedAssertionSpent, "signing", d.keyID, nil},
		{"audience", func() identitytest.Response { return d.limited() }, identity.RefusedAudience, "limited", "", map[string]any{"asked": "billing", "allowed": "[orders]"}},
	} {
		d.ForgetAttempts()
		d.want(r)
	}
}

// limited asks for an audience that the client may not have.
func (d *whyDesk) limited() identitytest.Response {
	_, secret := d.AddClient(admin.NewClient{ID: "limited", Audiences: new([]string{"orders"})})
	return d.Post("/auth/token", map[string]string{"client_id": "limited", "client_secret": secret, "audience": "billing"})
}

// Every refusal of a person, a refresh token and a bearer token is explained.
func TestWhyPeopleAreRefused(t *testing.T) {
	d := newWhyDesk(t)
	const password = "a long enough password"
	ann := d.ids["ann"]
	login := func(name, password string) func() identitytest.Response {
		return func() identitytest.Response {
			return d.Post("/auth/login", map[string]string{"username": name, "password": password, "audience": "orders"})
		}
	}
	refresh := func(token string) func() identitytest.Response {
		return func() identitytest.Response {
			return d.Post("/auth/refresh", map[string]string{"refresh_token": token})
		}
	}
	off, oneTime := d.AddUser("off", password), d.AddUser("once", password)
	d.DisableUser(off.ID)
	adminBearer := "Bearer " + d.AdminToken()
	d.Do("PATCH", "/api/users/"+oneTime.ID, `{"one_time":true}`, "Authorization", adminBearer)
	session := d.Session("ann", password, "orders")
	once := d.Refresh(session)
	d.Refresh(once)
	out := d.Session("ann", password, "orders")
	d.Post("/auth/logout", map[string]string{"refresh_token": out})
	weak := d.Login("ann", password, "")
	orders := d.Login("ann", password, "orders")
	gone := d.AddUser("gone", password)
	goneToken := d.Login("gone", password, "")
	d.Do("DELETE", "/api/users/"+gone.ID, "", "Authorization", adminBearer)
	d.Clock.Move(time.Minute) // beyond the grace
	for _, r := range []refusal{
		{"nobody", login("nobody", password), identity.RefusedUserUnknown, "", "", nil},
		{"no name at all", login("a b", password), identity.RefusedUserUnknown, "", "", nil},
		{"wrong password", login("ann", "another password"), identity.RefusedPasswordWrong, ann, "", nil},
		{"disabled", login("off", password), identity.RefusedUserDisabled, off.ID, "", nil},
		{"one-time", login("once", password), identity.RefusedPasswordOneTime, oneTime.ID, "", nil},
		{"form", refresh("idr_x"), identity.RefusedRefreshForm, "", "", nil},
		{"key", refresh("idr_" + strings.Repeat("A", 76)), identity.RefusedRefreshKey, "", "", nil},
		{"mac", refresh(out[:len(out)-2] + "AA"), identity.RefusedRefreshMAC, "", "", nil},
		{"ended", refresh(out), identity.RefusedSessionOver, ann, "", map[string]any{"ended_by": "logout"}},
		{"reused", refresh(session), identity.RefusedSessionReused, ann, "", map[string]any{"token_of_refresh": 0, "refreshes": 2}},
		{"no bearer", d.bearer(""), identity.RefusedBearerMissing, "", "", nil},
		{"no token", d.bearer("Bearer x y"), identity.RefusedBearerForm, "", "", nil},
		{"no JWS", d.bearer("Bearer abc"), identity.RefusedBearerForm, "", "", nil},
		{"an assertion", d.bearer("Bearer " + d.Assertion(d.key, "signing")), identity.RefusedBearerType, "", "", nil},
		{"changed", d.bearer("Bearer " + weak[:len(weak)-4] + "AAAA"), identity.RefusedBearerSignature, "", "", nil},
		{"aud", d.bearer("Bearer " + orders), identity.RefusedBearerAudience, ann, "", map[string]any{"expected": d.Issuer, "actual": "orders"}},
		{"deleted", d.bearer("Bearer " + goneToken), identity.RefusedBearerSubject, gone.ID, "", nil},
		{"permission", d.bearer("Bearer " + weak), identity.RefusedPermission, ann, "", map[string]any{"needed": "identity:users:read", "held": "[]"}},
	} {
		d.ForgetAttempts()
		d.want(r)
	}
	// What comes with time, or ends for others too.
	d.Clock.Move(20 * time.Minute)
	d.want(refusal{"expired", d.bearer("Bearer " + weak), identity.RefusedBearerExpired, ann, "", map[string]any{"expired_since": 6 * 60}})
	old := d.Login("ann", password, "")
	d.Clock.Move(2 * time.Second)
	d.Do("PATCH", "/api/users/"+ann, `{"password":"quite another password"}`, "Authorization", "Bearer "+d.AdminToken())
	d.want(refusal{"revoked", d.bearer("Bearer " + old), identity.RefusedBearerRevoked, ann, "", nil})
}

// Who has to wait is told whose account it is, and until when.
func TestWhyToWait(t *testing.T) {
	d := newWhyDesk(t)
	login := func(name string) func() identitytest.Response {
		return func() identitytest.Response {
			return d.Post("/auth/login", map[string]string{"username": name, "password": "not the password"})
		}
	}
	for range identity.ThrottledFrom {
		login("ann")()
		login("a password in the wrong place")()
	}
	d.want(refusal{"a name", login("ann"), identity.RefusedThrottleName, "", "", map[string]any{
		"kind": "user", "username": "ann", "attempts": 3, "until": d.Clock.Now().Add(time.Second).UTC().Format(time.RFC3339),
	}})
	d.want(refusal{"nobody's name", login("a password in the wrong place"), identity.RefusedThrottleName, "", "", map[string]any{"username": nil}})

	one := identitytest.New(t, identitytest.Options{AddressFailures: 1})
	wrong := func() identitytest.Response {
		return one.Post("/auth/login", map[string]string{"username": "nobody", "password": "not the password"})
	}
	bearer := one.AdminToken()
	wrong()
	answer := wrong()
	if err := one.StoreEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := one.Get("/api/audit?request_id="+answer.Header.Get("X-Request-Id"), "Authorization", "Bearer "+bearer)
	for _, want := range []string{`"check":"throttle.address"`, `"source":"127.0.0.1/32"`, `"failures_allowed":1`} {
		if answer.Status != http.StatusTooManyRequests || !strings.Contains(string(r.Body), want) {
			t.Errorf("%d: the event lacks %s: %s", answer.Status, want, r.Body)
		}
	}
}

// Successes are recorded with what they were proven with; equal ones share a row.
func TestSuccessesAreRecorded(t *testing.T) {
	d := newWhyDesk(t)
	ann := d.ids["ann"]
	refreshToken := d.Refresh(d.Session("ann", "a long enough password", "orders"))
	d.Post("/auth/logout", map[string]string{"refresh_token": refreshToken})
	d.Post("/auth/logout", map[string]string{"refresh_token": refreshToken}) // ends nothing
	id, _ := identity.ClientSecretID(identity.NewSecret(d.generated))
	if err := d.StoreEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	const times = 50
	for range times {
		d.Token("orders", map[string]string{"client_id": "generated", "client_secret": d.generated})
	}
	d.Token("orders", map[string]string{"client_id": "signing", "signature": d.Assertion(d.key, "signing")})
	var n int64
	for _, e := range d.events("outcome=success&actor=generated&event=token.issued") {
		if e.detail.Credential != id || e.detail.Audience != "orders" || (e.detail.Count == 0) != (e.RequestID != "") {
			t.Errorf("%+v\n%s", e.Event, e.Detail)
		}
		n += max(1, e.detail.Count)
	}
	if n != times {
		t.Errorf("%d tokens are recorded, want %d", n, times)
	}
	of := map[string][]event{}
	for _, e := range d.events("actor=" + ann) {
		of[e.Event.Event] = append(of[e.Event.Event], e)
	}
	for _, name := range []string{"login.succeeded", "session.refreshed", "session.ended"} {
		if e := of[name]; len(e) != 1 || e[0].Target == "" || e[0].Target != of["login.succeeded"][0].Target || e[0].RequestID == "" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if e := of["session.ended"]; len(e) == 1 && e[0].detail.EndedBy != "logout" {
		t.Errorf("ended: %s", e[0].Detail)
	}
}

// What a stranger types is in no event, whatever it is and however it is refused.
func TestEventsRepeatNothing(t *testing.T) {
	d := newWhyDesk(t)
	const canary = "c4nArY0fWhatWasTyped"
	for _, body := range []map[string]string{
		{"username": canary, "password": canary}, {"username": "ann", "password": canary}, {"username": canary + "\x1b", "password": "x"},
	} {
		for range 5 { // also when they have to wait
			d.Post("/auth/login", body)
		}
	}
	for _, body := range []map[string]string{
		{"client_id": canary, "client_secret": canary}, {"client_id": "generated", "client_secret": canary}, {"client_id": "signing", "signature": canary},
		{"client_id": canary, "signature": canary + "." + canary + "." + canary}, {"client_id": "signing", "signature": d.Assertion(d.other, "signing", map[string]any{"aud": canary, "iss": canary})},
		{"client_id": "signing", "signature": d.Assertion(d.key, "signing", map[string]any{"iss": canary, "jti": canary})},
	} {
		for range 5 {
			d.Post("/auth/token", map[string]string{"audience": canary, "client_id": body["client_id"], "client_secret": body["client_secret"], "signature": body["signature"]})
			d.token(body)()
		}
	}
	d.Post("/auth/refresh", map[string]string{"refresh_token": canary, canary: canary})
	d.Get("/api/users?"+canary+"="+canary, "Authorization", "Bearer "+d.AdminToken())
	d.bearer("Bearer " + canary)()
	if events := d.events(""); !slices.ContainsFunc(events, func(e event) bool { return e.detail.Check == string(identity.RefusedUserUnknown) }) {
		t.Error("nothing was recorded")
	}
	var f identitytest.Finder
	f.Add("the canary", canary)
	f.Add("the canary as a username", strings.ToLower(canary))
	for _, found := range f.Find(d.Dump()) {
		t.Errorf("stored: %s", found)
	}
}
