package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// tokenFlags say what a verifier expects of a token.
type tokenFlags struct{ issuer, audience, jwks string }

func (f *tokenFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.issuer, "issuer", "", "the issuer that must have made it")
	cmd.Flags().StringVar(&f.audience, "audience", "", "the audience that it must be for")
	cmd.Flags().StringVar(&f.jwks, "jwks", "", "URL or file of the published keys; not given is where the issuer has them")
	_ = cmd.MarkFlagRequired("audience")
}

// expectation is what a verifier knows before it sees a token.
type expectation struct {
	audience string
	// issuer is empty where it is not known, because of issuerUnknown.
	issuer, issuerUnknown string
	keys                  []jose.PublicKey
	// issuerFrom and keysFrom say for people where they were found.
	issuerFrom, keysFrom string
}

// read reads the token and finds out what to expect of it. A token has no say in that: its
// own iss never decides what is asked.
func (f tokenFlags) read(cmd *cobra.Command, p *program) (identity.Secret, expectation, error) {
	e := expectation{audience: f.audience, issuer: f.issuer, issuerFrom: "the command line"}
	for _, flag := range [][2]string{{"audience", f.audience}, {"issuer", f.issuer}, {"jwks", f.jwks}} {
		// An unset variable of a shell must not become a check that is left out.
		if flag[1] == "" && cmd.Flags().Changed(flag[0]) {
			return identity.Secret{}, e, fmt.Errorf("--%s: expected a value, it is empty", flag[0])
		}
	}
	token, err := readToken(p)
	if err != nil {
		return token, e, err
	}
	if f.issuer == "" {
		if err := e.ask(cmd, p, f.jwks == ""); err != nil {
			return token, e, err
		}
	}
	if e.keysFrom == "" {
		if e.keysFrom = f.jwks; f.jwks == "" {
			e.keysFrom = strings.TrimSuffix(f.issuer, "/") + jwksPath
		}
		if e.keys, err = fetchKeys(cmd.Context(), e.keysFrom); err != nil && f.jwks == "" {
			err = fmt.Errorf("%w; --jwks gives another place", err)
		}
		e.keysFrom = redacted(e.keysFrom)
	}
	return token, e, err
}

// ask asks the running service or the local database for the issuer, and for the keys too
// where they are wanted. Without the keys nothing can be said, without the issuer much.
func (e *expectation) ask(cmd *cobra.Command, p *program, keys bool) (err error) {
	e.issuerFrom = ""
	c, err := connect(cmd, p)
	if err != nil {
		err = fmt.Errorf("--issuer is not given, and nobody can be asked for it: %s", message(err))
		if keys {
			return fmt.Errorf("%w; give --issuer or --jwks", err)
		}
		e.issuerUnknown = err.Error()
		return nil
	}
	defer func() { err = errors.Join(err, c.close()) }()
	// What is public is asked for without a proof of who asks.
	public := *c
	public.token, public.renew = nil, nil
	from := c.base
	if c.token == nil {
		from = "the local database"
	}
	if e.issuer, err = askIssuer(cmd.Context(), c, &public); err != nil {
		e.issuerUnknown = fmt.Sprintf("--issuer is not given, and %s does not say it: %s", from, message(err))
	} else {
		e.issuerFrom = from
	}
	if !keys {
		return nil
	}
	var set json.RawMessage
	if err := public.do(cmd.Context(), http.MethodGet, jwksPath, nil, &set); err != nil {
		return errors.New("the published keys: " + message(err)) // not wrapped: what is refused is not the token
	}
	e.keys, err = parseKeys(set)
	e.keysFrom = from
	return err
}

// askIssuer asks the discovery document, which is there for everybody where the issuer is
// a URL, or else the configuration.
func askIssuer(ctx context.Context, c, public *connection) (string, error) {
	var found api.Discovery
	err := public.do(ctx, http.MethodGet, "/.well-known/openid-configuration", nil, &found)
	if err == nil && found.Issuer != "" {
		return found.Issuer, nil
	}
	if err != nil && identity.KindOf(err) != identity.NotFound {
		return "", err
	}
	var cfg api.Configuration
	if err := c.do(ctx, http.MethodGet, configurationPath, nil, &cfg); err != nil {
		return "", err
	}
	if cfg.JWTIssuer == "" {
		return "", c.strange(http.StatusOK)
	}
	return cfg.JWTIssuer, nil
}
