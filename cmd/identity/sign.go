package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func signCommand(p *program) *cobra.Command {
	var clientID, keyFile, audience, algorithm string
	var lifetime time.Duration
	var static bool
	cmd := &cobra.Command{
		Use: "sign", Short: "Make the signature of a machine client", Args: cobra.NoArgs,
		Long: `Make the "signature" member of POST /auth/token and print it: a client assertion
(RFC 7523), good for one use until it expires. With --static it is the signature of
the original service, which does not expire and can be replayed.`,
		Example: `  identity sign --client-id robot --key robot.pem --audience https://id.example.com`,
		RunE: func(*cobra.Command, []string) error {
			text, err := readFile(p, keyFile)
			if err != nil {
				return fmt.Errorf("--key: %w", err)
			}
			key, err := jose.ParsePrivateKey(text)
			if err != nil {
				return fmt.Errorf("--key: %w", err)
			}
			var signature string
			switch {
			case static:
				signature, err = signStatic(key, clientID)
			case audience == "":
				return errors.New("--audience is missing: the issuer of the service, which is in its discovery document")
			default:
				signature, err = signAssertion(key, algorithm, clientID, audience, lifetime)
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(p.stdout, signature)
			return nil
		},
	}
	cmd.Flags().StringVar(&clientID, "client-id", "", "the client's id")
	cmd.Flags().StringVar(&keyFile, "key", "", `file of the client's private key in PEM; "-" is standard input`)
	cmd.Flags().StringVar(&audience, "audience", "", "the issuer of the service")
	cmd.Flags().StringVar(&algorithm, "algorithm", "", "JWS algorithm; not given is the first that fits the key")
	cmd.Flags().DurationVar(&lifetime, "expires-in", time.Minute, "how long the signature is good for, at most 5m")
	cmd.Flags().BoolVar(&static, "static", false, "make the replayable signature of the original service")
	_ = cmd.MarkFlagRequired("client-id")
	_ = cmd.MarkFlagRequired("key")
	return cmd
}

// signAssertion makes a client assertion (RFC 7523 section 3).
func signAssertion(key jose.PrivateKey, algorithm, clientID, audience string, lifetime time.Duration) (string, error) {
	if lifetime <= 0 || lifetime > 5*time.Minute {
		return "", errors.New("--expires-in: expected more than 0 and at most 5m")
	}
	chosen := key.Algorithms()[0]
	if algorithm != "" {
		var err error
		if chosen, err = jose.ParseAlgorithm(algorithm); err != nil {
			return "", fmt.Errorf("--algorithm: %w", err)
		}
	}
	signer, err := jose.NewSigner(key, chosen, "JWT")
	if err != nil {
		return "", err
	}
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": clientID, "sub": clientID, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
	})
	if err != nil {
		return "", err
	}
	return signer.Sign(claims)
}

// signStatic makes the original service's signature: RSASSA-PSS with SHA-256 over
// the bytes of the client_id, in base64.
func signStatic(key jose.PrivateKey, clientID string) (string, error) {
	der := key.PKCS8()
	defer clear(der)
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return "", err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return "", errors.New("--static: expected an RSA key")
	}
	sum := sha256.Sum256([]byte(clientID))
	signature, err := rsa.SignPSS(rand.Reader, private, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	return base64.StdEncoding.EncodeToString(signature), err
}
