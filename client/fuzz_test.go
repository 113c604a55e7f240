package client_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
)

// FuzzToken: no text that the issuer has not signed is accepted, and every refusal says
// that the token is bad. Seeds are in testdata/fuzz.
func FuzzToken(f *testing.F) {
	forger := newForger(f)
	v := newVerifier(f, forger.issuer)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := v.Verify(t.Context(), text)
		if got != nil || !errors.Is(err, client.ErrInvalid) {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

// FuzzClaims: whatever the payload of a token that is well signed, only what another reader
// finds to be ours, for us and for now is accepted.
func FuzzClaims(f *testing.F) {
	forger := newForger(f)
	v := newVerifier(f, forger.issuer)
	header := forger.header()
	f.Fuzz(func(t *testing.T, payload string) {
		payload = strings.ReplaceAll(payload, "ISSUER", forger.issuer.URL())
		got, err := v.Verify(t.Context(), forger.sign(header, payload))
		if err != nil {
			if !errors.Is(err, client.ErrInvalid) {
				t.Errorf("got %v", err)
			}
			return
		}
		var said struct {
			Issuer   string  `json:"iss"`
			Subject  string  `json:"sub"`
			Client   string  `json:"client_id"`
			ID       string  `json:"jti"`
			Audience any     `json:"aud"`
			Expires  float64 `json:"exp"`
			IssuedAt float64 `json:"iat"`
		}
		if err := json.Unmarshal([]byte(payload), &said); err != nil {
			t.Fatalf("accepted: %v", err)
		}
		ours := said.Audience == audience
		if list, ok := said.Audience.([]any); ok {
			for _, one := range list {
				ours = ours || one == audience
			}
		}
		now := float64(time.Now().Unix())
		if said.Issuer != forger.issuer.URL() || said.Subject != got.Subject() || said.Subject == "" || said.ID != got.ID() || said.ID == "" ||
			said.Client == "" || !ours || said.Expires < now-62 || said.IssuedAt > now+62 {
			t.Errorf("accepted: %s", payload)
		}
	})
}

// FuzzRevocationList: whatever a list says that is well signed, a token that is good is
// accepted, revoked, or cannot be judged.
func FuzzRevocationList(f *testing.F) {
	forger := newForger(f)
	header := forger.header(with("typ", "revocation-list+jwt"))
	token := forger.sign(forger.header(), forger.claims())
	f.Fuzz(func(t *testing.T, entries string) {
		now := time.Now().Unix()
		list := changed(map[string]any{"iss": forger.issuer.URL(), "iat": now, "exp": now + 600}, nil)
		list = strings.TrimSuffix(list, "}") + `,"entries":` + entries + "}"
		forger.issuer.Answer(clienttest.RevocationsPath, constant(forger.sign(header, list)))
		v := newVerifier(t, forger.issuer)
		defer v.Close()
		if _, err := v.Verify(t.Context(), token); err != nil && !errors.Is(err, client.ErrRevoked) && !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzKeySet: whatever is published, no token is accepted whose key is not in it.
func FuzzKeySet(f *testing.F) {
	forger := newForger(f)
	token := forger.sign(forger.header(), forger.claims())
	f.Fuzz(func(t *testing.T, set string) {
		forger.issuer.Answer(clienttest.KeysPath, constant(set))
		v := newVerifier(t, forger.issuer, func(c *client.VerifierConfig) { c.IgnoreRevocations = true })
		defer v.Close()
		got, err := v.Verify(t.Context(), token)
		if got != nil || !errors.Is(err, client.ErrInvalid) && !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("got %v, %v", got, err)
		}
	})
}
