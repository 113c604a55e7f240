package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func tokenCommand(p *program) *cobra.Command {
	return group("token", "Look at tokens", tokenInspectCommand(p), tokenVerifyCommand(p))
}

func tokenInspectCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "inspect", Short: "Print what a token says, without verifying it", Args: cobra.NoArgs,
		Long:    `Read a token from standard input and print its header and claims. Nothing is verified: whoever made the token can have written anything into it.`,
		Example: `  printf '%s' "$TOKEN" | identity token inspect`,
		RunE: func(*cobra.Command, []string) error {
			token, err := readLine(p.lines(), "token")
			if err != nil {
				return err
			}
			m, err := jose.Parse(token.Reveal(), jose.AssertionAlgorithms())
			if err != nil {
				return fmt.Errorf("the token cannot be read: %w", err)
			}
			var claims json.RawMessage
			if err := jose.DecodeStrict(m.UnverifiedPayload(), &claims); err != nil {
				return fmt.Errorf("the claims of the token cannot be read: %w", err)
			}
			fmt.Fprintln(p.stderr, "Not verified: this is what the token says of itself.")
			return printJSON(p.stdout, map[string]any{
				"header": map[string]string{"alg": string(m.Algorithm()), "kid": m.KID(), "typ": m.Type()},
				"claims": claims,
			})
		},
	}
}

// errNotVerified is a token that a verifier would refuse.
var errNotVerified = errors.New("the token is not valid")

func tokenVerifyCommand(p *program) *cobra.Command {
	var issuer, jwks, audience string
	cmd := &cobra.Command{
		Use: "verify", Short: "Verify a token as its audience would", Args: cobra.NoArgs,
		Long: `Read a token from standard input, verify its signature with the issuer's published
keys, its type, issuer, audience and times, and print its claims. The exit code is 2
if it is not valid.`,
		Example: `  printf '%s' "$TOKEN" | identity token verify --issuer https://id.example.com --audience billing`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			token, err := readLine(p.lines(), "token")
			if err != nil {
				return err
			}
			if jwks == "" {
				jwks = strings.TrimSuffix(issuer, "/") + "/.well-known/jwks.json"
			}
			keys, err := fetchKeys(cmd.Context(), jwks)
			if err != nil {
				return fmt.Errorf("the published keys: %w", err)
			}
			claims, err := verifyToken(token.Reveal(), keys, issuer, audience, time.Now())
			if err != nil {
				return fmt.Errorf("%w: %w", errNotVerified, err)
			}
			return printJSON(p.stdout, claims)
		},
	}
	cmd.Flags().StringVar(&issuer, "issuer", "", "the issuer that must have made it")
	cmd.Flags().StringVar(&audience, "audience", "", "the audience that it must be for")
	cmd.Flags().StringVar(&jwks, "jwks", "", "URL or file of the published keys; not given is where the issuer has them")
	_ = cmd.MarkFlagRequired("issuer")
	_ = cmd.MarkFlagRequired("audience")
	return cmd
}

// fetchKeys reads a JWKS (RFC 7517 section 5) from a URL or a file.
func fetchKeys(ctx context.Context, from string) ([]jose.PublicKey, error) {
	text, err := fetch(ctx, from)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("no JSON Web Key Set: %w", err)
	}
	var keys []jose.PublicKey
	for _, k := range set.Keys {
		// RFC 7517 section 5: keys of a kind that is not known are ignored.
		if key, err := jose.ParsePublicKey(k); err == nil {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

const maxJWKS = 1 << 20

func fetch(ctx context.Context, from string) ([]byte, error) {
	if !strings.HasPrefix(from, "http://") && !strings.HasPrefix(from, "https://") {
		return os.ReadFile(from)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", from, response.StatusCode)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxJWKS))
}

// verifyToken checks an access token as RFC 9068 section 4 says.
func verifyToken(token string, keys []jose.PublicKey, issuer, audience string, now time.Time) (json.RawMessage, error) {
	m, err := jose.Parse(token, jose.AssertionAlgorithms())
	if err != nil {
		return nil, err
	}
	if typ := strings.TrimPrefix(strings.ToLower(m.Type()), "application/"); typ != "at+jwt" {
		return nil, fmt.Errorf("typ: expected at+jwt, it is %q", m.Type())
	}
	at := slices.IndexFunc(keys, func(k jose.PublicKey) bool { return k.KID() == m.KID() })
	if at < 0 {
		return nil, fmt.Errorf("kid: no published key has %q", m.KID())
	}
	payload, err := m.Verify(keys[at])
	if err != nil {
		return nil, err
	}
	var claims struct {
		Issuer    string          `json:"iss"`
		Audience  json.RawMessage `json:"aud"`
		Expires   int64           `json:"exp"`
		NotBefore int64           `json:"nbf"`
		IssuedAt  int64           `json:"iat"`
		Subject   string          `json:"sub"`
		ClientID  string          `json:"client_id"`
		ID        string          `json:"jti"`
	}
	if err := jose.DecodeStrict(payload, &claims); err != nil {
		return nil, err
	}
	switch {
	case claims.Issuer != issuer:
		return nil, fmt.Errorf("iss: expected %q, it is %q", issuer, claims.Issuer)
	case !hasAudience(claims.Audience, audience):
		return nil, fmt.Errorf("aud: expected %q, it is %s", audience, claims.Audience)
	case now.Unix() >= claims.Expires:
		return nil, fmt.Errorf("exp: it expired at %s", time.Unix(claims.Expires, 0).UTC().Format(time.RFC3339))
	case max(claims.NotBefore, claims.IssuedAt) > now.Add(time.Minute).Unix():
		return nil, errors.New("nbf, iat: it is from the future")
	case claims.IssuedAt == 0 || claims.Subject == "" || claims.ClientID == "" || claims.ID == "":
		return nil, errors.New("iat, sub, client_id and jti: expected all of them (RFC 9068 section 2.2)")
	}
	return payload, nil
}

// hasAudience reports whether aud, a string or an array of them (RFC 7519 section
// 4.1.3), names the audience.
func hasAudience(aud json.RawMessage, audience string) bool {
	var one string
	var several []string
	return json.Unmarshal(aud, &one) == nil && one == audience ||
		json.Unmarshal(aud, &several) == nil && slices.Contains(several, audience)
}
