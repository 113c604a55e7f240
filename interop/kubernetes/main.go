// Package main lets the authenticator of the Kubernetes API server take tokens of a running
// service, and refuse those that it must. It is a module of its own, because that is
// compiled from much; scripts/foreign-clients.sh starts the service, with TLS, and registers
// who asks. What it needs to know comes from the environment.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2/clientcredentials"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

var (
	issuer        = os.Getenv("ISSUER")
	audience      = os.Getenv("AUDIENCE")
	otherAudience = os.Getenv("OTHER_AUDIENCE")
)

const permission = "orders:read"

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := checks(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "FAILED k8s.io/apiserver: %v\n", err)
		os.Exit(1)
	}
}

func held(what string) { fmt.Printf("ok     k8s.io/apiserver: %s\n", what) }

func checks(ctx context.Context) error {
	server, err := apiServer(ctx)
	if err != nil {
		return err
	}
	held("finds the keys from the issuer, over TLS")

	brief, err := token(ctx, os.Getenv("BRIEF_CLIENT"), os.Getenv("BRIEF_SECRET"), audience)
	if err != nil {
		return err
	}
	over := time.After(32 * time.Second)
	good, err := token(ctx, os.Getenv("SECRET_CLIENT"), os.Getenv("SECRET"), audience)
	if err != nil {
		return err
	}
	other, err := token(ctx, os.Getenv("SECRET_CLIENT"), os.Getenv("SECRET"), otherAudience)
	if err != nil {
		return err
	}
	for name, t := range map[string]string{os.Getenv("SECRET_CLIENT"): good, os.Getenv("BRIEF_CLIENT"): brief} {
		answer, ok, err := server.AuthenticateToken(ctx, t)
		if err != nil || !ok {
			return fmt.Errorf("the token of %s is not taken: %w", name, err)
		}
		if who := answer.User; who.GetName() != "identity:"+name || !slices.Equal(who.GetGroups(), []string{"identity:" + permission}) {
			return fmt.Errorf("the token of %s is one of %s, groups %q", name, who.GetName(), who.GetGroups())
		}
	}
	held("takes a token: its sub is the user, its permissions are the groups")

	if err := refused(ctx, server, other, "expected audience"); err != nil {
		return err
	}
	held("refuses one for another audience")
	parts := strings.Split(good, ".")
	parts[2] = strings.Split(brief, ".")[2]
	if err := refused(ctx, server, strings.Join(parts, "."), "failed to verify signature"); err != nil {
		return err
	}
	held("refuses one whose signature is another's")
	<-over
	if err := refused(ctx, server, brief, "expired"); err != nil {
		return err
	}
	held("refuses one that is over")
	return nil
}

// authority is the certificate that the service's must come from.
type authority []byte

func (a authority) CurrentCABundleContent() []byte { return a }

// apiServer is what authenticates with this, as a file of an API server's
// --authentication-config says it:
//
//	jwt:
//	- issuer: {url: ISSUER, audiences: [AUDIENCE], certificateAuthority: …}
//	  claimMappings:
//	    username: {claim: sub, prefix: "identity:"}
//	    groups: {claim: permissions, prefix: "identity:"}
func apiServer(ctx context.Context) (authenticator.Token, error) {
	certificate, err := os.ReadFile(os.Getenv("SSL_CERT_FILE"))
	if err != nil {
		return nil, err
	}
	prefix := "identity:"
	server, err := oidc.New(ctx, oidc.Options{
		CAContentProvider:    authority(certificate),
		SupportedSigningAlgs: oidc.AllValidSigningAlgorithms(),
		JWTAuthenticator: apiserver.JWTAuthenticator{
			Issuer: apiserver.Issuer{URL: issuer, CertificateAuthority: string(certificate), Audiences: []string{audience}},
			ClaimMappings: apiserver.ClaimMappings{
				Username: apiserver.PrefixedClaimOrExpression{Claim: "sub", Prefix: &prefix},
				Groups:   apiserver.PrefixedClaimOrExpression{Claim: "permissions", Prefix: &prefix},
			},
		},
	})
	if err != nil {
		return nil, err
	}
	for server.HealthCheck() != nil { // it begins by itself, and says when it is ready
		select {
		case <-ctx.Done():
			return nil, server.HealthCheck()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return server, nil
}

func token(ctx context.Context, id, secret, forAudience string) (string, error) {
	conf := clientcredentials.Config{
		ClientID: id, ClientSecret: secret, TokenURL: issuer + "/oauth2/token",
		Scopes: []string{permission}, EndpointParams: url.Values{"audience": {forAudience}},
	}
	t, err := conf.Token(ctx)
	if err != nil {
		return "", err
	}
	return t.AccessToken, nil
}

// refused demands an error that says a word, so that one for another reason is not taken
// for the refusal that is meant.
func refused(ctx context.Context, server authenticator.Token, t, word string) error {
	switch _, ok, err := server.AuthenticateToken(ctx, t); {
	case ok || err == nil:
		return errors.New("it was not refused, though it should say " + word)
	case !strings.Contains(err.Error(), word):
		return fmt.Errorf("refused, but without %q: %w", word, err)
	}
	return nil
}
