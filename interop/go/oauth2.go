package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// oauth2Checks are those of golang.org/x/oauth2/clientcredentials. It has no discovery
// of its own; go-oidc finds the endpoint for it.
var oauth2Checks = []check{
	{"golang.org/x/oauth2: client_secret_basic", func(ctx context.Context) error {
		return getsToken(ctx, oauth2.AuthStyleInHeader)
	}},
	{"golang.org/x/oauth2: client_secret_post", func(ctx context.Context) error {
		return getsToken(ctx, oauth2.AuthStyleInParams)
	}},
	{"golang.org/x/oauth2: its http.Client calls an API with the token", callsAPI},
	{"golang.org/x/oauth2: a wrong secret is invalid_client", func(ctx context.Context) error {
		conf, err := credentials(ctx, oauth2.AuthStyleInHeader)
		if err != nil {
			return err
		}
		conf.ClientSecret = "of somebody else entirely"
		_, err = conf.Token(ctx)
		return hasCode(err, "invalid_client")
	}},
	{"golang.org/x/oauth2: an audience that it may not have is invalid_target", func(ctx context.Context) error {
		conf, err := credentials(ctx, oauth2.AuthStyleInHeader)
		if err != nil {
			return err
		}
		conf.EndpointParams = url.Values{"audience": {"https://elsewhere.example"}}
		_, err = conf.Token(ctx)
		return hasCode(err, "invalid_target")
	}},
}

// credentials is the configuration that a user of the library writes.
func credentials(ctx context.Context, style oauth2.AuthStyle) (*clientcredentials.Config, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	return &clientcredentials.Config{
		ClientID: clientID, ClientSecret: clientSecret,
		TokenURL: provider.Endpoint().TokenURL, AuthStyle: style,
		Scopes:         []string{permission},
		EndpointParams: url.Values{"audience": {audience}},
	}, nil
}

func getsToken(ctx context.Context, style oauth2.AuthStyle) error {
	conf, err := credentials(ctx, style)
	if err != nil {
		return err
	}
	token, err := conf.Token(ctx)
	if err != nil {
		return err
	}
	if !token.Valid() || token.Type() != "Bearer" || token.Extra("scope") != permission {
		return fmt.Errorf("a token of type %s, expiry %s, scope %v", token.Type(), token.Expiry, token.Extra("scope"))
	}
	return nil
}

// callsAPI asks the service's own API, which takes tokens for its issuer.
func callsAPI(ctx context.Context) error {
	conf, err := credentials(ctx, oauth2.AuthStyleInHeader)
	if err != nil {
		return err
	}
	conf.Scopes, conf.EndpointParams = nil, url.Values{"audience": {issuer}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/api/clients/"+clientID, nil)
	if err != nil {
		return err
	}
	answer, err := conf.Client(ctx).Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var found struct {
		ClientID string `json:"client_id"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&found); err != nil || found.ClientID != clientID {
		return fmt.Errorf("status %s, client %q: %w", answer.Status, found.ClientID, err)
	}
	return nil
}

// hasCode demands the error of RFC 6749 section 5.2 that the library read.
func hasCode(err error, code string) error {
	var retrieve *oauth2.RetrieveError
	if !errors.As(err, &retrieve) || retrieve.ErrorCode != code {
		return fmt.Errorf("not %s but: %w", code, err)
	}
	return nil
}
