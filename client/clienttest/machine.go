package clienttest

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Client is a machine that can get tokens. It has to prove itself with each of Secret and
// PublicKey that is there.
type Client struct {
	ID     string
	Secret identity.Secret
	// PublicKey is PEM (SPKI) or a JWK.
	PublicKey string
	// Permissions are what its tokens allow, at whichever audience.
	Permissions []string
}

// AddClient registers a machine, or what it is from now on.
func (i *Issuer) AddClient(c Client) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.clients[c.ID] = c
}

// issue is POST /auth/token.
func (i *Issuer) issue(w http.ResponseWriter, r *http.Request) {
	var asked api.TokenRequest
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&asked) != nil {
		i.write(w, http.StatusBadRequest, api.Problem{Status: http.StatusBadRequest, Code: "invalid_json"})
		return
	}
	i.mu.Lock()
	c, known := i.clients[asked.ClientID]
	i.mu.Unlock()
	if !known || !i.proven(c, asked) {
		i.write(w, http.StatusUnauthorized, api.Problem{Status: http.StatusUnauthorized, Code: "invalid_credentials", Detail: "The credentials are not valid."})
		return
	}
	i.write(w, http.StatusOK, api.TokenResponse{
		Token: i.Token(asked.Audience, Machine(c.ID), Permissions(c.Permissions...)), Audience: asked.Audience,
		TokenType: api.TokenTypeBearer, ExpiresIn: int64(Lifetime.Seconds()),
	})
}

// proven reports whether the client has proven all that it has to.
func (i *Issuer) proven(c Client, asked api.TokenRequest) bool {
	if c.Secret.Empty() && c.PublicKey == "" {
		return false
	}
	secret := c.Secret.Empty() || c.Secret.Equal(identity.NewSecret(asked.ClientSecret))
	return secret && (c.PublicKey == "" || i.signed(c, asked.Signature))
}

// signed reports whether the assertion is the client's (RFC 7523 section 3), and for us.
func (i *Issuer) signed(c Client, assertion string) bool {
	key, err := jose.ParsePublicKey([]byte(c.PublicKey))
	must(err)
	message, err := jose.Parse(assertion, slices.DeleteFunc(jose.AssertionAlgorithms(), func(a jose.Algorithm) bool { return !key.Fits(a) }))
	if err != nil {
		return false
	}
	payload, err := message.Verify(key)
	var claims struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		ID       string `json:"jti"`
		Expires  int64  `json:"exp"`
	}
	return err == nil && jose.DecodeStrict(payload, &claims) == nil && claims.Issuer == c.ID && claims.Subject == c.ID &&
		claims.Audience == i.url && claims.ID != "" && claims.Expires > i.now().Unix()
}
