package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// The bare servers: what is left of a request when there is nothing but HTTP and the
// cryptography that it cannot do without.
const (
	bareConstant = "constant" // writes an answer
	bareSign     = "sign"     // signs a token under an algorithm: sign-ES256
	bareVerify   = "verify"   // verifies an RS256 message and signs: verify-ES256
)

// signedPayload has the size of an access token's claims.
const signedPayload = `{"iss":"https://id.test","sub":"secret-0000001","aud":"load-api","iat":1767323045,"exp":1767323945,` +
	`"jti":"4F7QKXN2B5VZ3MDA6HJ2WYC7RE","client_id":"secret-0000001","gty":"client-credentials","permissions":["orders:read","orders:write"]}`

// serveBare serves until the end of ctx, and writes where.
func serveBare(ctx context.Context, out io.Writer, mode, certificate, key string) error {
	handler, err := bareHandler(mode)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintln(out, "bare", listener.Addr())
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if certificate != "" {
		err = server.ServeTLS(listener, certificate, key)
	} else {
		err = server.Serve(listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

func bareHandler(mode string) (http.Handler, error) {
	does, name, _ := strings.Cut(mode, "-")
	body := fmt.Appendf(nil, `{"token":"%s","audience":"load-api","token_type":"Bearer","expires_in":900}`+"\n", strings.Repeat("x", 500))
	if does != bareConstant && does != bareSign && does != bareVerify {
		return nil, errors.New("-bare: there is no such server")
	}
	work := func() error { return nil }
	if does == bareSign || does == bareVerify {
		signer, err := newSigner(jose.Algorithm(name))
		if err != nil {
			return nil, err
		}
		work = func() error {
			_, err := signer.Sign([]byte(signedPayload))
			return err
		}
	}
	if does == bareVerify {
		verify, err := verification()
		if err != nil {
			return nil, err
		}
		sign := work
		work = func() error { return errors.Join(verify(), sign()) }
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if err := work(); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}), nil
}

func newSigner(alg jose.Algorithm) (*jose.Signer, error) {
	key, err := jose.GeneratePrivateKey(alg)
	if err != nil {
		return nil, err
	}
	return jose.NewSigner(key, alg, "at+jwt")
}

// verification verifies a client assertion, each time anew.
func verification() (func() error, error) {
	key, err := jose.GeneratePrivateKey(jose.RS256)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(key, jose.RS256, "JWT")
	if err != nil {
		return nil, err
	}
	text, err := signer.Sign([]byte(signedPayload))
	if err != nil {
		return nil, err
	}
	public := key.Public()
	return func() error {
		message, err := jose.Parse(text, []jose.Algorithm{jose.RS256})
		if err == nil {
			_, err = message.Verify(public)
		}
		return err
	}, nil
}
