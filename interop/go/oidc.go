package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// oidcChecks are those of github.com/coreos/go-oidc, as a resource server uses it: its
// verifier for ID tokens takes access tokens, whose audience it calls the client's id.
var oidcChecks = []check{
	{"coreos/go-oidc: finds the keys from the issuer and verifies a token", func(ctx context.Context) error {
		token, err := verify(ctx, audience, &oidc.Config{ClientID: audience})
		if err != nil {
			return err
		}
		var claims struct {
			ClientID    string   `json:"client_id"`
			Permissions []string `json:"permissions"`
		}
		if err := token.Claims(&claims); err != nil || claims.ClientID != clientID || len(claims.Permissions) != 1 || claims.Permissions[0] != permission {
			return fmt.Errorf("claims %+v: %w", claims, err)
		}
		return nil
	}},
	{"coreos/go-oidc: refuses one for another audience", func(ctx context.Context) error {
		_, err := verify(ctx, otherAudience, &oidc.Config{ClientID: audience})
		return refused(err, "expected audience")
	}},
	{"coreos/go-oidc: refuses one that is over", func(ctx context.Context) error {
		later := func() time.Time { return time.Now().Add(24 * time.Hour) }
		_, err := verify(ctx, audience, &oidc.Config{ClientID: audience, Now: later})
		return refused(err, "expired")
	}},
	{"coreos/go-oidc: refuses one that was changed", func(ctx context.Context) error {
		provider, token, err := issued(ctx, audience)
		if err != nil {
			return err
		}
		parts := strings.Split(token, ".")
		_, other, err := issued(ctx, audience)
		if err != nil {
			return err
		}
		parts[1] = strings.Split(other, ".")[1]
		_, err = provider.VerifierContext(ctx, &oidc.Config{ClientID: audience}).Verify(ctx, strings.Join(parts, "."))
		return refused(err, "failed to verify signature")
	}},
	{"coreos/go-oidc: refuses another issuer's document", func(ctx context.Context) error {
		_, err := oidc.NewProvider(ctx, strings.Replace(issuer, "localhost", "127.0.0.1", 1))
		return refused(err, "did not match the issuer")
	}},
}

// issued gets a token for an audience, and what go-oidc knows of who issued it.
func issued(ctx context.Context, forAudience string) (*oidc.Provider, string, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, "", err
	}
	conf, err := credentials(ctx, oauth2.AuthStyleInHeader)
	if err != nil {
		return nil, "", err
	}
	conf.EndpointParams = url.Values{"audience": {forAudience}}
	token, err := conf.Token(ctx)
	if err != nil {
		return nil, "", err
	}
	return provider, token.AccessToken, nil
}

func verify(ctx context.Context, forAudience string, config *oidc.Config) (*oidc.IDToken, error) {
	provider, token, err := issued(ctx, forAudience)
	if err != nil {
		return nil, err
	}
	return provider.VerifierContext(ctx, config).Verify(ctx, token)
}
