package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// zitadelChecks are those of github.com/zitadel/oidc: its relying party, its calls with
// client assertions, and its resource server.
var zitadelChecks = []check{
	{"zitadel/oidc: client credentials by secret", func(ctx context.Context) error {
		_, err := bySecret(ctx, clientSecret)
		return err
	}},
	{"zitadel/oidc: a wrong secret is invalid_client", func(ctx context.Context) error {
		_, err := bySecret(ctx, "of somebody else entirely")
		return refused(err, "invalid_client")
	}},
	{"zitadel/oidc: private_key_jwt", func(ctx context.Context) error {
		_, err := byKey(ctx, privateKey)
		return err
	}},
	{"zitadel/oidc: an assertion by somebody else's key is invalid_client", func(ctx context.Context) error {
		_, err := byKey(ctx, foreignKey)
		return refused(err, "invalid_client")
	}},
	{"zitadel/oidc: introspection, before and after revocation", introspects},
	{"zitadel/oidc: introspection by private_key_jwt, of the audience that it serves alone", introspectsByKey},
}

func bySecret(ctx context.Context, secret string) (string, error) {
	party, err := rp.NewRelyingPartyOIDC(ctx, issuer, clientID, secret, "", []string{permission})
	if err != nil {
		return "", err
	}
	token, err := rp.ClientCredentials(ctx, party, url.Values{"audience": {audience}})
	if err != nil {
		return "", err
	}
	return token.AccessToken, nil
}

// web is what the library's calls go through.
var web = &http.Client{Timeout: 10 * time.Second}

// endpoint is where the library's calls go.
type endpoint struct{ url string }

func (e endpoint) TokenEndpoint() string     { return e.url }
func (e endpoint) GetRevokeEndpoint() string { return e.url }
func (endpoint) HttpClient() *http.Client    { return web }

func byKey(ctx context.Context, key []byte) (string, error) {
	found, err := client.Discover(ctx, issuer, web)
	if err != nil {
		return "", err
	}
	assertion, err := assertionBy(key)
	if err != nil {
		return "", err
	}
	request := oidc.ClientCredentialsRequest{
		GrantType: oidc.GrantTypeClientCredentials, ClientID: keyClientID,
		ClientAssertion: assertion, ClientAssertionType: oidc.ClientAssertionTypeJWTAssertion,
	}
	token, err := client.CallTokenEndpoint(ctx, &request, endpoint{found.TokenEndpoint})
	if err != nil {
		return "", err
	}
	return token.AccessToken, nil
}

func assertionBy(key []byte) (string, error) {
	signer, err := client.NewSignerFromPrivateKeyByte(key, keyID)
	if err != nil {
		return "", err
	}
	return client.SignedJWTProfileAssertion(keyClientID, []string{issuer}, time.Minute, signer)
}

func introspects(ctx context.Context) error {
	token, err := bySecret(ctx, clientSecret)
	if err != nil {
		return err
	}
	server, err := rs.NewResourceServerClientCredentials(ctx, issuer, serverID, serverSecret)
	if err != nil {
		return err
	}
	answer, err := rs.Introspect[*oidc.IntrospectionResponse](ctx, server, token)
	if err != nil {
		return err
	}
	if !answer.Active || answer.ClientID != clientID || len(answer.Scope) != 1 || answer.Scope[0] != permission {
		return fmt.Errorf("introspection says %+v", answer)
	}
	found, err := client.Discover(ctx, issuer, web)
	if err != nil {
		return err
	}
	request := struct {
		Token string `schema:"token"`
	}{token}
	if err := client.CallRevokeEndpoint(ctx, &request, httphelper.AuthorizeBasic(clientID, clientSecret), endpoint{found.RevocationEndpoint}); err != nil {
		return err
	}
	answer, err = rs.Introspect[*oidc.IntrospectionResponse](ctx, server, token)
	if err != nil || answer.Active {
		return errors.Join(errors.New("the token is still active"), err)
	}
	return nil
}

// shortLived makes assertions that are good for a minute: the library's own resource
// server makes them for an hour, which the service takes from nobody.
type shortLived struct{ rs.ResourceServer }

func (shortLived) AuthFn() (any, error) {
	assertion, err := assertionBy(privateKey)
	return client.ClientAssertionFormAuthorization(assertion), err
}

func introspectsByKey(ctx context.Context) error {
	_, served, err := issued(ctx, otherAudience)
	if err != nil {
		return err
	}
	server, err := rs.NewResourceServerJWTProfile(ctx, issuer, keyClientID, keyID, privateKey)
	if err != nil {
		return err
	}
	answer, err := rs.Introspect[*oidc.IntrospectionResponse](ctx, shortLived{server}, served)
	if err != nil || !answer.Active {
		return errors.Join(errors.New("not active"), err)
	}
	token, err := byKey(ctx, privateKey)
	if err != nil {
		return err
	}
	answer, err = rs.Introspect[*oidc.IntrospectionResponse](ctx, shortLived{server}, token)
	if err != nil || answer.Active {
		return errors.Join(errors.New("who does not serve the audience was told of the token"), err)
	}
	_, err = rs.Introspect[*oidc.IntrospectionResponse](ctx, server, token)
	if err := refused(err, "invalid_client"); err != nil {
		return fmt.Errorf("the assertion for an hour: %w", err)
	}
	return nil
}
