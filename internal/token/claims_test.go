package token_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity/internal/token"
)

// TestClaimsAreAsDeclared: the payload that is made member by member has what encoding/json
// makes of the declaration of Claims, in the same order.
func TestClaimsAreAsDeclared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, number := rapid.String(), rapid.Int64Range(0, 1<<52)
		list := rapid.SliceOfN(text, 0, 4)
		c := token.Claims{
			Issuer: text.Draw(t, "iss"), Subject: text.Draw(t, "sub"), Audience: rapid.SliceOfN(text, 1, 3).Draw(t, "aud"),
			IssuedAt: number.Draw(t, "iat"), Expires: number.Draw(t, "exp"), ID: text.Draw(t, "jti"), ClientID: text.Draw(t, "client_id"),
			SessionID: text.Draw(t, "sid"), AuthTime: number.Draw(t, "auth_time"), AMR: list.Draw(t, "amr"), GrantType: text.Draw(t, "gty"),
			Permissions: append([]string{}, list.Draw(t, "permissions")...), Scope: text.Draw(t, "scope"),
		}
		made, err := token.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		declared, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(members(t, declared), members(t, made)); diff != "" {
			t.Errorf("(-encoding/json +made):\n%s", diff)
		}
	})
}

// member is one of an object's, in its place.
type member struct {
	Name  string
	Value any
}

func members(t *rapid.T, object []byte) []member {
	var list []member
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		t.Fatal(err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
		list = append(list, member{name.(string), value})
	}
	return list
}
